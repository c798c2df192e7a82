"""Requests to stop: from a person, from a scheduler, or by a time limit."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType, TracebackType

from sweep.errors import ExitCode

# A scheduler signals every process of a job, and the launcher forwards its own signal: one request, received twice.
SAME_REQUEST_SECONDS = 2.0
# Most schedulers send SIGTERM. Before a time limit Slurm sends the signal that the job has chosen: usually SIGUSR1,
# from submitit SIGUSR2. SIGHUP is sent when a terminal is closed or a connection is lost.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP)
# A scheduler kills about 30 s after its signal. After LATE_SECONDS saving is given up, so that the work is released in
# time; after LAST_SECONDS the process ends, whatever it waits for.
LATE_SECONDS = 18.0
LAST_SECONDS = 27.0
POLL_SECONDS = 0.25


def stop_signals() -> tuple[signal.Signals, ...]:
    """The signals that ask this process to stop: SIGHUP is not one of them where `nohup` has it ignored."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return tuple(kind for kind in STOP_SIGNALS if not (kind is signal.SIGHUP and ignored))


@contextmanager
def blocked_stop_signals() -> Iterator[None]:
    """Block the signals that ask to stop, so that a process that is started inside the context has them blocked.

    A process that is still importing would end with a traceback. It unblocks the signals once it handles them.
    """
    resource_tracker.ensure_running()  # multiprocessing would start it inside, and that unblocks the signals
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Interrupt:
    """Records the first request to stop; a second request ends the process at once.

    - SIGTERM, SIGUSR1 and SIGUSR2 come from schedulers. The worker saves, releases its work and exits with 75.
    - SIGHUP has the same effect, and never counts as a second request: a closed terminal sends several.
    - Ctrl-C comes from a person. It has the same effect, with exit code 130.
    - A time limit is a request that no signal announces.

    A scheduler's request and a time limit are met within 30 s, even while the database or the file store does not
    answer. After Ctrl-C saving may take as long as it needs.

    Args:
        limit: Seconds after which the process is to stop; None for no limit.
    """

    def __init__(self, limit: float | None = None) -> None:
        self._event = threading.Event()
        self._signal = 0
        self._requested_at = 0.0
        self._deadline = None if limit is None else time.monotonic() + limit
        self._over = threading.Event()
        self._before: dict[int, object] = {}

    @property
    def stop_requested(self) -> bool:
        """Whether this process was asked to stop, or its time limit is over."""
        return self._event.is_set() or self._remaining_seconds <= 0.0

    @property
    def late(self) -> bool:
        """Whether the time for saving is over: what is not saved by now is given up."""
        return self._overdue_seconds > LATE_SECONDS

    @property
    def exit_code(self) -> int:
        """130 after Ctrl-C, 75 after another request or the time limit, 0 without a request."""
        if not self.stop_requested:
            return 0
        return ExitCode.INTERRUPTED if self._signal == signal.SIGINT else ExitCode.PREEMPTED

    @property
    def _remaining_seconds(self) -> float:
        return float("inf") if self._deadline is None else self._deadline - time.monotonic()

    @property
    def _overdue_seconds(self) -> float:
        """Seconds since the request of a scheduler or the end of the time limit; negative when there was neither."""
        if self._event.is_set():
            return -float("inf") if self._signal == signal.SIGINT else time.monotonic() - self._requested_at
        return -self._remaining_seconds

    def wait(self, seconds: float) -> None:
        """Sleep until a request comes, and at most for some time.

        Args:
            seconds: The longest time to sleep; the time limit cuts it short.
        """
        self._event.wait(max(0.0, min(seconds, self._remaining_seconds)))

    def __enter__(self) -> Interrupt:
        for kind in stop_signals():
            self._before[kind] = signal.signal(kind, self._handle)
        threading.Thread(target=self._end_in_time, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type] # what `signal.signal` has returned, it takes back

    def _end_in_time(self) -> None:
        # Safe at any moment: a worker that is killed loses only what came after its last recorded checkpoint.
        while not self._over.wait(POLL_SECONDS):
            if self._overdue_seconds > LAST_SECONDS:
                os._exit(ExitCode.PREEMPTED)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        # Only a flag: saving inside a handler would interrupt a save.
        now = time.monotonic()
        again = self._event.is_set() and number != signal.SIGHUP
        if again and now - self._requested_at > SAME_REQUEST_SECONDS:
            os._exit(ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.PREEMPTED)
        if not self._event.is_set():
            self._signal, self._requested_at = number, now
        self._event.set()
