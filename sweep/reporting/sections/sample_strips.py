"""Stored sheets of samples, cut into strips for the page."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIDE = 8
"""Images along each side of a stored sheet, see `scoring.score.grid_of`."""


def strip(sheet: NDArray[np.uint8], rows: int = 1) -> NDArray[np.uint8]:
    """The first rows of a square sheet one beside the other, a white gap between images; another sheet as it is.

    Args:
        sheet: [H, W] or [H, W, 3] pixels of a stored sheet.
        rows: Number of rows to take.
    """
    height, width = sheet.shape[0] // SIDE, sheet.shape[1] // SIDE
    if sheet.shape[:2] != (SIDE * height, SIDE * width) or height != width:
        return sheet
    gap = max(1, width // 16)
    images = [
        sheet[height * r : height * (r + 1), width * c : width * (c + 1)] for r in range(rows) for c in range(SIDE)
    ]
    edges = [(0, 0), (0, gap)] + [(0, 0)] * (sheet.ndim - 2)
    joined: NDArray[np.uint8] = np.concatenate([np.pad(image, edges, constant_values=255) for image in images], axis=1)
    return joined[:, :-gap]


def with_clear_gaps(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A strip as RGBA whose gaps are transparent, so that they have the colour of the page; other sheets as they are.

    Args:
        image: [H, W] or [H, W, 3] pixels, as `strip` returns them.
    """
    height, width = image.shape[:2]
    gap = max(1, height // 16)
    if width != SIDE * (height + gap) - gap:
        return image
    colours = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    alpha = np.where(np.arange(width) % (height + gap) < height, 255, 0).astype(np.uint8)
    return np.dstack([colours, np.broadcast_to(alpha, (height, width))])
