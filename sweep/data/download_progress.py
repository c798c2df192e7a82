"""How far a download is that says nothing itself: the bytes that have arrived are counted while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

POLL_SECONDS = 0.5

OnBytes = Callable[[int, int], None]
"""Called with (bytes received, bytes in all) while a data set is downloaded."""


def ignore_bytes(_done: int, _total: int) -> None:
    """For callers that show no progress."""


@contextmanager
def showing_bytes(arrived: Callable[[], int], total: int, on_bytes: OnBytes) -> Iterator[None]:
    """Report several times a second how far a download is that reports nothing itself.

    Args:
        arrived: Counts the bytes that have arrived; it may raise OSError.
        total: Bytes in all; with 0, `on_bytes` is not called.
        on_bytes: Is called from a thread that ends with the block.
    """
    over = threading.Event()

    def poll() -> None:
        while total and not over.wait(POLL_SECONDS):
            with suppress(OSError):  # files come and go meanwhile
                on_bytes(min(arrived(), total), total)

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
