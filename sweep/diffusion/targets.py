"""What the network predicts: its regression target, and the way back from a prediction to x_0."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sweep.diffusion.levels import Levels
from sweep.diffusion.linear_targets import TargetTable
from sweep.diffusion.process import Diffusion

Array = NDArray[np.float64]


class Target(NamedTuple):
    """Two maps of one parameterisation. Images are float32 [B, C, H, W], `i` is int64 [B]."""

    regressed: Callable[[Diffusion, Tensor, Tensor, Tensor, Tensor], Tensor]
    """(diffusion, x0, noise, x_t, i) -> what the network is trained to return."""
    to_x0: Callable[[Diffusion, Tensor, Tensor, Tensor], Tensor]
    """(diffusion, prediction, x_t, i) -> predicted x0, not clipped."""


def epsilon(_diffusion: Diffusion, _x0: Tensor, noise: Tensor, _x_t: Tensor, _i: Tensor) -> Tensor:
    """epsilon, the noise itself. Source: Ho et al. 2020, eq. 14."""
    return noise


def x0_from_epsilon(diffusion: Diffusion, epsilon: Tensor, x_t: Tensor, i: Tensor) -> Tensor:
    """x_0 = (x_t - sqrt(1 - alphas_bar) epsilon)/sqrt(alphas_bar).

    Args:
        diffusion: Tables of the training chain.
        epsilon: Predicted noise, float32 [B, C, H, W].
        x_t: Noised images, float32 [B, C, H, W].
        i: Code index t - 1 of each image, int64 [B].

    Source: Ho et al. 2020, eq. 9.
    """
    noise = diffusion.at(diffusion.sqrt_one_minus_alphas_bar, i) * epsilon
    return (x_t - noise) / diffusion.at(diffusion.sqrt_alphas_bar, i)


def image(_diffusion: Diffusion, x0: Tensor, _noise: Tensor, _x_t: Tensor, _i: Tensor) -> Tensor:
    """x_0, the image itself. Source: Ho et al. 2020, sec. 3.2."""
    return x0


def x0_from_image(_diffusion: Diffusion, prediction: Tensor, _x_t: Tensor, _i: Tensor) -> Tensor:
    """x_0 as it is predicted. Source: Ho et al. 2020, sec. 3.2."""
    return prediction


def v(diffusion: Diffusion, x0: Tensor, noise: Tensor, _x_t: Tensor, i: Tensor) -> Tensor:
    """v = sqrt(alphas_bar) epsilon - sqrt(1 - alphas_bar) x_0.

    Args:
        diffusion: Tables of the training chain.
        x0: Images in [-1, 1], float32 [B, C, H, W].
        noise: Standard normals, shape of x0.
        i: Code index t - 1 of each image, int64 [B].

    Source: Salimans & Ho 2022, sec. 4.
    """
    signal = diffusion.at(diffusion.sqrt_one_minus_alphas_bar, i) * x0
    return diffusion.at(diffusion.sqrt_alphas_bar, i) * noise - signal


def x0_from_v(diffusion: Diffusion, v: Tensor, x_t: Tensor, i: Tensor) -> Tensor:
    """x_0 = sqrt(alphas_bar) x_t - sqrt(1 - alphas_bar) v.

    Args:
        diffusion: Tables of the training chain.
        v: Predicted v, float32 [B, C, H, W].
        x_t: Noised images, float32 [B, C, H, W].
        i: Code index t - 1 of each image, int64 [B].

    Source: Salimans & Ho 2022, app. D.
    """
    return diffusion.at(diffusion.sqrt_alphas_bar, i) * x_t - diffusion.at(diffusion.sqrt_one_minus_alphas_bar, i) * v


def posterior_mean(diffusion: Diffusion, x0: Tensor, _noise: Tensor, x_t: Tensor, i: Tensor) -> Tensor:
    """The mean of q(x_{t-1} | x_t, x_0).

    Args:
        diffusion: Tables of the training chain.
        x0: Images in [-1, 1], float32 [B, C, H, W].
        x_t: Noised images, float32 [B, C, H, W].
        i: Code index t - 1 of each image, int64 [B].

    Source: Ho et al. 2020, eq. 7-8.
    """
    return diffusion.q_posterior(x0, x_t, i)[0]


def x0_from_posterior_mean(diffusion: Diffusion, mean: Tensor, x_t: Tensor, i: Tensor) -> Tensor:
    """x_0 = (mean - c x_t)/c', c and c' its factors of x_t and x_0.

    Args:
        diffusion: Tables of the training chain.
        mean: Predicted posterior mean, float32 [B, C, H, W].
        x_t: Noised images, float32 [B, C, H, W].
        i: Code index t - 1 of each image, int64 [B].

    Source: Ho et al. 2020, eq. 7.
    """
    return (mean - diffusion.at(diffusion.posterior_mean_x_t, i) * x_t) / diffusion.at(diffusion.posterior_mean_x0, i)


TARGETS: dict[str, Target] = {
    "epsilon": Target(epsilon, x0_from_epsilon),
    "x0": Target(image, x0_from_image),
    "v": Target(v, x0_from_v),
    "posterior_mean": Target(posterior_mean, x0_from_posterior_mean),
}


@dataclass(frozen=True, eq=False)
class LinearTarget:
    """A target of a plugin, with the maps of `Target`. Its tables are float64 [T] on one device."""

    on_x0: Tensor
    on_noise: Tensor
    from_prediction: Tensor
    from_x_t: Tensor

    @classmethod
    def of(cls, table: TargetTable, betas: Array, device: torch.device | str) -> LinearTarget:
        """The maps of a target on a device.

        Args:
            table: Coefficients of the target.
            betas: Checked betas of the training chain, float64 [T].
            device: Device that the tables lie on.
        """
        at = Levels.of(betas)
        columns = (table.on_x0, table.on_noise, table.from_prediction(at), table.from_x_t(at))
        return cls(*(torch.tensor(column, dtype=torch.float64, device=device) for column in columns))

    def copy_(self, other: LinearTarget) -> None:
        """Write the tables of another target over these, in place."""
        for field in fields(self):
            getattr(self, field.name).copy_(getattr(other, field.name))

    def regressed(self, diffusion: Diffusion, x0: Tensor, noise: Tensor, _x_t: Tensor, i: Tensor) -> Tensor:
        """on_x0 x_0 + on_noise epsilon.

        Args:
            diffusion: Tables of the training chain.
            x0: Images in [-1, 1], float32 [B, C, H, W].
            noise: Standard normals, shape of x0.
            i: Code index t - 1 of each image, int64 [B].
        """
        return diffusion.at(self.on_x0, i) * x0 + diffusion.at(self.on_noise, i) * noise

    def to_x0(self, diffusion: Diffusion, prediction: Tensor, x_t: Tensor, i: Tensor) -> Tensor:
        """x_0, as `linear_targets` derives it.

        Args:
            diffusion: Tables of the training chain.
            prediction: What the net predicted, float32 [B, C, H, W].
            x_t: Noised images, float32 [B, C, H, W].
            i: Code index t - 1 of each image, int64 [B].
        """
        return diffusion.at(self.from_prediction, i) * prediction + diffusion.at(self.from_x_t, i) * x_t


AnyTarget = str | LinearTarget
"""Key of `TARGETS`, or the target of a plugin."""


def _maps(target: AnyTarget) -> Target | LinearTarget:
    return TARGETS[target] if isinstance(target, str) else target


def target_for(target: AnyTarget, diffusion: Diffusion, x0: Tensor, noise: Tensor, x_t: Tensor, i: Tensor) -> Tensor:
    """What the network should return at x_t.

    Args:
        target: Key of `TARGETS`, or the target of a plugin.
        diffusion: Tables of the training chain.
        x0: Images in [-1, 1], float32 [B, C, H, W].
        noise: Standard normals, shape of x0.
        x_t: q_sample(x0, i, noise), float32 [B, C, H, W].
        i: Code index t - 1 of each image, int64 [B].

    Returns:
        Shape of x0.
    """
    return _maps(target).regressed(diffusion, x0, noise, x_t, i)


def predicted_x0(target: AnyTarget, diffusion: Diffusion, prediction: Tensor, x_t: Tensor, i: Tensor) -> Tensor:
    """x_0 that a prediction of a target stands for; not clipped.

    `feasibility.check_target` says beforehand whether this divides by zero.

    Args:
        target: Key of `TARGETS`, or the target of a plugin.
        diffusion: Tables of the training chain.
        prediction: What the network predicted, float32 [B, C, H, W].
        x_t: Noised images, float32 [B, C, H, W].
        i: Code index t - 1 of each image, int64 [B].
    """
    assert prediction.shape == x_t.shape, (prediction.shape, x_t.shape)
    return _maps(target).to_x0(diffusion, prediction, x_t, i)


# Ho et al. 2020, eq. 9, solved for epsilon
def epsilon_from_x0(diffusion: Diffusion, x0: Tensor, x_t: Tensor, i: Tensor) -> Tensor:
    """The noise that makes x_t of x_0. With a clipped x_0 it differs from what the network said, as it must.

    Args:
        diffusion: Tables of the training chain.
        x0: Images in [-1, 1], float32 [B, C, H, W].
        x_t: Noised images, float32 [B, C, H, W].
        i: Code index t - 1 of each image, int64 [B].
    """
    signal = diffusion.at(diffusion.sqrt_alphas_bar, i) * x0
    return (x_t - signal) / diffusion.at(diffusion.sqrt_one_minus_alphas_bar, i)
