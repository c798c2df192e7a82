"""Guidance: away from a weaker prediction, along the line through it and the net's own."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


# Ho & Salimans 2022, eq. 6, in the scale of Karras et al. 2024 (autoguidance)
def guided_output(output: Tensor, weaker: Tensor, scale: float, channels: int) -> Tensor:
    """D_weak + w (D - D_weak): w = 1 is D, w = 0 is D_weak, w > 1 extrapolates.

    Whatever the net predicts (epsilon, x0, v or the posterior mean), x_0 is affine in it at a given x_t and t, and the
    two weights sum to 1; so guiding the prediction is guiding x_0.

    Args:
        output: Raw output of the net, [B, C, H, W], or [B, 2C, H, W] with a variance half.
        weaker: Raw output of the weaker prediction, of the same shape.
        scale: The guidance scale w.
        channels: Channels of the images, C.

    Returns:
        The shape of `output`, float32. The variance half is the net's own.

    The w of Ho & Salimans is this one less 1; this is the scale of diffusers and of Karras et al. 2024 (autoguidance).

    Source: Ho & Salimans 2022, eq. 6.
    """
    strong, weak = output[:, :channels].float(), weaker[:, :channels].float()
    return torch.cat([weak + scale * (strong - weak), output[:, channels:].float()], dim=1)


# Kynkaanniemi et al. 2024, sec. 3
def guided_times(alphas_bar: NDArray[np.float64], interval: tuple[float, float] | None) -> tuple[bool, ...]:
    """At which t samples are guided: where low < sigma_t <= high; at all t without an interval.

    Args:
        alphas_bar: Of the training chain, float64 [T].
        interval: Bounds of sigma_t = sqrt((1 - alphas_bar_t) / alphas_bar_t), the noise level of the paper; None for no
            bounds.

    Returns:
        One entry for each code index t - 1.

    Source: Kynkaanniemi et al. 2024, sec. 3.
    """
    if interval is None:
        return (True,) * len(alphas_bar)
    with np.errstate(divide="ignore"):
        sigma = np.sqrt((1 - alphas_bar) / alphas_bar)
    return tuple(bool(inside) for inside in (sigma > interval[0]) & (sigma <= interval[1]))
