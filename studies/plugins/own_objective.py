"""A weighting and a loss of our own: a soft version of min-SNR, and the logarithm of the hyperbolic cosine."""

import math

import numpy as np
import torch
from torch.nn.functional import softplus

from sweep.plugins import loss, weighting


@weighting("soft_min_snr")
def soft_min_snr(snr: np.ndarray, *, gamma: float = 5.0) -> np.ndarray:
    """snr gamma/(snr + gamma) on the squared error of x_0: min-SNR without its corner (Crowson et al. 2024).

    Args:
        snr: Signal-to-noise ratio of t = 1..T, float64 [T].
        gamma: Where the weight turns from snr to a constant.

    Returns:
        Weights, float64 [T].
    """
    return snr * gamma / (snr + gamma)


@loss("log_cosh")
def log_cosh(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """log cosh r, elementwise: r^2/2 near 0, |r| - log 2 far away.

    Args:
        prediction: What the net says, float32 [B, C, H, W].
        target: What it should say, same shape.
    """
    r = prediction - target
    return r + softplus(-2 * r) - math.log(2)
