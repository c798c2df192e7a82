"""What a schedule does to the data at its two ends. No torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweep.diffusion.levels import Levels

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ScheduleFacts:
    """What a schedule does to the data at its two ends; stored with every run."""

    alphas_bar_T: float
    """Share of the signal's variance that is left in x_T; sampling from N(0, I) pretends that it is 0."""
    snr_1: float
    snr_T: float
    prior_bits_per_dim: float
    """KL(q(x_T | x_0) || N(0, I)) in bits per dimension: the price of that pretence."""

    @property
    def terminal_gain(self) -> float:
        """1 / sqrt(alphas_bar_T): error in x_0 per unit of error in epsilon at t = T; inf at zero terminal SNR."""
        return float(self.alphas_bar_T**-0.5) if self.alphas_bar_T > 0 else float("inf")


def schedule_facts(betas: Array, mean_square: float = 0.25) -> ScheduleFacts:
    """Facts of checked betas [T], for data with E[x_0^2] = `mean_square` per dimension (images in [-1, 1])."""
    at = Levels.of(betas)
    last = float(at.alphas_bar[-1])
    # E KL(N(sqrt(a) x_0, 1 - a) || N(0, 1)) = (a E[x_0^2] + (1 - a) - 1 - ln(1 - a)) / 2 nats
    nats = 0.5 * (last * (mean_square - 1) - np.log1p(-last))
    return ScheduleFacts(last, float(at.snr[0]), float(at.snr[-1]), float(nats / np.log(2)))
