"""Folders whose content only their owner can write: for files that are executed when they are read, such as pickles."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from pathlib import Path

from sweep.errors import UsageError

PRIVATE = 0o700
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_OPEN_TO_OTHERS = stat.S_IXGRP | stat.S_IXOTH


def make_private_folder(path: Path) -> None:
    """Make a folder of mode 0700, or take one that is this user's own. Its parents get the usual mode.

    Args:
        path: Absolute.

    Raises:
        UsageError: Somebody else owns the folder, or could write to it or exchange it.
        OSError: It cannot be made.
    """
    require_private(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=PRIVATE, exist_ok=True)
    require_private(path)
    path.chmod(PRIVATE)


def require_private(path: Path) -> None:
    """Refuse a folder that others could write to, or put another in place of. What is not there yet is no objection.

    Args:
        path: Absolute.

    Raises:
        UsageError: Somebody else owns the folder or one above it, or may write there.
    """
    problem = _problem(path)
    if problem:
        raise UsageError(
            f"{path} is no safe place for files that are executed when they are read",
            why=f"{problem}, so another user could run code in your name.",
            next=f"Use a folder that only you may write to; for this one: chmod -R go-w {path}",
        )


def _problem(path: Path) -> str:
    if path.is_symlink():
        return f"{path} is a link"
    folder = path.resolve()
    for above in reversed(folder.parents):
        if not above.exists():
            return ""
        status = above.stat()
        # In a sticky folder, such as /tmp, nobody can rename what is another's.
        if problem := _unsafe(above, status, (0, os.geteuid()), sticky=bool(status.st_mode & stat.S_ISVTX)):
            return problem
        if status.st_uid == os.geteuid() and not status.st_mode & _OPEN_TO_OTHERS:
            break  # nobody else reaches what is below
    return _unsafe(folder, folder.stat(), (os.geteuid(),), sticky=False) if folder.exists() else ""


def _unsafe(folder: Path, status: os.stat_result, owners: Collection[int], *, sticky: bool) -> str:
    if status.st_uid not in owners:
        return f"{folder} belongs to user {status.st_uid}"
    if status.st_mode & _WRITABLE_BY_OTHERS and not sticky:
        return f"{folder} may be written by others"
    return ""
