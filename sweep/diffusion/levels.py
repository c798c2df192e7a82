"""Noise levels of a chain and its Gaussian posterior, float64, entry i = t - 1. numpy only.

The one place of these equations: tables on a device (`process.py`), weights (`weighting.py`), checks
(`feasibility.py`) and shorter chains (`samplers.py`) are all made of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Levels:
    """A chain of K >= 1 Gaussian steps; arrays are [K]."""

    betas: Array
    alphas_bar: Array
    alphas_bar_prev: Array
    """alphas_bar one step nearer the data; 1 for the first step."""

    @classmethod
    def of(cls, betas: Array) -> Levels:
        """Levels of checked betas [T]."""
        alphas_bar: Array = np.cumprod(1 - betas, dtype=np.float64)
        return cls(betas, alphas_bar, _shifted(alphas_bar))

    # Nichol & Dhariwal 2021, sec. 4
    def subset(self, indices: NDArray[np.int64]) -> Levels:
        """The chain that visits only `indices` (ascending) of this one, with the same alphas_bar there."""
        alphas_bar = self.alphas_bar[indices]
        prev = _shifted(alphas_bar)
        return Levels(1 - alphas_bar / prev, alphas_bar, prev)

    @property
    def snr(self) -> Array:
        """alphas_bar / (1 - alphas_bar)."""
        return self.alphas_bar / (1 - self.alphas_bar)

    # Ho et al. 2020, eq. 7
    @property
    def posterior_variance(self) -> Array:
        """beta~_t; 0 at t = 1."""
        return (1 - self.alphas_bar_prev) / (1 - self.alphas_bar) * self.betas

    # Ho et al. 2020, released code: beta~_1 = 0 has no logarithm, and beta_1 is a poor decoder variance
    @property
    def clipped_posterior_variance(self) -> Array:
        """beta~_t with beta~_2 in place of beta~_1; beta_1 where the chain has one step."""
        variance = self.posterior_variance
        variance[0] = variance[1] if len(variance) > 1 else self.betas[0]
        return variance

    # Ho et al. 2020, eq. 7: the factor of x_0 in the posterior mean
    @property
    def posterior_mean_x0(self) -> Array:
        return np.sqrt(self.alphas_bar_prev) * self.betas / (1 - self.alphas_bar)

    # Ho et al. 2020, eq. 7: the factor of x_t in the posterior mean
    @property
    def posterior_mean_x_t(self) -> Array:
        return np.sqrt(1 - self.betas) * (1 - self.alphas_bar_prev) / (1 - self.alphas_bar)


def _shifted(alphas_bar: Array) -> Array:
    return np.concatenate([np.ones(1), alphas_bar[:-1]])
