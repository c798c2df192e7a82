"""The U-Net of Ho et al. 2020 (appendix B), layer by layer, at any width and any size that halves often enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sweep.nets.embedding import TimeEmbedding
from sweep.nets.initialisation import NearZeroConv2d
from sweep.nets.layers import Attention, Block, Downsample, GroupNorm, ResBlock, Upsample
from sweep.nets.unet_spec import Level, unet_levels

# Of input width, output width and whether attention follows.
_MakeBlock = Callable[[int, int, bool], Block]


class UNet(nn.Module):
    """x_t, i -> prediction. Ho et al.'s CIFAR-10 shape has 35,746,307 parameters.

    That shape: image_channels=3, image_size=32, channels=128, channel_mults=(1, 2, 2, 2), res_blocks=2,
    attention_resolutions=(16,), heads=1, dropout=0.1, groups=32.

    Weights are torch's defaults until `initialise(net, generator)`; `registry.build` calls it.

    Args:
        image_channels: Channels of x.
        image_size: Height and width of x, pixels; divisible by 2^(levels - 1), one level a multiplier.
        channels: Width at full resolution; also the width of the sinusoids. The time embedding has 4 times as many.
        channel_mults: Width of each level, in units of `channels`, finest level first.
        res_blocks: Residual blocks a level on the way down; one more on the way up.
        attention_resolutions: Feature-map sizes (pixels, not factors) with attention after each residual block. The
            middle always has attention.
        heads: Number of attention heads, the same everywhere.
        dropout: Probability, between norm2 and conv2 of each residual block; from torch's default generator.
        groups: Groups of every group norm.
        out_channels: Channels of the prediction; None: as many as x. Twice as many where a variance is learned.
        num_classes: Number of classes whose embedding is added to that of the time; None for a net that sees none.

    Raises:
        InfeasibleConfig: As `unet_levels`.

    Source: Ho et al. 2020, appendix B.
    """

    def __init__(
        self,
        *,
        image_channels: int,
        image_size: int,
        channels: int,
        channel_mults: Sequence[int],
        res_blocks: int,
        attention_resolutions: Sequence[int],
        heads: int = 1,
        dropout: float = 0.0,
        groups: int = 32,
        out_channels: int | None = None,
        num_classes: int | None = None,
    ) -> None:
        super().__init__()
        levels = unet_levels(
            image_size=image_size,
            channels=channels,
            channel_mults=channel_mults,
            attention_resolutions=attention_resolutions,
            heads=heads,
            groups=groups,
        )
        middle = levels[-1].width

        def block(in_channels: int, width: int, attends: bool) -> Block:
            res = ResBlock(in_channels, width, 4 * channels, groups, dropout)
            return Block(res, Attention(width, heads, groups) if attends else None)

        self.time_embedding = TimeEmbedding(channels, 4 * channels, num_classes)
        self.conv_in = nn.Conv2d(image_channels, channels, 3, padding=1)
        self.down, skip_widths = _encoder(channels, levels, res_blocks, block)
        self.middle = nn.ModuleList([block(middle, middle, True), block(middle, middle, False)])
        self.up = _decoder(skip_widths, levels, res_blocks, block)
        self.norm_out = GroupNorm(groups, levels[0].width)
        self.conv_out = NearZeroConv2d(levels[0].width, out_channels or image_channels, 3, padding=1)

    def forward(self, x: Tensor, i: Tensor, labels: Tensor | None = None) -> Tensor:
        """Predict from x_t.

        Args:
            x: [B, C, H, W] float, images in [-1, 1] with noise added.
            i: [B] code index t - 1, integer or fractional; the index in the training chain, also when few sampling
                steps are used.
            labels: Class of each image, int64 [B], of a net with classes; None: no image has one.

        Returns:
            [B, out_channels, H, W] in x's dtype, also under autocast.
        """
        return self.forward_features(x, i, labels)[0]

    def forward_features(self, x: Tensor, i: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Predict from x_t, and give the activations of the middle at no added cost.

        Args:
            x: Noised images, float [B, C, H, W].
            i: Code index t - 1 of each image, [B], integer or fractional.
            labels: Class of each image, int64 [B], of a net with classes; None: no image has one.

        Returns:
            The prediction [B, out_channels, H, W] in x's dtype, and the activations [B, widths[-1], h, w].
        """
        time = self.time_embedding(i, labels)
        h = self.conv_in(x)
        skips = [h]
        for layer in self.down:
            h = layer(h, time) if isinstance(layer, Block) else layer(h)
            skips.append(h)
        for layer in self.middle:
            h = layer(h, time)
        bottleneck = h
        for layer in self.up:
            h = layer(torch.cat([h, skips.pop()], dim=1), time) if isinstance(layer, Block) else layer(h)
        out = self.conv_out(F.silu(self.norm_out(h)))
        return out.to(x.dtype), bottleneck


def _encoder(
    channels: int, levels: Sequence[Level], res_blocks: int, block: _MakeBlock
) -> tuple[nn.ModuleList, list[int]]:
    """Layers of the way down, and the width of conv_in's output followed by that of each of these layers."""
    layers = nn.ModuleList()
    skip_widths = [channels]
    for level in levels:
        for _ in range(res_blocks):
            layers.append(block(skip_widths[-1], level.width, level.attends))
            skip_widths.append(level.width)
        if level is not levels[-1]:
            layers.append(Downsample(level.width))
            skip_widths.append(level.width)
    return layers, skip_widths


def _decoder(skip_widths: Sequence[int], levels: Sequence[Level], res_blocks: int, block: _MakeBlock) -> nn.ModuleList:
    """Layers of the way up: every block takes the last skip that is left, so there is one more of them a level."""
    layers = nn.ModuleList()
    remaining = list(skip_widths)
    width = levels[-1].width
    for level in reversed(levels):
        for _ in range(res_blocks + 1):
            layers.append(block(width + remaining.pop(), level.width, level.attends))
            width = level.width
        if level is not levels[0]:
            layers.append(Upsample(width))
    assert not remaining
    return layers
