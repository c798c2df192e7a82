"""Locks between processes of one machine, or of machines that share a folder whose filesystem has them."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Let one process or thread at a time run the block; the others wait.

    The kernel drops the lock with the process that holds it, however that process ends, so no lock is ever left behind.

    Args:
        path: The lock file. It is made if it is missing, and stays.

    Raises:
        OSError: The lock file cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
