"""A net of our own: DiT, a transformer over patches whose layers the noise level modulates (Peebles & Xie 2023)."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from sweep.plugins import net


def sinusoids(at: torch.Tensor, width: int) -> torch.Tensor:
    """Cosines and sines of positions or noise levels [N] at width/2 frequencies, float32 [N, width]."""
    frequencies = torch.exp(-math.log(10_000.0) * torch.arange(width // 2, device=at.device) / (width // 2))
    angles = at.float()[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)


class Modulated(nn.Module):
    """Shifts, scales and gates of a layer, linear in the embedding of the noise level, and 0 at first."""

    def __init__(self, width: int, count: int):
        super().__init__()
        self.linear = nn.Linear(width, count * width)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        self.count = count

    def forward(self, level: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """`count` tensors [B, 1, width]."""
        return self.linear(F.silu(level))[:, None].chunk(self.count, dim=2)


class Block(nn.Module):
    """Attention and a perceptron, each after a layer norm that the noise level shifts and scales (adaLN-Zero)."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(width, elementwise_affine=False) for _ in range(2))
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU("tanh"), nn.Linear(4 * width, width))
        self.modulated = Modulated(width, 6)
        self.heads = heads

    def forward(self, h: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        """Tokens [B, N, width] after the block; level [B, width]."""
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulated(level)
        h = h + gate1 * self.attention(self.norm1(h) * (1 + scale1) + shift1)
        return h + gate2 * self.mlp(self.norm2(h) * (1 + scale2) + shift2)

    def attention(self, h: torch.Tensor) -> torch.Tensor:
        """Self-attention over the tokens."""
        q, k, v = (each.unflatten(2, (self.heads, -1)).transpose(1, 2) for each in self.qkv(h).chunk(3, dim=2))
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


@net("dit")
class DiT(nn.Module):
    """DiT without classes.

    Args:
        image_channels: Channels of the images.
        image_size: Height and width of the images, a multiple of `patch`.
        out_channels: Channels of the prediction.
        patch: Height and width of a patch, which is one token.
        width: Channels of a token, a multiple of 2 `heads`.
        depth: Blocks.
        heads: Attention heads.
    """

    def __init__(
        self,
        image_channels: int,
        image_size: int,
        out_channels: int,
        *,
        patch: int = 2,
        width: int = 64,
        depth: int = 2,
        heads: int = 2,
    ):
        super().__init__()
        if image_size % patch or width % (2 * heads):
            raise ValueError(f"images of {image_size} pixels in patches of {patch}, width {width} in {heads} heads")
        self.patch, self.width = patch, width
        self.embed = nn.Conv2d(image_channels, width, patch, stride=patch)
        self.level = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm, self.modulated = nn.LayerNorm(width, elementwise_affine=False), Modulated(width, 2)
        self.last = nn.Linear(width, out_channels * patch**2)
        nn.init.normal_(self.last.weight, std=1e-3)
        side = torch.arange(image_size // patch)
        rows, columns = (each.flatten() for each in torch.meshgrid(side, side, indexing="ij"))
        position = torch.cat([sinusoids(rows, width // 2), sinusoids(columns, width // 2)], dim=1)
        self.register_buffer("position", position, persistent=False)

    def forward(self, x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
        """The prediction for noisy images x, [B, C, H, W], at the noise levels i, int64 [B]."""
        h = self.embed(x)
        height, width = h.shape[2:]
        h = h.flatten(2).transpose(1, 2) + self.position
        level = self.level(sinusoids(i, self.width))
        for block in self.blocks:
            h = block(h, level)
        shift, scale = self.modulated(level)
        h = self.last(self.norm(h) * (1 + scale) + shift).transpose(1, 2)
        return F.pixel_shuffle(h.unflatten(2, (height, width)), self.patch)
