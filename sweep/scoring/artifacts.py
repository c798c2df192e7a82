"""Arrays in files that are known by the hash of their bytes."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sweep.errors import DataError
from sweep.files.array_hashes import sha256_of_array
from sweep.files.atomic import write_atomically
from sweep.files.hashes import sha256_of_bytes

__all__ = ["SavedFile", "read_array", "sha256_of_array", "write_array"]


@dataclass(frozen=True, kw_only=True)
class SavedFile:
    """A file in the folder of its score."""

    name: str
    sha256: str


def write_array(path: Path, array: NDArray[np.generic]) -> str:
    """Write one array as .npy. Returns the sha256 of the file.

    Args:
        path: Path of the file.
        array: The array.
    """
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_atomically(path, buffer.getvalue())
    return sha256_of_bytes(buffer.getvalue())


def read_array(path: Path, sha256: str) -> NDArray[np.generic]:
    """The array in a .npy file whose sha256 is known.

    Args:
        path: Path of the file.
        sha256: SHA-256 of the file's bytes, hexadecimal.

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
