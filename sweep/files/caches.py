"""Files that can be made again: one that is missing, unreadable, altered or of something else is simply made anew."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from sweep.files.atomic import write_atomically
from sweep.files.hashes import sha256_of_bytes
from sweep.files.locks import exclusive_lock

T = TypeVar("T")
SEAL = "seal"
"""Key under which a sealed file holds the hash of everything else in it."""

log = logging.getLogger(__name__)


def find_or_build(path: Path, find: Callable[[], T | None], build: Callable[[], T]) -> T:
    """Use what a cache holds, or make it, one process at a time.

    Of several processes at once one builds, and the others find what it has written. A process that is killed while it
    builds leaves no lock behind. If something is at `path` that `find` does not accept, a line of log says so.

    Args:
        path: The file that is written last; its lock lies beside it, with the suffix `.lock`.
        find: Reads the cache. None if it is missing or not to be believed; it must not raise for anything in the files.
        build: Computes the value and writes the cache.

    Returns:
        What `find` or `build` returned.

    Raises:
        OSError: The folder of the cache cannot be written.
    """
    value = find()
    if value is not None:
        return value
    lock = path.with_suffix(".lock")
    _set_aside(path.parent, unless=Path.is_dir)
    _set_aside(lock, unless=lambda other: other.is_file() and not other.is_symlink())
    with exclusive_lock(lock):
        value = find()
        if value is None:
            if os.path.lexists(path):
                log.warning("%s is damaged or belongs to something else: it is made again", path)
            value = build()
        return value


def read_cache(path: Path) -> bytes | None:
    """The bytes of a file, or None where there is no file that can be read. Never waits for a pipe or a device."""
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError:
        return None


def write_cache(path: Path, content: bytes) -> None:
    """Write a file atomically. A folder that lies in its place is renamed.

    Args:
        path: Path of the file.
        content: What is written.

    Raises:
        OSError: The file cannot be written.
    """
    set_folder_aside(path)
    write_atomically(path, content)


def read_json(content: bytes | None) -> dict[str, Any] | None:
    """The object in the bytes of a JSON file, or None where they hold none."""
    try:
        value = json.loads(content or b"")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object with the hash of everything in it, so that `read_sealed` notices any change.

    Args:
        path: Path of the file.
        content: What is written.

    Raises:
        OSError: The file cannot be written.
    """
    plain = json.loads(json.dumps(content))
    write_cache(path, _canonical(plain | {SEAL: sha256_of_bytes(_canonical(plain))}))


def read_sealed(path: Path) -> dict[str, Any] | None:
    """What `write_sealed` wrote, or None where the file is missing, unreadable or altered."""
    value = read_json(read_cache(path))
    if value is None:
        return None
    seal = value.pop(SEAL, None)
    return value if seal == sha256_of_bytes(_canonical(value)) else None


def _canonical(value: Mapping[str, Any]) -> bytes:
    # Escapes to ASCII, as a lone surrogate has no bytes in UTF-8.
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def set_folder_aside(path: Path) -> None:
    """Rename a folder that lies where a file must be written. It may be somebody's, so it is not deleted.

    Raises:
        OSError: It cannot be renamed.
    """
    _set_aside(path, unless=lambda other: other.is_symlink() or not other.is_dir())


def _set_aside(path: Path, *, unless: Callable[[Path], bool]) -> None:
    if not os.path.lexists(path) or unless(path):
        return
    other = path.with_name(f"{path.name}.{uuid4().hex[:8]}.aside")
    # Another process may have been faster.
    with suppress(FileNotFoundError):
        path.rename(other)
        log.warning("%s was in the way of another file: it is now %s", path, other.name)
