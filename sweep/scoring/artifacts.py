"""Files that appear whole or not at all, and are known by the hash of their bytes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sweep.errors import DataError


@dataclass(frozen=True, kw_only=True)
class SavedFile:
    """A file in the folder of its score."""

    name: str
    sha256: str


def sha256_of_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sha256_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_array(array: NDArray[np.generic]) -> str:
    """Hash of the values, dtype and shape: equal arrays have equal hashes, however they are stored."""
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def write_whole(path: Path, data: bytes) -> str:
    """Write `data` so that no reader ever sees a part of it, not even after a crash. Returns its sha256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return sha256_of_bytes(data)


def write_array(path: Path, array: NDArray[np.generic]) -> str:
    """Write one array as .npy. Returns the sha256 of the file."""
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return write_whole(path, buffer.getvalue())


def read_array(path: Path, sha256: str) -> NDArray[np.generic]:
    """The array in a .npy file whose sha256 is known.

    Raises:
        DataError: The file is missing, or its bytes are not those that were written.
    """
    if not path.is_file():
        raise DataError(
            f"No file {path}.",
            why="It was moved, or was written on another machine.",
            next="Bring it back, or score again.",
        )
    data = path.read_bytes()
    if sha256_of_bytes(data) != sha256:
        raise DataError(
            f"{path} is not the file that was scored.",
            why=f"Its sha256 is {sha256_of_bytes(data)[:16]}..., not {sha256[:16]}...",
            next="Score again; a number cannot be checked against altered features.",
        )
    array: NDArray[np.generic] = np.load(BytesIO(data), allow_pickle=False)
    return array


@contextmanager
def one_at_a_time(lock: Path) -> Iterator[None]:
    """Let one process or thread through at once, so that what one has computed the next finds."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    # The kernel drops the lock with the process, however it dies.
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
