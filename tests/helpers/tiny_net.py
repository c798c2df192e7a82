from __future__ import annotations

import torch

from sweep.nets.build import build
from sweep.nets.mlp import MLP
from sweep.nets.unet import UNet


def tiny_unet() -> UNet | MLP:
    """A U-Net for 8x8 with dropout, whose output layer is not zero."""
    sizes = {"channels": 8, "channel_mults": (1, 2), "res_blocks": 1, "attention_resolutions": (4,), "heads": 1}
    generator = torch.Generator().manual_seed(0)
    net = build("unet", {**sizes, "groups": 4, "dropout": 0.3}, image_channels=1, image_size=8, generator=generator)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return net
