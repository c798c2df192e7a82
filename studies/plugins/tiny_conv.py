"""A net of our own: a few convolutions at full resolution, with the noise level added to the first."""

import torch
from torch import nn
from torch.nn import functional as F

from sweep.plugins import net


@net("tiny_conv")
class TinyConv(nn.Module):
    """Residual convolutions without down-sampling.

    Args:
        image_channels: Channels of the images.
        image_size: Height and width of the images; any will do.
        out_channels: Channels of the prediction.
        width: Channels of the feature maps.
        depth: Residual convolutions.
    """

    def __init__(self, image_channels: int, image_size: int, out_channels: int, *, width: int = 16, depth: int = 2):
        super().__init__()
        self.level = nn.Embedding(1000, width)
        self.first = nn.Conv2d(image_channels, width, 3, padding=1)
        self.layers = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(depth))
        self.last = nn.Conv2d(width, out_channels, 3, padding=1)

    def forward(self, x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
        """The prediction for noisy images x, [B, C, H, W], at the noise levels i, int64 [B]."""
        h = self.first(x) + self.level(i)[:, :, None, None]
        for layer in self.layers:
            h = h + layer(F.silu(h))
        return self.last(h)
