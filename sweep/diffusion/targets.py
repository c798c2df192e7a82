"""What the network predicts: its regression target, and the way back from a prediction to x_0."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from sweep.diffusion.process import Diffusion


class Target(NamedTuple):
    """Two maps of one parameterisation. Images are float32 [B, C, H, W], `i` is int64 [B]."""

    regressed: Callable[[Diffusion, Tensor, Tensor, Tensor, Tensor], Tensor]
    """(diffusion, x0, noise, x_t, i) -> what the network is trained to return."""
    to_x0: Callable[[Diffusion, Tensor, Tensor, Tensor], Tensor]
    """(diffusion, prediction, x_t, i) -> predicted x0, not clipped."""


# Ho et al. 2020, eq. 9, solved for x_0
def x0_from_epsilon(diffusion: Diffusion, epsilon: Tensor, x_t: Tensor, i: Tensor) -> Tensor:
    noise = diffusion.at(diffusion.sqrt_one_minus_alphas_bar, i) * epsilon
    return (x_t - noise) / diffusion.at(diffusion.sqrt_alphas_bar, i)


# Salimans & Ho 2022, sec. 4 and app. D
def v_from_x0(diffusion: Diffusion, x0: Tensor, noise: Tensor, i: Tensor) -> Tensor:
    return (
        diffusion.at(diffusion.sqrt_alphas_bar, i) * noise - diffusion.at(diffusion.sqrt_one_minus_alphas_bar, i) * x0
    )


# Salimans & Ho 2022, app. D
def x0_from_v(diffusion: Diffusion, v: Tensor, x_t: Tensor, i: Tensor) -> Tensor:
    return diffusion.at(diffusion.sqrt_alphas_bar, i) * x_t - diffusion.at(diffusion.sqrt_one_minus_alphas_bar, i) * v


# Ho et al. 2020, eq. 7, solved for x_0
def x0_from_posterior_mean(diffusion: Diffusion, mean: Tensor, x_t: Tensor, i: Tensor) -> Tensor:
    return (mean - diffusion.at(diffusion.posterior_mean_x_t, i) * x_t) / diffusion.at(diffusion.posterior_mean_x0, i)


TARGETS: dict[str, Target] = {
    "epsilon": Target(lambda _d, _x0, noise, _x_t, _i: noise, x0_from_epsilon),
    "x0": Target(lambda _d, x0, _noise, _x_t, _i: x0, lambda _d, prediction, _x_t, _i: prediction),
    "v": Target(lambda d, x0, noise, _x_t, i: v_from_x0(d, x0, noise, i), x0_from_v),
    "posterior_mean": Target(lambda d, x0, _noise, x_t, i: d.q_posterior(x0, x_t, i)[0], x0_from_posterior_mean),
}


def target_for(name: str, diffusion: Diffusion, x0: Tensor, noise: Tensor, x_t: Tensor, i: Tensor) -> Tensor:
    """What the network should return at x_t = q_sample(x0, i, noise); shape of x0."""
    return TARGETS[name].regressed(diffusion, x0, noise, x_t, i)


def predicted_x0(name: str, diffusion: Diffusion, prediction: Tensor, x_t: Tensor, i: Tensor) -> Tensor:
    """x_0 that a prediction of target `name` stands for; not clipped.

    `feasibility.check_target` says beforehand whether this divides by zero.
    """
    assert prediction.shape == x_t.shape, (prediction.shape, x_t.shape)
    return TARGETS[name].to_x0(diffusion, prediction, x_t, i)


# Ho et al. 2020, eq. 9, solved for epsilon
def epsilon_from_x0(diffusion: Diffusion, x0: Tensor, x_t: Tensor, i: Tensor) -> Tensor:
    """The noise that makes x_t of x_0. With a clipped x_0 it differs from what the network said, as it must."""
    signal = diffusion.at(diffusion.sqrt_alphas_bar, i) * x0
    return (x_t - signal) / diffusion.at(diffusion.sqrt_one_minus_alphas_bar, i)
