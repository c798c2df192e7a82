"""A data set and a metric of our own: gratings at four angles, and how much of their contrast samples have."""

import numpy as np
import torch

from sweep.plugins import dataset, metric


@dataset("gratings")
def gratings(*, count: int = 800, size: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Gratings with random phases; the class of an image is its angle.

    Args:
        count: Images.
        size: Height and width of the images, pixels.

    Returns:
        Images, uint8 [count, 1, size, size], and their classes [count].
    """
    draws = np.random.default_rng(0)
    classes = np.arange(count) % 4
    y, x = np.mgrid[:size, :size] * (2 * np.pi * 2 / size)
    angles, phases = (classes * np.pi / 4)[:, None, None], draws.uniform(0, 2 * np.pi, (count, 1, 1))
    waves = np.sin(np.cos(angles) * x + np.sin(angles) * y + phases)
    return np.rint(127.5 + 100 * waves).astype(np.uint8)[:, None], classes


@metric("contrast", better="near_one")
def contrast(images: torch.Tensor, real: torch.Tensor) -> float:
    """Standard deviation of the pixels of an image, mean over samples, divided by that of the real images.

    Args:
        images: Samples, uint8 [N, C, H, W].
        real: Real images, uint8 [M, C, H, W].
    """
    spread, real_spread = (each.double().flatten(1).std(1).mean() for each in (images, real))
    return float(spread / real_spread)
