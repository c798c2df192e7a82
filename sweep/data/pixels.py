"""The one way from bytes to the range of the model, and the one way back."""

from __future__ import annotations

import torch
from torch import Tensor


# Ho et al. 2020, section 3.3: {0, 1, ..., 255} scaled linearly to [-1, 1].
def to_model_range(images: Tensor) -> Tensor:
    """uint8, any shape -> float32 in [-1, 1]; 0 -> -1, 255 -> 1."""
    assert images.dtype == torch.uint8, f"expected uint8 images, got {images.dtype}: scaled already?"
    return images.float() / 127.5 - 1


def to_uint8(images: Tensor) -> Tensor:
    """Float, nominally in [-1, 1] -> uint8; the inverse of `to_model_range`.

    Values outside are clamped first (a bare cast wraps 256 to 0) and rounded to the nearest level (a cast truncates,
    which darkens every sample by half a level and moves its FID). NaN has no pixel value: test for it before.
    """
    return ((images.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
