"""Files that appear whole or not at all, even when the power fails."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom
from pathlib import Path

from sweep.files.sharing import SHARED_FILE, is_shared, make_folder

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Error numbers of a full disk, a used-up quota and a file that is too large."""


@contextmanager
def atomic_file(path: Path) -> Iterator[BufferedRandom]:
    """A file to write to and read from, which becomes `path` when the block ends without an exception.

    Until then it is a hidden file beside `path`, named `.<name>.<random>.tmp`. Its mode is 0600, or 0660 in a folder
    that a group shares (`sharing.py`). The file and the entry in its folder are synced: after a crash of the machine
    `path` holds either its old bytes or all of the new ones.

    Args:
        path: The file to make or to replace. Missing folders above it are made.

    Yields:
        The open file, empty, for reading and writing of bytes.

    Raises:
        OSError: The file cannot be written; `path` is as it was, and nothing is left behind.
    """
    make_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w+b") as file:
            if is_shared(path.parent):
                os.fchmod(file.fileno(), SHARED_FILE)
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_atomically(path: Path, content: bytes | memoryview) -> None:
    """Write all bytes of a file at once, as `atomic_file` does.

    Args:
        path: The file to make or to replace. Missing folders above it are made.
        content: All bytes of the file.

    Raises:
        OSError: As for `atomic_file`.
    """
    with atomic_file(path) as file:
        file.write(content)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: a renamed file can be lost with the power until its folder is synced.

    Args:
        folder: An existing folder.

    Raises:
        OSError: The folder cannot be opened or synced.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
