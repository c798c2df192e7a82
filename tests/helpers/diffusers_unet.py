"""diffusers' U-Net of the same shape as ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sweep.nets.diffusers_unet import to_diffusers, unet2d_config

if TYPE_CHECKING:
    from diffusers import UNet2DModel

__all__ = ["diffusers_net", "to_diffusers"]


def diffusers_net(config: dict[str, Any]) -> UNet2DModel:
    """The peer at the same shape."""
    from diffusers import UNet2DModel

    channels = config["image_channels"]
    settings = unet2d_config(
        {"heads": 1} | config,
        image_channels=channels,
        image_size=config["image_size"],
        out_channels=config.get("out_channels") or channels,
        num_classes=config.get("num_classes"),
    )
    return UNet2DModel(**settings)
