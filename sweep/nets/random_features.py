"""Features of images by a network that nobody has trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTHS = (32, 64, 128)
SEED = 20_180_111  # of the weights: the same in every run, so that the loss means the same everywhere


class RandomFeatures(nn.Module):
    """Three random convolutions with ReLU, each half the size of the one before; frozen.

    A perceptual loss needs features that no score looks at: on those of the scoring extractor it would train what it
    is judged by. Random weights can never be an extractor's, need no download and hold no labels, and already order
    distortions much better than pixels do (Zhang et al. 2018, sec. 4.1, "random").

    Args:
        image_channels: Channels of the images.
    """

    def __init__(self, image_channels: int) -> None:
        super().__init__()
        draws = torch.Generator().manual_seed(SEED)
        self.layers = nn.ParameterList()
        channels = image_channels
        for width in WIDTHS:
            weight = torch.randn(width, channels, 3, 3, generator=draws) * (2 / (9 * channels)) ** 0.5
            self.layers.append(nn.Parameter(weight, requires_grad=False))
            channels = width

    def forward(self, x: Tensor) -> list[Tensor]:
        """Images [B, C, H, W] -> unit vectors over channels at every place, one [B, width, h, w] a layer."""
        features = []
        for depth, weight in enumerate(self.layers):
            x = F.relu(F.conv2d(x, weight, stride=1 if depth == 0 else 2, padding=1))
            features.append(x / (x.square().sum(1, keepdim=True) + 1e-8).sqrt())
        return features


# Zhang et al. 2018, eq. 1, with all channel weights 1
def perceptual_distance(features: RandomFeatures, x: Tensor, y: Tensor) -> Tensor:
    """Squared distance of normalised features, mean over positions, sum over layers.

    Args:
        features: The frozen net.
        x: Images in [-1, 1], float [B, C, H, W].
        y: Other images, shape of x.

    Returns:
        float32 [B]; 0..4 a layer.
    """
    pairs = zip(features(x.float()), features(y.float()), strict=True)
    return torch.stack([(a - b).square().sum(1).mean((1, 2)) for a, b in pairs]).sum(0)
