"""One worker process, kept alive: its lines are passed on, and it is started again when something kills it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from sweep.worker.interrupt import PREEMPTED

Say = Callable[[str], None]

# Deaths in a row after which the machine, not bad luck, is to blame.
RESTARTS = 3
# A worker that lived so long was well.
WELL_SECONDS = 600.0


class KeptWorker:
    """`sweep worker` as a process of its own. It dies with the process that keeps it.

    A worker that ends by itself, whatever its exit code, has said what it had to say. One that dies of a signal (the
    kernel's out-of-memory killer, a crash of its interpreter) is replaced; its leases are taken over at once, because
    it ran on this machine.

    Args:
        arguments: Of `sweep worker`.
        environment: Holds SWEEP_STORAGE: a process list shows arguments, and the URL may hold a password.
        say: Takes its lines.
    """

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], say: Say) -> None:
        self._command = [sys.executable, "-m", "sweep", "worker", *arguments, "--with-parent"]
        self._environment = environment
        self._say = say
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._deaths = 0
        self._started = 0.0
        self._asked = False

    def start(self) -> None:
        """Start the process."""
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            self._command, env=dict(self._environment), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            start_new_session=True,  # Ctrl-C reaches the launcher alone, which passes it on once
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            self._say(line.rstrip("\n"))

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
