"""Losses: elementwise distances, the variational terms, and two terms on representations.

Nothing here weighs timesteps (`weighting.py`) and, but for the representation terms, nothing averages over images.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from sweep.diffusion.process import Diffusion
from sweep.diffusion.reverse import Reverse

LN_2 = math.log(2)


def mse(r: Tensor, _delta: float) -> Tensor:
    """r^2, without the half of `huber` and `pseudo_huber`; delta is not read. Source: Ho et al. 2020, eq. 14."""
    return r**2


def l1(r: Tensor, _delta: float) -> Tensor:
    """|r|; delta is not read. Source: Laplace 1774."""
    return r.abs()


def huber(r: Tensor, delta: float) -> Tensor:
    """r^2/2 up to |r| = delta, delta (|r| - delta/2) beyond; torch's smooth_l1 is this divided by delta.

    Args:
        r: Residuals, any shape.
        delta: Where the loss turns from quadratic to linear, in units of the residual, > 0.

    Source: Huber 1964.
    """
    return torch.where(r.abs() <= delta, 0.5 * r**2, delta * (r.abs() - 0.5 * delta))


def pseudo_huber(r: Tensor, delta: float) -> Tensor:
    """delta^2 (sqrt(1 + (r/delta)^2) - 1): r^2/2 near 0, slope delta far away.

    Args:
        r: Residuals, any shape.
        delta: Where the loss turns from quadratic to linear, in units of the residual, > 0.

    Source: Charbonnier et al. 1997.
    """
    # r^2 / (1 + sqrt(...)) is the same without the cancellation at small r.
    return r**2 / (1 + torch.sqrt(1 + (r / delta) ** 2))


# (residual, delta) -> elementwise loss. delta is read by the two Huber losses and is not the same knob in both.
LOSSES: dict[str, Callable[[Tensor, float], Tensor]] = {
    "mse": mse,
    "l1": l1,
    "huber": huber,
    "pseudo_huber": pseudo_huber,
}


def per_image_loss(name: str, prediction: Tensor, target: Tensor, *, delta: float = 1.0) -> Tensor:
    """Mean over the dimensions of each image, float32 [B]; unweighted.

    Args:
        name: Key of `LOSSES`.
        prediction: [B, C, H, W]; cast to float32 first, whatever autocast made of it.
        target: What the network should have predicted, shape of `prediction`.
        delta: Parameter of `huber` and `pseudo_huber`, in units of the target, > 0.
    """
    assert prediction.shape == target.shape, (prediction.shape, target.shape)
    return LOSSES[name](prediction.float() - target.float(), delta).flatten(1).mean(1)


# KL(N(mean_1, var_1) || N(mean_2, var_2)), elementwise
def gaussian_kl(mean_1: Tensor, log_variance_1: Tensor, mean_2: Tensor, log_variance_2: Tensor) -> Tensor:
    """KL(N(mean_1, var_1) || N(mean_2, var_2)); the arguments broadcast together.

    Args:
        mean_1: Mean of the first Gaussian.
        log_variance_1: Log variance of the first Gaussian.
        mean_2: Mean of the second Gaussian.
        log_variance_2: Log variance of the second Gaussian.

    Returns:
        Nats, elementwise.
    """
    log_ratio = log_variance_1 - log_variance_2
    return 0.5 * (log_ratio.exp() - 1 - log_ratio + (mean_1 - mean_2) ** 2 * (-log_variance_2).exp())


# Ho et al. 2020, eq. 13
def discretized_log_likelihood(x0: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """log p(x_0) in nats, elementwise, of a Gaussian integrated over the bin of each 8-bit value.

    Exact normal tails, and no floor: released code approximates the CDF by tanh and stops at log 1e-12, which hides
    how bad a bad decoder is and removes its gradient.

    Args:
        x0: 8-bit images as x / 127.5 - 1; bins are x0 +- 1/255, open at both ends.
        mean: Same shape.
        log_variance: Broadcasts to it.
    """
    precision = (-0.5 * log_variance).exp()
    # By symmetry, both bin edges on the side where the tail is small: the difference of CDFs then loses nothing.
    side = torch.where(x0 < mean, 1.0, -1.0)
    near = (side * (x0 - mean) + 1 / 255) * precision
    far = (side * (x0 - mean) - 1 / 255) * precision
    log_near, log_far = torch.special.log_ndtr(near), torch.special.log_ndtr(far)
    inside = log_near + torch.log(-torch.expm1(log_far - log_near))
    below = torch.special.log_ndtr((x0 + 1 / 255 - mean) * precision)
    above = torch.special.log_ndtr((mean - x0 + 1 / 255) * precision)
    return torch.where(x0 < -0.999, below, torch.where(x0 > 0.999, above, inside))


# Ho et al. 2020, eq. 5, one term per image
def vlb_terms(diffusion: Diffusion, reverse: Reverse, x0: Tensor, x_t: Tensor, i: Tensor) -> Tensor:
    """L_{t-1} of eq. 5 in bits per dimension, [B]: the KL for i > 0, the discretised decoder L_0 for i = 0.

    Args:
        diffusion: Tables of the training chain.
        reverse: `reverse.reverse_distribution` at x_t; not clipped in a training loss, clipped in an evaluation.
        x0: 8-bit images as x / 127.5 - 1, [B, C, H, W].
        x_t: q_sample(x0, i, noise).
        i: int64 [B].
    """
    mean, _, log_variance = diffusion.q_posterior(x0, x_t, i)
    kl = gaussian_kl(mean, log_variance, reverse.mean, reverse.log_variance)
    decoder = -discretized_log_likelihood(x0, reverse.mean, reverse.log_variance)
    return torch.where((i == 0).view(-1, 1, 1, 1), decoder, kl).flatten(1).mean(1) / LN_2


# Nichol & Dhariwal 2021, eq. 16
def hybrid_loss(simple: Tensor, vlb: Tensor, timesteps: int, weight: float = 0.001) -> Tensor:
    """L_simple + weight * L_vlb, [B], for t drawn uniformly: T times one term estimates the sum over t.

    Args:
        simple: Weighted regression loss of the prediction, [B].
        vlb: `vlb_terms` of `detach_mean(reverse)`, so that L_vlb trains the variance alone, [B].
        timesteps: T.
        weight: Lambda of the paper.
    """
    assert simple.shape == vlb.shape, (simple.shape, vlb.shape)
    return simple + weight * timesteps * vlb


def detach_mean(reverse: Reverse) -> Reverse:
    """`reverse` with gradients through its variance only."""
    return reverse._replace(mean=reverse.mean.detach(), x0=reverse.x0.detach())


# van den Oord et al. 2018, eq. 4, with cosine similarity as in Chen et al. 2020 (SimCLR), eq. 1
def info_nce(z_a: Tensor, z_b: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of picking row j = i of z_b for row i of z_a, of two views of the same B images.

    Args:
        z_a: Representations of the first views, [B, ...].
        z_b: Representations of the second views, in the same order, [B, ...].
        temperature: Temperature that cosines are divided by, > 0.

    Returns:
        A scalar, in nats.
    """
    assert z_a.shape == z_b.shape, (z_a.shape, z_b.shape)
    a, b = (normalize(z.float().flatten(1), dim=1) for z in (z_a, z_b))
    return cross_entropy(a @ b.T / temperature, torch.arange(len(a), device=a.device))


# Wang & He 2025 (Dispersive Loss), the InfoNCE form with squared l2 distance
def dispersive_loss(z: Tensor, tau: float) -> Tensor:
    """log E_{i,j} exp(-||z_i - z_j||^2 / (D tau)) over all B^2 pairs of representations of D dimensions.

    Pairs i = j count, and the distance is a mean over D, as in the authors' code: tau then keeps its meaning across
    layers.

    Args:
        z: Representations, [B, ...].
        tau: Temperature of the squared distances, > 0.

    Returns:
        A scalar: never above 0; 0 when all rows agree.
    """
    rows = z.float().flatten(1)
    rows = rows - rows.mean(0)  # distances keep, and the Gram matrix loses fewer digits
    squared_norms = rows.square().sum(1)
    squared = (squared_norms[:, None] + squared_norms[None] - 2 * rows @ rows.T).clamp(min=0) / rows.shape[1]
    return torch.logsumexp(-squared.flatten() / tau, dim=0) - 2 * math.log(len(rows))
