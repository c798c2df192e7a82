"""The layers of the U-Net of Ho et al. 2020. Feature maps are [B, C, H, W], contiguous or channels_last."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sweep.nets.group_norm import group_norm
from sweep.nets.initialisation import NearZeroConv2d, NearZeroLinear, StackedLinear

# TensorFlow's contrib group_norm, which the paper's code uses; torch's own default is 1e-5.
GROUP_NORM_EPS = 1e-6


class GroupNorm(nn.GroupNorm):
    """Group normalisation whose statistics are float32 whatever the input is; output in the input's dtype.

    Args:
        groups: Groups of each group norm; divides the channels.
        channels: Channels of the feature maps.
    """

    def __init__(self, groups: int, channels: int) -> None:
        super().__init__(groups, channels, eps=GROUP_NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        dtype = torch.promote_types(x.dtype, torch.float32)
        return group_norm(x.to(dtype), self.num_groups, self.weight, self.bias, self.eps).to(x.dtype)


class ResBlock(nn.Module):
    """x + conv2(dropout(silu(norm2(conv1(silu(norm1(x))) + time)))), with a 1x1 shortcut where widths differ.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        time_width: Width of the time embedding.
        groups: Groups of each group norm; divides the channels.
        dropout: Probability of dropout between norm2 and conv2.
    """

    def __init__(self, in_channels: int, out_channels: int, time_width: int, groups: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = GroupNorm(groups, in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.time = nn.Linear(time_width, out_channels)
        self.norm2 = GroupNorm(groups, out_channels)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = NearZeroConv2d(out_channels, out_channels, 3, padding=1)
        same = in_channels == out_channels
        self.shortcut = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """x [B, in, H, W], time [B, time_width] after its SiLU -> [B, out, H, W].

        Args:
            x: Feature maps, [B, C, H, W].
            time: Time embedding after its SiLU, [B, time_width].
        """
        h = self.conv1(F.silu(self.norm1(x)))
        h = h + self.time(time)[:, :, None, None]
        h = self.conv2(self.dropout(F.silu(self.norm2(h))))
        out: Tensor = self.shortcut(x) + h
        return out


class Attention(nn.Module):
    """x + self-attention over all H W positions, scaled by 1 / sqrt(channels / heads).

    `heads` is a count. (Other libraries ask for the width of a head, and the two are easily swapped.)

    Args:
        channels: Channels of the feature maps.
        heads: Number of attention heads.
        groups: Groups of each group norm; divides the channels.
    """

    def __init__(self, channels: int, heads: int, groups: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = GroupNorm(groups, channels)
        self.qkv = StackedLinear(channels, parts=3)
        self.proj = NearZeroLinear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        B, C, H, W = x.shape
        tokens = self.norm(x).flatten(2).transpose(1, 2)  # [B, HW, C]; no copy when x is channels_last
        q, k, v = self.qkv(tokens).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed: Tensor = F.scaled_dot_product_attention(q, k, v)  # [B, heads, HW, C / heads]
        out: Tensor = self.proj(mixed.transpose(1, 2).reshape(B, H * W, C))
        return x + out.transpose(1, 2).reshape(B, C, H, W)


class Block(nn.Module):
    """A residual block, followed by attention where the feature map has an attention resolution.

    Args:
        res: The residual block.
        attention: The attention after it; None for none.
    """

    def __init__(self, res: ResBlock, attention: Attention | None) -> None:
        super().__init__()
        self.res = res
        self.attention = nn.Identity() if attention is None else attention

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """The residual block, then the attention.

        Args:
            x: Feature maps, [B, C, H, W].
            time: Time embedding after its SiLU, [B, time_width].

        Returns:
            Feature maps, [B, out, H, W].
        """
        out: Tensor = self.attention(self.res(x, time))
        return out


class Downsample(nn.Module):
    """3x3 convolution of stride 2. TensorFlow's SAME padding of an even size: one zero row below, one column right."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(F.pad(x, (0, 1, 0, 1)))
        return out


class Upsample(nn.Module):
    """Each pixel repeated 2 x 2, then a 3x3 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return out
