"""Reading a small text file that a person names: never a device, a pipe or more bytes than it may have."""

from __future__ import annotations

import os
import stat
from itertools import islice
from pathlib import Path

from sweep.errors import StudyFileError
from sweep.limits import MAX_FILE_BYTES

SUGGESTED = 8

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def read_text(path: Path, *, kind: str = "study") -> str:
    """The text of a regular file of at most `MAX_FILE_BYTES`, in UTF-8.

    Args:
        path: Of the file; a link is followed.
        kind: What the file should be; named in errors.

    Raises:
        StudyFileError: It is missing, not a regular file, unreadable, too large, or not UTF-8.
    """
    try:
        _require_regular(path, path.stat().st_mode)  # opening a device may already do something
        # What looks regular may still wait for ever, such as /proc/kmsg, or have become a pipe.
        with os.fdopen(os.open(path, _FLAGS), "rb") as file:
            status = os.fstat(file.fileno())
            _require_regular(path, status.st_mode)
            raw = file.read(MAX_FILE_BYTES + 1) or b""
    except FileNotFoundError:
        raise StudyFileError(f"{path}: no such file", next=_neighbours(path)) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise StudyFileError(f"{path}: cannot be read", why=why, next=f"Give the path of a {kind}.") from None
    if len(raw) > MAX_FILE_BYTES:
        raise StudyFileError(
            f"{path}: {max(status.st_size, len(raw)):,} bytes is too large for a {kind}",
            why=f"At most {MAX_FILE_BYTES:,} bytes are read.",
            next=f"Give the path of a {kind}.",
        )
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StudyFileError(
            f"{path}: not a text file", why=f"Byte {error.start} is not UTF-8.", next=f"Give the path of a {kind}."
        ) from None


def _require_regular(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        raise StudyFileError(
            f"{path}: is {kind}, not a file",
            why="Only regular files are read: a pipe or a device may never end.",
            next="Save the text in a file, and give its path.",
        )


def _neighbours(path: Path) -> str:
    try:
        names = sorted(str(p) for p in islice(path.parent.glob("*.y*ml"), SUGGESTED))
    except OSError:
        names = []
    return f"There are: {', '.join(names)}." if names else "Check the path."
