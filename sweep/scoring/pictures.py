"""Images laid out as one PNG."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sweep.scoring.artifacts import SavedFile, write_whole


def tiled(cells: Tensor) -> NDArray[np.uint8]:
    """uint8 [rows, columns, C, H, W], C = 1 or 3 -> [rows H, columns W] or [rows H, columns W, 3]."""
    rows, columns, channels, height, width = cells.shape
    laid = cells.permute(0, 3, 1, 4, 2).reshape(rows * height, columns * width, channels)
    picture: NDArray[np.uint8] = laid.cpu().numpy()
    return picture[..., 0] if channels == 1 else picture


def save_picture(folder: Path, name: str, picture: NDArray[np.uint8]) -> SavedFile:
    """Write a PNG whole."""
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    return SavedFile(name=name, sha256=write_whole(folder / name, buffer.getvalue()))
