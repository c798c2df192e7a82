"""SHA-256 of bytes and of files, in hexadecimal."""

from __future__ import annotations

import hashlib
from pathlib import Path


def sha256_of_bytes(content: bytes | memoryview) -> str:
    """The SHA-256 of bytes in memory, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of the bytes of a file, hexadecimal.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
