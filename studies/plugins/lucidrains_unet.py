"""A net of our own: the U-Net of denoising-diffusion-pytorch, which pip installs under that name."""

import torch
from denoising_diffusion_pytorch import Unet
from torch import nn

from sweep.plugins import net


@net("lucidrains_unet")
class LucidrainsUnet(nn.Module):
    """Unet with two resolutions.

    Args:
        image_channels: Channels of the images.
        image_size: Height and width of the images, even.
        out_channels: Channels of the prediction.
        width: Channels at full resolution, a multiple of 8; twice as many at half of it.
    """

    def __init__(self, image_channels: int, image_size: int, out_channels: int, *, width: int = 16):
        super().__init__()
        self.unet = Unet(width, dim_mults=(1, 2), channels=image_channels, out_dim=out_channels)

    def forward(self, x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
        """The prediction for noisy images x, [B, C, H, W], at the noise levels i, int64 [B]."""
        return self.unet(x, i)
