"""The one check of file names that somebody else may have written.

Keys of a bucket, rows of a database, members of an archive and entries of a shared folder are all written by whoever
may write there. A name is used below a folder only if it lies inside: as text, and by the links that are on its way.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from sweep.errors import UnsafePath

MAX_PART_BYTES = 255
_DRIVE = re.compile(r"[A-Za-z]:")


def unsafe_reason(name: str) -> str:
    """Why a name must not be used below a folder.

    Args:
        name: A relative path with forward slashes, as a listing, a database or an archive gives it.

    Returns:
        The reason in a few words; empty for a name that is safe.

    Example:
        >>> unsafe_reason("runs/ab/weights.pt")
        ''
        >>> unsafe_reason("/etc/passwd")
        'it is an absolute path'
    """
    parts = name.split("/")
    if name.startswith("/") or _DRIVE.match(name):
        return "it is an absolute path"
    if "" in parts or "." in parts or ".." in parts:
        return "it leads out of the folder, or has an empty part"
    if "\\" in name:
        return "it has a backslash, which separates folders on other systems"
    if not name.isprintable():
        return "it has control characters, or is no valid text"
    if any(len(part.encode()) > MAX_PART_BYTES for part in parts):
        return f"a part of it is longer than {MAX_PART_BYTES} bytes"
    return ""


def contained(folder: Path, name: str) -> Path:
    """The path of a file below a folder, which need not exist.

    A link on the way is followed only if it leads to somewhere inside the folder. The folder itself may be a link.

    Args:
        folder: The folder that the file must lie in.
        name: A relative path with forward slashes, from anywhere.

    Returns:
        `folder / name`.

    Raises:
        UnsafePath: The file would lie outside.
    """
    reason = unsafe_reason(name)
    path = folder / PurePosixPath(name)
    if not reason and not _resolves_inside(folder, path):
        reason = "a link on its way leads out of the folder"
    if reason:
        raise UnsafePath(
            f"{name!a} is refused as the name of a file: it leads out of {folder}",
            why=f"{reason[:1].upper()}{reason[1:]}.",
            next="Find out who wrote it: whoever may write to the bucket, the shared folder or the database.",
        )
    return path


def _resolves_inside(folder: Path, path: Path) -> bool:
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # a loop of links, a folder that may not be read
        return False
