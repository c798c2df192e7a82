"""Which files lie in a folder and in the store behind it. Files that are being written, and locks, are passed over."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sweep.files.contained import unsafe_reason
from sweep.files.remote import Remote
from sweep.files.transfer import StoredFile
from sweep.redaction import clean

_UNFINISHED = re.compile(r"(^\.)|(\.lock$)|(\.tmp$)")

_log = logging.getLogger("sweep.store")


def local_files(folder: Path, below: Path) -> Iterator[StoredFile]:
    """Every regular file below a path, in the order of the paths; links are left out.

    Args:
        folder: Folder of the file store.
        below: That folder, or one in it.
    """
    for path in sorted(below.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with suppress(FileNotFoundError):  # another process may delete it meanwhile
                status = path.stat()
                yield StoredFile(path.relative_to(folder).as_posix(), str(path), status.st_size, status.st_mtime)


def finished_names(files: Iterator[StoredFile] | list[StoredFile]) -> set[str]:
    """Names, relative to the file store, of the files that are whole."""
    return {file.path for file in files if not _UNFINISHED.search(Path(file.path).name)}


def remote_names(remote: Remote, under: str) -> set[str]:
    """Names of the whole files in a store. Those that lead out of it are passed over, with a warning in the log.

    Args:
        remote: The store.
        under: Folder below the store.

    Raises:
        FileStoreError: The store does not answer.
    """
    names = finished_names(remote.listed(under))
    unsafe = {name for name in names if unsafe_reason(name)}
    if unsafe:
        _log.warning("%s: %d names that lead out of it are passed over", clean(remote.url), len(unsafe))
    return names - unsafe
