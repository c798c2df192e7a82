"""Images written for people and for other programs: one grid, one array, or one file each."""

from __future__ import annotations

import math
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sweep.files.atomic import write_atomically
from sweep.scoring.pictures import png_of, tiled

# Of an image in a grid, pixels: digits of 8 pixels are too small to be seen.
_SHOWN = 64
GRID, ARRAY = ".png", ".npz"


def write_images(path: Path, images: Tensor) -> None:
    """Write images in the form that the name of the path asks for.

    Args:
        path: A name that ends in .png for a grid, with small images enlarged by whole factors; in .npz for an array
            `arr_0`, uint8 [N, H, W, C], as the evaluator of guided-diffusion and others read it; else a folder, for
            one PNG an image, 00000.png and so on.
        images: uint8 [N, C, H, W], C = 1 or 3.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == GRID:
        write_atomically(path, png_of(tiled(enlarged(_grid(images)))))
    elif path.suffix == ARRAY:
        buffer = BytesIO()
        np.savez(buffer, images.permute(0, 2, 3, 1).numpy())
        write_atomically(path, buffer.getvalue())
    else:
        path.mkdir(exist_ok=True)
        for index, image in enumerate(images):
            write_atomically(path / f"{index:05d}.png", png_of(tiled(image[None, None])))


def enlarged(cells: Tensor) -> Tensor:
    """Images repeated pixel by pixel, by a whole factor, until people can see them.

    Args:
        cells: uint8 [..., H, W].
    """
    factor = max(1, _SHOWN // cells.shape[-1])
    return cells.repeat_interleave(factor, dim=-1).repeat_interleave(factor, dim=-2)


def _grid(images: Tensor) -> Tensor:
    """uint8 [rows, columns, C, H, W]: as many rows as columns or one less, and black where no image is left."""
    columns = math.ceil(math.sqrt(len(images)))
    rows = math.ceil(len(images) / columns)
    missing = images.new_zeros((rows * columns - len(images), *images.shape[1:]))
    return torch.cat([images, missing]).reshape(rows, columns, *images.shape[1:])
