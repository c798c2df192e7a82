"""The size of a perceptron. Knows no torch, so that `plan` can ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def mlp_weights(settings: Mapping[str, Any], *, image_channels: int, image_size: int | None) -> int:
    """Weights in the layers of a perceptron: nearly all of its parameters.

    Args:
        settings: `width` and `depth` are read.
        image_channels: Channels of the images.
        image_size: Height and width of the images, pixels; None where they are not known yet: then they count as 1.
    """
    width, depth = settings["width"], settings["depth"]
    pixels = (image_size or 1) ** 2 * image_channels
    return int(width * (3 * depth * width + 2 * pixels))
