"""SHA-256 of arrays, in hexadecimal. Beside `hashes.py`, which processes need that do not load numpy."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


def sha256_of_array(array: NDArray[np.generic]) -> str:
    """Hash of the values, dtype and shape: equal arrays have equal hashes, however they are stored."""
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
