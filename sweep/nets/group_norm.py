"""Group normalisation: torch's operator, and where that is slow on a CPU the same sums by others of its operators."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

# Floats in a vector of AVX2. Of channels-last maps torch's kernel reads a group's channels place by place: what is
# left over of whole vectors costs it more than the vectors.
VECTOR = 8


def group_norm(x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """weight (x - mean) / sqrt(variance + eps) + bias over each group of channels of each image.

    On a CPU, channels-last float32 maps whose groups do not fill vectors are computed by `group_moments` and one
    multiply-add, in whole rows of channels: equal to the operator to rounding. Which it is follows from shape and
    layout alone.

    Args:
        x: Feature maps, [B, C, H, W]; float32 or wider.
        groups: Number of groups; divides C.
        weight: Factor of each channel, [C].
        bias: Offset of each channel, [C].
        eps: Added to the variance.

    Returns:
        [B, C, H, W] in the layout of x.

    Source: Wu & He 2018, eq. 1, 2 and 7.
    """
    if not in_rows(x, groups):
        return F.group_norm(x, groups, weight, bias, eps)
    if torch.is_grad_enabled():
        out: Tensor = _InRows.apply(x, groups, weight, bias, eps)
        return out
    return _normalised(x, groups, weight, bias, eps)[0]


def in_rows(x: Tensor, groups: int) -> bool:
    """Whether torch's operator would be slow on these feature maps.

    Args:
        x: Feature maps, [B, C, H, W].
        groups: Number of groups; divides C.
    """
    ragged = x.device.type == "cpu" and x.dtype == torch.float32 and x.shape[1] // groups % VECTOR > 0
    return ragged and not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)


def group_moments(rows: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """Mean and variance of each group of channels of each image.

    Args:
        rows: Feature maps as rows of channels, [B, H W, C].
        groups: Number of groups; divides C.

    Returns:
        [B, groups] each.
    """
    B, positions, C = rows.shape
    sums = torch.stack([rows.sum(1), rows.square().sum(1)]).view(2, B, groups, C // groups).sum(3)
    mean, mean_square = sums / (positions * C // groups)
    return mean, torch.addcmul(mean_square, mean, mean, value=-1).clamp_min_(0)


def _normalised(x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """The result, and mean and 1 / sqrt(variance + eps) of each group, [B, groups]."""
    B, C, H, W = x.shape
    rows = x.permute(0, 2, 3, 1).view(B, H * W, C)
    mean, variance = group_moments(rows, groups)
    inverse = variance.add_(eps).rsqrt_()
    scale = inverse[:, :, None] * weight.view(groups, -1)
    shift = torch.addcmul(bias.view(groups, -1), mean[:, :, None], scale, value=-1)
    out = torch.addcmul(shift.view(B, 1, C), rows, scale.view(B, 1, C))
    return out.view(B, H, W, C).permute(0, 3, 1, 2), mean, inverse


class _InRows(torch.autograd.Function):
    """`_normalised` with the gradient of torch's operator, whose kernel is as fast in this layout as in the other."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        out, mean, inverse = _normalised(x, groups, weight, bias, eps)
        ctx.save_for_backward(x, mean, inverse, weight)
        ctx.groups = groups
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, mean, inverse, weight = ctx.saved_tensors
        B, C, H, W = x.shape
        wanted = [ctx.needs_input_grad[k] for k in (0, 2, 3)]
        on_x, on_weight, on_bias = torch.ops.aten.native_group_norm_backward(
            gradients[0], x, mean, inverse, weight, B, C, H * W, ctx.groups, wanted
        )
        return on_x, None, on_weight, on_bias, None
