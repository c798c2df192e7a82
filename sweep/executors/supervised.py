"""One supervised worker process: its lines are logged, and it is started again when a signal kills it."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from sweep.errors import ExitCode
from sweep.executors.lines import lines_of
from sweep.worker.process_start import SAFE_PATH_FLAG, leave_deleted_folder

logger = logging.getLogger(__name__)

# After so many deaths in a row the worker is not started again: the machine is probably at fault.
RESTARTS = 3
# A worker that ran for so long does not count as one more death in a row.
WELL_SECONDS = 600.0


def log_line(line: str) -> None:
    """Log a line of a worker as it is.

    Args:
        line: The line, without its end.
    """
    logger.info("%s", line)


class SupervisedWorker:
    """`sweep worker` as a process of its own. The worker saves and exits when the supervising process is gone.

    A worker that ends by itself is not started again, whatever its exit code. One that a signal kills (the kernel's
    out-of-memory killer, a crash of its interpreter) is replaced. Its leases are taken over at once, because it ran on
    this machine.

    Args:
        arguments: Arguments of `sweep worker`.
        environment: Environment of the process, with SWEEP_STORAGE. The URL may hold a password, and a list of
            processes shows arguments.
        on_line: Called with each line that the worker writes to stderr, in a thread of its own.
    """

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], on_line: Callable[[str], None] = log_line
    ) -> None:
        self._command = [sys.executable, SAFE_PATH_FLAG, "-m", "sweep", "worker", *arguments, "--with-parent"]
        self._environment = environment
        self._on_line = on_line
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._deaths = 0
        self._started = 0.0
        self._stopping = False

    def start(self) -> None:
        """Start the worker process."""
        self._started = time.monotonic()
        leave_deleted_folder()
        self._process = subprocess.Popen(
            self._command,
            env=dict(self._environment),
            stderr=subprocess.PIPE,
            stdin=subprocess.PIPE,  # nothing is written; it closes when this process ends, and then the worker exits
            start_new_session=True,  # Ctrl-C reaches the launching process only, which forwards it once
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        # To the end, whatever happens to a line: a worker whose pipe is full would stop. Where the output of this
        # process was closed, printing raises SystemExit.
        assert process.stdin is not None
        assert process.stderr is not None
        with process.stdin, process.stderr:
            for line in lines_of(process.stderr.fileno()):
                with suppress(Exception, SystemExit):
                    self._on_line(line)

    def poll(self) -> int | None:
        """Start the worker again if a signal has killed it, up to three times in a row.

        Returns:
            The exit code of a worker that is not started again; None while one runs.
        """
        assert self._process is not None
        code = self._process.poll()
        if self._stopping and code == -signal.SIGTERM:
            return ExitCode.PREEMPTED  # while it started: it did not handle signals yet, and held no work
        if code is None or code >= 0 or self._stopping:
            return code
        self._deaths = 1 if time.monotonic() - self._started > WELL_SECONDS else self._deaths + 1
        name = signal.Signals(-code).name
        if self._deaths > RESTARTS:
            return code
        self._on_line(f"a worker was killed by {name}; starting another")
        self.start()
        return None

    def signal(self, number: int) -> None:
        """Forward a request to stop. Afterwards the worker is not started again.

        Args:
            number: Number of the signal.
        """
        self._stopping = True
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def join(self) -> None:
        """Wait for the end of the worker, and for its last lines."""
        if self._process is not None and self._reader is not None:
            self._process.wait()
            self._reader.join(5.0)
