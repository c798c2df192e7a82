"""Bits per dimension of the variational bound, with its three terms."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from sweep.diffusion.losses import LN_2, gaussian_kl, vlb_terms
from sweep.diffusion.noise import sample_noise, sample_uniform
from sweep.diffusion.process import Diffusion
from sweep.diffusion.reverse import reverse_distribution
from sweep.diffusion.samplers import Denoise
from sweep.diffusion.spacing import stratum_edges
from sweep.diffusion.targets import AnyTarget

# The draw of the timesteps within their strata; the draws of noise are 0..K-1.
_TIMESTEP_DRAW = 2**32 - 1


@dataclass(frozen=True, kw_only=True)
class LikelihoodPlan:
    """How a bound is evaluated. The variance counts: fixed_large and fixed_small differ by a constant in bits."""

    target: AnyTarget
    """What the net predicts."""
    variance: str = "fixed_small"
    """Key of `process.REVERSE_VARIANCES`."""
    x0_clip: str = "static"
    """Key of `reverse.X0_CLIPS`."""
    strata: int | None = None
    """Network calls per image; None: all T, which is exact but for the draw of x_t."""


@dataclass(frozen=True, eq=False)
class BitsPerDim:
    """Terms of Ho et al. 2020, eq. 5, in bits per dimension, float32."""

    reconstruction: Tensor
    """L_0, [B]."""
    kl: Tensor
    """Sum of L_{t-1} over each stratum, [B, K - 1], ascending t; single terms t = 2..T where K = T."""
    prior: Tensor
    """L_T, [B]."""

    @property
    def total(self) -> Tensor:
        """Upper bound of -log2 p(x_0) per dimension, [B]."""
        return self.reconstruction + self.kl.sum(1) + self.prior


# Ho et al. 2020, eq. 5, L_T
def prior_bits_per_dim(diffusion: Diffusion, x0: Tensor) -> Tensor:
    """KL(q(x_T | x_0) || N(0, I)) in bits per dimension, [B].

    Args:
        diffusion: Tables of the training chain.
        x0: Images in [-1, 1], float32 [B, C, H, W].
    """
    i = torch.full((len(x0),), diffusion.timesteps - 1, device=x0.device)
    mean = diffusion.at(diffusion.sqrt_alphas_bar, i) * x0
    log_variance = diffusion.at(torch.log1p(-diffusion.alphas_bar), i)
    zero = torch.zeros_like(log_variance)
    return gaussian_kl(mean, log_variance, zero, zero).flatten(1).mean(1) / LN_2


@torch.no_grad()
def bits_per_dim(
    denoise: Denoise, diffusion: Diffusion, x0: Tensor, *, index: Tensor, noise_set: int, plan: LikelihoodPlan
) -> BitsPerDim:
    """The bound for a batch of images; the same numbers in whatever batch an image comes.

    Args:
        denoise: The network, in eval mode.
        diffusion: Tables of the training chain.
        x0: 8-bit images as x / 127.5 - 1, float32 [B, C, H, W].
        index: Which image each row is, int64 [B]; names its noise (`noise.sample_noise`).
        noise_set: Names the evaluation.
        plan: Target, variance, clipping, and how many t.

    Returns:
        With K < T strata, one t is drawn uniformly in each and counts for all of it: unbiased, for any K.
    """
    edges = stratum_edges(diffusion.timesteps, diffusion.timesteps if plan.strata is None else plan.strata)
    uniform = sample_uniform(noise_set, index, _TIMESTEP_DRAW, (len(edges) - 1,), x0.device)
    terms = []
    for k, (low, high) in enumerate(pairwise(edges)):
        i = (low + (uniform[:, k] * (high - low)).long()).clamp(max=high - 1)
        x_t = diffusion.q_sample(x0, i, sample_noise(noise_set, index, k, tuple(x0.shape[1:]), x0.device))
        reverse = reverse_distribution(
            diffusion, denoise(x_t, i), x_t, i, target=plan.target, variance=plan.variance, x0_clip=plan.x0_clip
        )
        terms.append((high - low) * vlb_terms(diffusion, reverse, x0, x_t, i))
    columns = torch.stack(terms, dim=1)
    return BitsPerDim(columns[:, 0], columns[:, 1:], prior_bits_per_dim(diffusion, x0))
