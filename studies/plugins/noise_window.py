"""A sampler of our own: DDIM that adds noise in the middle of the chain alone."""

import numpy as np

from sweep.diffusion.coefficients import Columns, ddim_sigma
from sweep.diffusion.levels import Levels
from sweep.plugins import sampler


@sampler("noise_window")
def noise_window(at: Levels, eta: float, *, low: float = 0.2, high: float = 0.8) -> Columns:
    """DDIM (Song et al. 2021, eq. 12) with eta where alphas_bar lies in [low, high], and without noise elsewhere.

    Args:
        at: Levels of the visited steps, ascending t, [K].
        eta: Noise inside the window: 0 none, 1 that of ancestral sampling.
        low: Least share of signal inside the window.
        high: Largest share of signal inside the window.
    """
    inside = (low <= at.alphas_bar) & (at.alphas_bar <= high)
    sigma = np.where(inside, ddim_sigma(at, eta), 0.0)
    on_x = np.sqrt((1 - at.alphas_bar_prev - sigma**2).clip(min=0) / (1 - at.alphas_bar))
    return Columns(on_x=on_x, on_x0=np.sqrt(at.alphas_bar_prev) - on_x * np.sqrt(at.alphas_bar), sigma=sigma)
