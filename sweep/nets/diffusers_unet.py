"""The same U-Net in diffusers: the settings of its UNet2DModel, and the names of its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from sweep.errors import InfeasibleConfig
from sweep.nets.layers import Attention, Block, Downsample, ResBlock, Upsample
from sweep.nets.unet import UNet

_Put = Callable[[str, nn.Module], None]
_RES_NAMES = {
    "norm1": "norm1",
    "conv1": "conv1",
    "time_emb_proj": "time",
    "norm2": "norm2",
    "conv2": "conv2",
    "conv_shortcut": "shortcut",
}


def unet2d_config(
    settings: Mapping[str, Any],
    *,
    image_channels: int,
    image_size: int,
    out_channels: int,
    num_classes: int | None = None,
) -> dict[str, Any]:
    """The arguments of diffusers' UNet2DModel for a net of the same shape.

    Args:
        settings: Settings of our U-Net (`sweep.nets.unet.UNet`).
        image_channels: Channels of the images.
        image_size: Height and width of the images, pixels.
        out_channels: Channels of the prediction.
        num_classes: Number of classes that the net sees; None for a net that sees none.

    Raises:
        InfeasibleConfig: Attention has heads of different widths, which UNet2DModel has not.
    """
    widths = [settings["channels"] * mult for mult in settings["channel_mults"]]
    attends = [image_size >> level in settings["attention_resolutions"] for level in range(len(widths))]
    heads = settings["heads"]
    attended = {width for width, attention in zip(widths, attends, strict=True) if attention} | {widths[-1]}
    if heads > 1 and len(attended) > 1:
        raise InfeasibleConfig(
            f"diffusers' UNet2DModel has no {heads} heads at widths {', '.join(map(str, sorted(attended)))}",
            why="Its heads have one width everywhere, ours have one number.",
            next="Export it as safetensors: --format safetensors",
        )
    return {
        "sample_size": image_size,
        "in_channels": image_channels,
        "out_channels": out_channels,
        "block_out_channels": widths,
        "layers_per_block": settings["res_blocks"],
        "down_block_types": ["AttnDownBlock2D" if a else "DownBlock2D" for a in attends],
        "up_block_types": ["AttnUpBlock2D" if a else "UpBlock2D" for a in reversed(attends)],
        "attention_head_dim": None if heads == 1 else widths[-1] // heads,
        "norm_num_groups": settings["groups"],
        "freq_shift": 1,
        "flip_sin_to_cos": False,
        "downsample_padding": 0,
        "norm_eps": 1e-6,
        "dropout": settings["dropout"],
    } | ({} if num_classes is None else {"num_class_embeds": num_classes + 1})


def to_diffusers(net: UNet, levels: int) -> dict[str, Tensor]:
    """Our state dict under the names of diffusers' UNet2DModel.

    Args:
        net: The net, its weights loaded.
        levels: Number of its resolutions.
    """
    state: dict[str, Tensor] = {}

    def put(name: str, module: nn.Module) -> None:
        state.update({f"{name}.{key}": value for key, value in module.state_dict().items()})

    def put_level(name: str, layers: Iterator[nn.Module], blocks: int) -> None:
        for index in range(blocks):
            block = next(layers)
            assert isinstance(block, Block)
            _put_res(f"{name}.resnets.{index}", block.res, put)
            if isinstance(block.attention, Attention):
                state.update(_attention(f"{name}.attentions.{index}", block.attention, put))

    res_blocks = (len(net.down) + 1) // levels - 1
    put("conv_in", net.conv_in)
    put("time_embedding.linear_1", net.time_embedding.linear1)
    put("time_embedding.linear_2", net.time_embedding.linear2)
    if net.time_embedding.classes is not None:
        put("class_embedding", net.time_embedding.classes)
    down, up = iter(net.down), iter(net.up)
    for level in range(levels):
        put_level(f"down_blocks.{level}", down, res_blocks)
        if (layer := next(down, None)) is not None:
            assert isinstance(layer, Downsample)
            put(f"down_blocks.{level}.downsamplers.0.conv", layer.conv)
    put_level("mid_block", iter(net.middle), 2)
    for level in range(levels):
        put_level(f"up_blocks.{level}", up, res_blocks + 1)
        if (layer := next(up, None)) is not None:
            assert isinstance(layer, Upsample)
            put(f"up_blocks.{level}.upsamplers.0.conv", layer.conv)
    put("conv_norm_out", net.norm_out)
    put("conv_out", net.conv_out)
    return state


def _put_res(name: str, res: ResBlock, put: _Put) -> None:
    for theirs, ours in _RES_NAMES.items():
        put(f"{name}.{theirs}", getattr(res, ours))


def _attention(name: str, attention: Attention, put: _Put) -> dict[str, Tensor]:
    """Writes norm and projection; returns queries, keys and values, which are stacked in ours."""
    put(f"{name}.group_norm", attention.norm)
    put(f"{name}.to_out.0", attention.proj)
    return {
        f"{name}.{part}.{key}": chunk
        for key, value in attention.qkv.state_dict().items()
        for part, chunk in zip(("to_q", "to_k", "to_v"), value.chunk(3), strict=True)
    }
