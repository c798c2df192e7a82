"""Being asked to stop: by a person, by the machine, or by the clock."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType, TracebackType

PREEMPTED = 75
CTRL_C = 130
# A scheduler signals every process of a job, and the launcher passes its own on: one request, heard twice.
SAME_REQUEST_SECONDS = 2.0
# Schedulers of machines send SIGTERM; Slurm sends ahead of a time limit what the job asked for: SIGUSR1 by habit,
# SIGUSR2 from submitit. SIGHUP comes of a terminal that is closed, or of a connection that is lost.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP)
# A scheduler kills some 30 s after its signal. What is not saved by the first of these is given up, so that the work
# is released and not lost with the process; at the second the process ends, whatever it waits for.
LATE_SECONDS = 18.0
LAST_SECONDS = 27.0
POLL_SECONDS = 0.25


def stop_signals() -> tuple[signal.Signals, ...]:
    """The signals that ask this process to stop: not SIGHUP where `nohup` had it ignored."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return tuple(kind for kind in STOP_SIGNALS if not (kind is signal.SIGHUP and ignored))


@contextmanager
def held_signals() -> Iterator[None]:
    """Hold back the signals that ask to stop, for a process that is started meanwhile: it inherits that.

    A process that is still importing would end with a traceback. It takes the signals once it has decided about them.
    """
    resource_tracker.ensure_running()  # which multiprocessing would start meanwhile, and that lets signals through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Interrupt:
    """Notes the first request to stop; the second ends the process at once.

    SIGTERM, SIGUSR1 and SIGUSR2 come from schedulers: save, release, exit 75, and the work is requeued. SIGHUP is met
    alike, and is never a second request: a closed terminal sends several. Ctrl-C comes from a person: the same, with
    exit 130. A time limit is a request that nobody has to send.

    A scheduler's request and a time limit are met within 30 s even while the database or the store of files is away;
    a person may wait for as long as saving takes.

    Args:
        limit: Seconds after which to stop; None for never.
    """

    def __init__(self, limit: float | None = None) -> None:
        self._event = threading.Event()
        self._signal = 0
        self._asked_at = 0.0
        self._deadline = None if limit is None else time.monotonic() + limit
        self._over = threading.Event()
        self._before: dict[int, object] = {}

    @property
    def asked(self) -> bool:
        """Whether this process is to stop."""
        return self._event.is_set() or self._left <= 0.0

    @property
    def late(self) -> bool:
        """Whether it is time to give up what cannot be saved."""
        return self._waited > LATE_SECONDS

    @property
    def exit_code(self) -> int:
        """0 when nobody asked."""
        if not self.asked:
            return 0
        return CTRL_C if self._signal == signal.SIGINT else PREEMPTED

    @property
    def _left(self) -> float:
        return float("inf") if self._deadline is None else self._deadline - time.monotonic()

    @property
    def _waited(self) -> float:
        """Seconds since a scheduler or the clock asked; minus infinity when neither did."""
        if self._event.is_set():
            return -float("inf") if self._signal == signal.SIGINT else time.monotonic() - self._asked_at
        return -self._left

    def wait(self, seconds: float) -> None:
        """Sleep, but not through a request."""
        self._event.wait(max(0.0, min(seconds, self._left)))

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
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _end_in_time(self) -> None:
        # Nothing is lost by it: whatever ends here could have been killed at any other moment.
        while not self._over.wait(POLL_SECONDS):
            if self._waited > LAST_SECONDS:
                os._exit(PREEMPTED)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        # Only a flag: saving inside a handler would interrupt a save.
        now = time.monotonic()
        again = self._event.is_set() and number != signal.SIGHUP
        if again and now - self._asked_at > SAME_REQUEST_SECONDS:
            os._exit(CTRL_C if number == signal.SIGINT else PREEMPTED)
        if not self._event.is_set():
            self._signal, self._asked_at = number, now
        self._event.set()
