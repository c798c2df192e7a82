"""Signals that ask to stop, while a verb runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sweep.worker.interrupt import Interrupt


def takes_signals() -> bool:
    """Whether this thread may handle signals: only the main thread of a process can."""
    return threading.current_thread() is threading.main_thread()


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """Note requests to stop for as long as the context lasts. In another thread than the main one there are none.

    Yields:
        What tells whether to stop, and the exit code that goes with the request.
    """
    interrupt = Interrupt()
    if not takes_signals():
        yield interrupt
        return
    with interrupt:
        yield interrupt
