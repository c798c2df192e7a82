"""Samplers as coefficient tables: every step of the reverse process is linear in what it has. numpy only.

    x_0    = clip(x_0 of the network's prediction at (x, i))
    x      <- on_x x + on_x0 x_0 + on_previous (x_0 of the step before)
    x      <- x + corrector (x_0 - x_0 of the network at the new x)         Heun, where corrector != 0
    x      <- x + sigma z                                                   where the step is stochastic

x_0 is clipped before use, and the noise estimate of DDIM is the one of the clipped x_0: written in terms of x_0, a step
cannot get either wrong. A sampler is a function of the visited levels and eta, and one line of `SAMPLERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sweep.diffusion.levels import Levels

Array = NDArray[np.float64]

# Heun's corrector is left out where sigma / sqrt(alphas_bar) falls by more than this in one step.
HEUN_LARGEST_FALL = 10.0


class Columns(NamedTuple):
    """Coefficients of K steps in ascending t, float64 [K]."""

    on_x: Array
    on_x0: Array
    on_previous: Array | None = None
    """None: zero."""
    corrector: Array | None = None
    """None: zero."""
    sigma: Array | None = None
    """None: the square root of the reverse variance that the plan names."""


def ancestral(at: Levels, _eta: float) -> Columns:
    """mean = on_x0 x_0 + on_x x_t of q(x_{t-1} | x_t, x_0), and noise of the plan's reverse variance. Reads no eta.

    Source: Ho et al. 2020, algorithm 2.
    """
    return Columns(on_x=at.posterior_mean_x_t, on_x0=at.posterior_mean_x0)


# Song et al. 2021, eq. 16
def ddim_sigma(at: Levels, eta: float) -> Array:
    """Standard deviation of the noise that a step of DDIM adds.

    Args:
        at: Levels of the visited steps, ascending t, [K].
        eta: DDIM's noise, 0..1: 0 is deterministic, 1 is ancestral with fixed_small.

    Returns:
        float64 [K].
    """
    return eta * np.sqrt((1 - at.alphas_bar_prev) / (1 - at.alphas_bar) * at.betas)


def ddim(at: Levels, eta: float) -> Columns:
    """x_s = sqrt(alphas_bar_s) x_0 + sqrt(1 - alphas_bar_s - sigma^2) epsilon + sigma z, sigma = eta `ddim_sigma`.

    epsilon is that of the clipped x_0: (x - sqrt(alphas_bar) x_0)/sqrt(1 - alphas_bar) is put in.

    Args:
        at: Levels of the visited steps, ascending t, [K].
        eta: DDIM's noise, 0..1: 0 is deterministic, 1 is ancestral with fixed_small.

    Source: Song et al. 2021, eq. 12 and 16.
    """
    sigma = ddim_sigma(at, eta)
    on_x = np.sqrt((1 - at.alphas_bar_prev - sigma**2).clip(min=0) / (1 - at.alphas_bar))
    return Columns(on_x=on_x, on_x0=np.sqrt(at.alphas_bar_prev) - on_x * np.sqrt(at.alphas_bar), sigma=sigma)


def half_log_snr(alphas_bar: Array) -> Array:
    """lambda = ln(sqrt(alphas_bar) / sqrt(1 - alphas_bar)); -inf at zero SNR, inf at no noise."""
    with np.errstate(divide="ignore"):
        return 0.5 * (np.log(alphas_bar) - np.log1p(-alphas_bar))


def dpmpp_2m(at: Levels, _eta: float) -> Columns:
    """x_s = (sigma_s/sigma_t) x - sqrt(alphas_bar_s) (e^-h - 1) D, D = (1 + 1/(2r)) x_0 - 1/(2r) x_0 of before.

    h is the step in lambda and r = h_before/h. The first step has no history and the last no finite length: they are
    of first order. Reads no eta.

    Source: Lu et al. 2022, algorithm 2.
    """
    first_order = ddim(at, 0.0)
    h = half_log_snr(at.alphas_bar_prev) - half_log_snr(at.alphas_bar)
    on_previous = np.zeros_like(h)
    # Ascending t: the step before, in time of sampling, is the next entry. 1 / (2 r) with r = h_before / h.
    on_previous[1:-1] = -first_order.on_x0[1:-1] * h[1:-1] / (2 * h[2:])
    return Columns(
        on_x=first_order.on_x,
        on_x0=first_order.on_x0 - on_previous,
        on_previous=on_previous,
        sigma=np.zeros_like(h),
    )


def heun(at: Levels, _eta: float) -> Columns:
    """Euler step (DDIM), then the mean of the slopes at both ends, in x/sqrt(alphas_bar) on this schedule's levels.

    With s the new level, the corrected step adds sqrt(alphas_bar_s) (1 - exp(h))/2 (x_0 - x_0 at s), h the step in
    lambda. Where exp(h) = the fall of sigma/sqrt(alphas_bar) is beyond `HEUN_LARGEST_FALL` (the last step; the first
    ones of cosine, and of any zero terminal SNR) that extrapolates instead of averaging, and the Euler step stays.

    Source: Karras et al. 2022, algorithm 1.
    """
    euler = ddim(at, 0.0)
    with np.errstate(over="ignore"):
        fall = np.exp(half_log_snr(at.alphas_bar_prev) - half_log_snr(at.alphas_bar))
    corrector = np.where(fall <= HEUN_LARGEST_FALL, 0.5 * np.sqrt(at.alphas_bar_prev) * (1 - fall), 0.0)
    return Columns(on_x=euler.on_x, on_x0=euler.on_x0, corrector=corrector, sigma=np.zeros_like(fall))


SAMPLERS: dict[str, Callable[[Levels, float], Columns]] = {
    "ancestral": ancestral,
    "ddim": ddim,
    "dpmpp_2m": dpmpp_2m,
    "heun": heun,
}
