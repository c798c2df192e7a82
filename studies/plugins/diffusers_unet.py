"""A net of our own: the U-Net of diffusers, which `pip install diffusers` brings."""

import torch
from diffusers import UNet2DModel
from torch import nn

from sweep.plugins import net


@net("diffusers_unet")
class DiffusersUNet(nn.Module):
    """UNet2DModel with `levels` resolutions, and attention at the lowest one.

    Args:
        image_channels: Channels of the images.
        image_size: Height and width of the images, a multiple of 2^(levels - 1).
        out_channels: Channels of the prediction.
        width: Channels at full resolution, a multiple of 8; twice as many at the others.
        levels: Resolutions.
        layers: Residual blocks of a resolution.
    """

    def __init__(
        self,
        image_channels: int,
        image_size: int,
        out_channels: int,
        *,
        width: int = 32,
        levels: int = 2,
        layers: int = 1,
    ):
        super().__init__()
        self.unet = UNet2DModel(
            sample_size=image_size,
            in_channels=image_channels,
            out_channels=out_channels,
            layers_per_block=layers,
            block_out_channels=(width, *[2 * width] * (levels - 1)),
            down_block_types=("DownBlock2D",) * (levels - 1) + ("AttnDownBlock2D",),
            up_block_types=("AttnUpBlock2D",) + ("UpBlock2D",) * (levels - 1),
            norm_num_groups=8,
        )

    def forward(self, x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
        """The prediction for noisy images x, [B, C, H, W], at the noise levels i, int64 [B]."""
        return self.unet(x, i).sample
