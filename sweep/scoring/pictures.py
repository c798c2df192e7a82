"""Images laid out as one PNG."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sweep.files.atomic import write_atomically
from sweep.files.hashes import sha256_of_bytes
from sweep.scoring.artifacts import SavedFile


def tiled(cells: Tensor) -> NDArray[np.uint8]:
    """uint8 [rows, columns, C, H, W], C = 1 or 3 -> [rows H, columns W] or [rows H, columns W, 3]."""
    rows, columns, channels, height, width = cells.shape
    laid = cells.permute(0, 3, 1, 4, 2).reshape(rows * height, columns * width, channels)
    picture: NDArray[np.uint8] = laid.cpu().numpy()
    return picture[..., 0] if channels == 1 else picture


def png_of(picture: NDArray[np.uint8]) -> bytes:
    """A picture as a PNG file.

    Args:
        picture: uint8 [H, W] or [H, W, 3].
    """
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    return buffer.getvalue()


def save_picture(folder: Path, name: str, picture: NDArray[np.uint8]) -> SavedFile:
    """Write a PNG whole.

    Args:
        folder: Folder of the score.
        name: Name of the file.
        picture: uint8 [H, W] or [H, W, 3].
    """
    data = png_of(picture)
    write_atomically(folder / name, data)
    return SavedFile(name=name, sha256=sha256_of_bytes(data))
