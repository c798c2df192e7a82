"""Files that several Unix users share: a folder that is its group's, and setgid, passes that on to what is in it.

    chgrp lab FOLDER; chmod 2770 FOLDER

Everywhere else files are their user's alone (0600). The umask plays no part: one user's would lock the others out.
"""

from __future__ import annotations

import errno
import os
import pwd
import shlex
import stat
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

PRIVATE_FILE, SHARED_FILE, SHARED_FOLDER = 0o600, 0o660, 0o2770
# Enough to meet what an earlier user has left, and quick on a network file system.
MAX_LOOKED_AT = 1000


def is_shared(folder: Path) -> bool:
    """Whether an existing folder is its group's: writable by the group, and setgid so that new files get the group."""
    both = stat.S_ISGID | stat.S_IWGRP
    return folder.stat().st_mode & both == both


def make_folder(path: Path) -> None:
    """Make a folder and those above it; what is made in a shared folder is shared too.

    Args:
        path: The folder. Nothing happens if it is there.

    Raises:
        OSError: It cannot be made.
    """
    if path.is_dir():
        return
    make_folder(path.parent)
    with suppress(FileExistsError):
        path.mkdir()
        if is_shared(path.parent):
            path.chmod(SHARED_FOLDER)
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))


def access_problem(folder: Path, parts: Sequence[str]) -> str:
    """Why this user cannot work with the files in a folder, because they are another user's.

    Args:
        folder: It need not exist.
        parts: Names of the folders in it that are used.

    Returns:
        A sentence that names the file, its owner and its mode; empty when nothing is found among the first thousand
        files and folders.
    """
    used = [folder / part for part in parts]
    below = (path for part in used for path in part.rglob("*"))
    for path in (folder, *used, *islice(below, MAX_LOOKED_AT)):
        with suppress(FileNotFoundError):  # it need not be there, and another process may delete it meanwhile
            try:
                status = path.stat(follow_symlinks=False)
            except PermissionError:
                return f"{path} lies in a folder that this user may not enter."
            wanted = os.R_OK | (os.W_OK | os.X_OK if stat.S_ISDIR(status.st_mode) else 0)
            if stat.S_ISLNK(status.st_mode) or status.st_uid == os.geteuid() or os.access(path, wanted):
                continue
            mode = f"{status.st_mode & 0o7777:04o}"
            return f"{path} belongs to {_user(status.st_uid)}, and its mode {mode} keeps this user out."
    return ""


def sharing_commands(folder: Path) -> str:
    """What the owner of a folder types so that a group can share it."""
    name = shlex.quote(str(folder))
    return f"chgrp -R GROUP {name} && chmod -R g+rwX {name} && find {name} -type d -exec chmod g+s {{}} +"


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
