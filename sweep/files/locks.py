"""Locks between processes of one machine, or of machines that share a folder whose filesystem has them."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sweep.files.sharing import PRIVATE_FILE, SHARED_FILE, is_shared, make_folder

log = logging.getLogger(__name__)


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Let one process or thread at a time run the block; the others wait, after a line of log.

    The kernel drops the lock with the process that holds it, however that process ends, so no lock is ever left behind.

    Args:
        path: The lock file. It is made if it is missing, and stays.

    Raises:
        OSError: The lock file cannot be made.
    """
    make_folder(path.parent)
    handle = _opened(path)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.warning("waiting for another process that holds %s", path)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _opened(path: Path) -> int:
    # Never through a link: in a shared folder it may lead anywhere. Nor wait for the other end of a pipe.
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        handle = os.open(path, flags | os.O_EXCL, PRIVATE_FILE)
    except FileExistsError:
        return os.open(path, flags, PRIVATE_FILE)
    if is_shared(path.parent):
        os.fchmod(handle, SHARED_FILE)
    return handle
