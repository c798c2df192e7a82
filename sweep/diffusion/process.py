"""The forward process and its posterior: float64 tables, gathered by index and cast to float32 on gather.

Casting before the arithmetic is the usual bug: 1 - alphas_bar_t in float32 is off by 1.6e-4 at t = 1, and is exactly
zero for the first ten steps in bfloat16.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sweep.diffusion.levels import Levels

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Diffusion:
    """Tables of q for t = 1..T, each float64 [T] on one device, entry i = t - 1. Built by `from_betas`."""

    betas: Tensor
    alphas: Tensor
    alphas_bar: Tensor
    alphas_bar_prev: Tensor
    """alphas_bar_{t-1}, with alphas_bar_0 = 1."""
    sqrt_alphas_bar: Tensor
    sqrt_one_minus_alphas_bar: Tensor
    posterior_variance: Tensor
    """beta~_t; 0 at t = 1."""
    posterior_log_variance: Tensor
    """log beta~_t, with beta~_2 in place of beta~_1."""
    fixed_large_log_variance: Tensor
    """log beta_t, with beta~_2 in place of beta_1 (Ho's decoder variance)."""
    posterior_mean_x0: Tensor
    posterior_mean_x_t: Tensor

    @classmethod
    def from_betas(cls, betas: Array, device: torch.device | str = "cpu") -> Diffusion:
        """Tables of checked betas [T] (see `schedules.beta_schedule`).

        Args:
            betas: Checked betas, float64 [T] (see `schedules.beta_schedule`).
            device: Device that the tables lie on.
        """
        return cls.from_levels(Levels.of(betas), device)

    @classmethod
    def from_levels(cls, at: Levels, device: torch.device | str = "cpu") -> Diffusion:
        """Tables of a chain, whole or shortened.

        Args:
            at: Levels of the chain.
            device: Device that the tables lie on.
        """
        clipped = at.clipped_posterior_variance
        tables = {
            "betas": at.betas,
            "alphas": 1 - at.betas,
            "alphas_bar": at.alphas_bar,
            "alphas_bar_prev": at.alphas_bar_prev,
            "sqrt_alphas_bar": np.sqrt(at.alphas_bar),
            "sqrt_one_minus_alphas_bar": np.sqrt(1 - at.alphas_bar),
            "posterior_variance": at.posterior_variance,
            "posterior_log_variance": np.log(clipped),
            "fixed_large_log_variance": np.log(np.concatenate([clipped[:1], at.betas[1:]])),
            "posterior_mean_x0": at.posterior_mean_x0,
            "posterior_mean_x_t": at.posterior_mean_x_t,
        }
        return cls(**{name: torch.tensor(table, dtype=torch.float64) for name, table in tables.items()}).to(device)

    @property
    def timesteps(self) -> int:
        """T."""
        return len(self.betas)

    @property
    def device(self) -> torch.device:
        return self.betas.device

    def to(self, device: torch.device | str) -> Diffusion:
        return Diffusion(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})

    def at(self, table: Tensor, i: Tensor) -> Tensor:
        """Entries of a table, shaped so that they broadcast over images and never on W.

        Args:
            table: A table of this chain, [T].
            i: Code index t - 1 of each image, int64 [B].

        Returns:
            float32 [B, 1, 1, 1].
        """
        assert (i.ndim, i.dtype) == (1, torch.int64), (i.shape, i.dtype)
        return table[i].to(torch.float32).view(-1, 1, 1, 1)

    # Ho et al. 2020, eq. 4
    def q_sample(self, x0: Tensor, i: Tensor, noise: Tensor) -> Tensor:
        """x_t ~ q(x_t | x_0) for t = i + 1.

        Args:
            x0: Images in [-1, 1], float32 [B, C, H, W].
            i: Code index t - 1 of each image, int64 [B], 0..T-1; 0 is one step of noise, not none.
            noise: Standard normals, shape of x0.
        """
        assert x0.shape == noise.shape, (x0.shape, noise.shape)
        assert x0.ndim == 4, x0.shape
        return self.at(self.sqrt_alphas_bar, i) * x0 + self.at(self.sqrt_one_minus_alphas_bar, i) * noise

    # Ho et al. 2020, eq. 6-7
    def q_posterior(self, x0: Tensor, x_t: Tensor, i: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The Gaussian q(x_{t-1} | x_t, x_0).

        Args:
            x0: Images in [-1, 1], float32 [B, C, H, W].
            x_t: Noised images, float32 [B, C, H, W].
            i: Code index t - 1 of each image, int64 [B].

        Returns:
            Mean [B, C, H, W], variance and log variance [B, 1, 1, 1]. The variance is 0 at i = 0; the log variance
            there is log beta~_2.
        """
        assert x0.shape == x_t.shape, (x0.shape, x_t.shape)
        mean = self.at(self.posterior_mean_x0, i) * x0 + self.at(self.posterior_mean_x_t, i) * x_t
        return mean, self.at(self.posterior_variance, i), self.at(self.posterior_log_variance, i)

    def reverse_log_variance(self, kind: str, i: Tensor, raw: Tensor | None = None) -> Tensor:
        """log sigma_t^2 of p(x_{t-1} | x_t).

        Args:
            kind: Key of `REVERSE_VARIANCES`.
            i: Code index t - 1 of each image, int64 [B].
            raw: The network's second half of channels, [B, C, H, W], unconstrained, where the kind reads it.

        Returns:
            float32 [B, 1, 1, 1], or the shape of `raw` where the kind reads it.
        """
        return REVERSE_VARIANCES[kind](self, i, raw)

    def reverse_variance(self, kind: str, i: Tensor, raw: Tensor | None = None) -> Tensor:
        """sigma_t^2, as `reverse_log_variance`.

        Args:
            kind: Key of `REVERSE_VARIANCES`.
            i: Code index t - 1 of each image, int64 [B].
            raw: The network's second half of channels, [B, C, H, W], unconstrained, where the kind reads it.
        """
        return self.reverse_log_variance(kind, i, raw).exp()


def fixed_small(diffusion: Diffusion, i: Tensor, _raw: Tensor | None) -> Tensor:
    """log sigma_t^2 = log beta~_t, float32 [B, 1, 1, 1]; beta~_2 at t = 1. Optimal where x_0 is one point.

    Args:
        diffusion: Tables of the training chain.
        i: Code index t - 1 of each image, int64 [B].

    Source: Ho et al. 2020, sec. 3.2.
    """
    return diffusion.at(diffusion.posterior_log_variance, i)


def fixed_large(diffusion: Diffusion, i: Tensor, _raw: Tensor | None) -> Tensor:
    """log sigma_t^2 = log beta_t, float32 [B, 1, 1, 1]; beta~_2 at t = 1. Optimal for x_0 ~ N(0, I).

    Args:
        diffusion: Tables of the training chain.
        i: Code index t - 1 of each image, int64 [B].

    Source: Ho et al. 2020, sec. 3.2.
    """
    return diffusion.at(diffusion.fixed_large_log_variance, i)


def learned_range(diffusion: Diffusion, i: Tensor, raw: Tensor | None) -> Tensor:
    """log sigma_t^2 = v log beta_t + (1 - v) log beta~_t, v = (raw + 1)/2, not bounded: shape of `raw` [B, C, H, W].

    Args:
        diffusion: Tables of the training chain.
        i: Code index t - 1 of each image, int64 [B].
        raw: The network's second half of channels, [B, C, H, W], unconstrained, where the kind reads it.

    Source: Nichol & Dhariwal 2021, eq. 15.
    """
    assert raw is not None, "learned_range reads the network's second half of channels"
    small, large = diffusion.at(diffusion.posterior_log_variance, i), diffusion.at(diffusion.betas.log(), i)
    return small + (raw.float() + 1) / 2 * (large - small)


REVERSE_VARIANCES: dict[str, Callable[[Diffusion, Tensor, Tensor | None], Tensor]] = {
    "fixed_small": fixed_small,
    "fixed_large": fixed_large,
    "learned_range": learned_range,
}
