"""One reverse step as the network states it: output -> clipped x_0 -> mean and log variance of p(x_{t-1} | x_t)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from sweep.diffusion.process import Diffusion
from sweep.diffusion.targets import AnyTarget, predicted_x0

# Saharia et al. 2022 (Imagen), sec. 2.3, threshold at this percentile of |x_0|
DYNAMIC_QUANTILE = 0.995


def static(x0: Tensor) -> Tensor:
    """x_0 clamped to [-1, 1], [B, C, H, W]. Source: Ho et al. 2020, released code."""
    return x0.clamp(-1, 1)


def dynamic(x0: Tensor) -> Tensor:
    """Each image clamped to its own 99.5 % quantile s of |x_0|, s >= 1, and divided by s.

    Source: Saharia et al. 2022, sec. 2.3.
    """
    magnitudes = x0.abs().flatten(1)
    # kthvalue, not quantile: torch.quantile refuses inputs above 2^24 elements.
    rank = 1 + round(DYNAMIC_QUANTILE * (magnitudes.shape[1] - 1))
    s = magnitudes.kthvalue(rank, dim=1).values.clamp(min=1).view(-1, 1, 1, 1)
    return x0.clamp(-s, s) / s


def none(x0: Tensor) -> Tensor:
    """x_0 as it was predicted; only the last image is clamped, as it must be to be shown.

    Source: Song et al. 2021, released code.
    """
    return x0


X0_CLIPS: dict[str, Callable[[Tensor], Tensor]] = {"static": static, "dynamic": dynamic, "none": none}


def split_output(output: Tensor, channels: int) -> tuple[Tensor, Tensor | None]:
    """The prediction in the network's output, and its variance half.

    Args:
        output: Raw network output, [B, C, H, W] or [B, 2C, H, W].
        channels: Channels of the images, C.

    Returns:
        Prediction float32 [B, C, H, W], and the raw variance half where the network has 2C channels, else None.
    """
    assert output.shape[1] in (channels, 2 * channels), (output.shape, channels)
    prediction = output[:, :channels].float()
    return prediction, output[:, channels:].float() if output.shape[1] == 2 * channels else None


class Reverse(NamedTuple):
    """p(x_{t-1} | x_t), with the x_0 it was made of."""

    mean: Tensor
    log_variance: Tensor
    x0: Tensor


# Ho et al. 2020, eq. 7 with x_0 predicted and clipped first
def reverse_distribution(
    diffusion: Diffusion, output: Tensor, x_t: Tensor, i: Tensor, *, target: AnyTarget, variance: str, x0_clip: str
) -> Reverse:
    """p(x_{t-1} | x_t) of the full chain.

    Args:
        diffusion: Tables of the training chain.
        output: Raw network output, [B, C, H, W], or [B, 2C, H, W] with a variance half.
        x_t: Noised images, float32 [B, C, H, W].
        i: Code index t - 1 of each image, int64 [B].
        target: Key of `targets.TARGETS`, or the target of a plugin.
        variance: Key of `process.REVERSE_VARIANCES`.
        x0_clip: Key of `X0_CLIPS`; applied before x_0 is used, so the mean stays in the hull of the data.
    """
    prediction, raw = split_output(output, x_t.shape[1])
    x0 = X0_CLIPS[x0_clip](predicted_x0(target, diffusion, prediction, x_t, i))
    mean, _, _ = diffusion.q_posterior(x0, x_t, i)
    log_variance = diffusion.reverse_log_variance(variance, i, raw)
    return Reverse(mean, log_variance, x0)
