"""What a schedule does to the data at its two ends. No torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sweep.diffusion.facts import ScheduleFacts
from sweep.diffusion.levels import Levels

Array = NDArray[np.float64]


def schedule_facts(betas: Array, mean_square: float = 0.25) -> ScheduleFacts:
    """What a schedule does to the data at its two ends.

    Args:
        betas: Checked betas, float64 [T].
        mean_square: E[x_0^2] per dimension, of images in [-1, 1].
    """
    at = Levels.of(betas)
    last = float(at.alphas_bar[-1])
    # E KL(N(sqrt(a) x_0, 1 - a) || N(0, 1)) = (a E[x_0^2] + (1 - a) - 1 - ln(1 - a)) / 2 nats
    nats = 0.5 * (last * (mean_square - 1) - np.log1p(-last))
    return ScheduleFacts(last, float(at.snr[0]), float(at.snr[-1]), float(nats / np.log(2)))
