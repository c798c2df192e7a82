"""One worker process, kept alive: its lines are passed on, and it is started again when something kills it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from sweep.executors.lines import lines_of
from sweep.worker.interrupt import PREEMPTED
from sweep.worker.process_start import SAFE_PATH_FLAG, leave_deleted_folder

Say = Callable[[str], None]

# Deaths in a row after which the machine, not bad luck, is to blame.
RESTARTS = 3
# A worker that lived so long was well.
WELL_SECONDS = 600.0


class SupervisedWorker:
    """`sweep worker` as a process of its own. It saves and leaves when the process that keeps it is gone.

    A worker that ends by itself, whatever its exit code, has said what it had to say. One that dies of a signal (the
    kernel's out-of-memory killer, a crash of its interpreter) is replaced; its leases are taken over at once, because
    it ran on this machine.

    Args:
        arguments: Of `sweep worker`.
        environment: Holds SWEEP_STORAGE: a process list shows arguments, and the URL may hold a password.
        say: Takes its lines.
    """

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], say: Say) -> None:
        self._command = [sys.executable, SAFE_PATH_FLAG, "-m", "sweep", "worker", *arguments, "--with-parent"]
        self._environment = environment
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._deaths = 0
        self._started = 0.0
        self._asked = False

    def start(self) -> None:
        """Start the process."""
        self._started = time.monotonic()
        leave_deleted_folder()
        self._process = subprocess.Popen(
            self._command, env=dict(self._environment), stderr=subprocess.PIPE,
            stdin=subprocess.PIPE,  # nothing is written: that it closes is how the worker hears that this process ended
            start_new_session=True,  # Ctrl-C reaches the launcher alone, which passes it on once
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        # To the end, whatever becomes of a line: a worker whose pipe is full stands still. Where our own output was
        # closed, what prints raises SystemExit.
        assert process.stdin is not None
        assert process.stderr is not None
        with process.stdin, process.stderr:
            for line in lines_of(process.stderr.fileno()):
                with suppress(Exception, SystemExit):
                    self._say(line)

    def poll(self) -> int | None:
        """The exit code once the worker has ended for good; None while there is one."""
        assert self._process is not None
        code = self._process.poll()
        if self._asked and code == -signal.SIGTERM:
            return PREEMPTED  # while it started: it did not listen yet, and held nothing
        if code is None or code >= 0 or self._asked:
            return code
        self._deaths = 1 if time.monotonic() - self._started > WELL_SECONDS else self._deaths + 1
        name = signal.Signals(-code).name
        if self._deaths > RESTARTS:
            return code
        self._say(f"a worker was killed by {name}; starting another")
        self.start()
        return None

    def signal(self, number: int) -> None:
        """Pass a request to stop on; after one, nothing is started again."""
        self._asked = True
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def join(self) -> None:
        """Wait for its end and its last lines."""
        if self._process is not None and self._reader is not None:
            self._process.wait()
            self._reader.join(5.0)
