"""Locks between processes of one machine, or of machines that share a folder whose filesystem has them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sweep.files.sharing import PRIVATE_FILE, SHARED_FILE, is_shared, make_folder


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Let one process or thread at a time run the block; the others wait.

    The kernel drops the lock with the process that holds it, however that process ends, so no lock is ever left behind.

    Args:
        path: The lock file. It is made if it is missing, and stays.

    Raises:
        OSError: The lock file cannot be made.
    """
    make_folder(path.parent)
    with os.fdopen(_opened(path), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _opened(path: Path) -> int:
    # Never through a link: in a shared folder it may lead anywhere.
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    try:
        handle = os.open(path, flags | os.O_EXCL, PRIVATE_FILE)
    except FileExistsError:
        return os.open(path, flags, PRIVATE_FILE)
    if is_shared(path.parent):
        os.fchmod(handle, SHARED_FILE)
    return handle
