"""diffusers' U-Net of the same shape as ours, and the map of names from one state dict to the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from sweep.nets.layers import Attention, Block, Downsample, ResBlock, Upsample
from sweep.nets.unet import UNet

if TYPE_CHECKING:
    from diffusers import UNet2DModel


def to_diffusers(net: UNet, levels: int) -> dict[str, Tensor]:
    """Our state dict under the names of diffusers' UNet2DModel."""
    state: dict[str, Tensor] = {}

    def put(name: str, module: nn.Module) -> None:
        state.update({f"{name}.{key}": value for key, value in module.state_dict().items()})

    def put_res(name: str, res: ResBlock) -> None:
        parts = {"norm1": res.norm1, "conv1": res.conv1, "time_emb_proj": res.time}
        parts |= {"norm2": res.norm2, "conv2": res.conv2, "conv_shortcut": res.shortcut}
        for part, module in parts.items():
            put(f"{name}.{part}", module)

    def put_attention(name: str, attention: Attention) -> None:
        put(f"{name}.group_norm", attention.norm)
        put(f"{name}.to_out.0", attention.proj)
        for key, value in attention.qkv.state_dict().items():
            for part, chunk in zip(("to_q", "to_k", "to_v"), value.chunk(3), strict=True):
                state[f"{name}.{part}.{key}"] = chunk

    def put_level(name: str, layers: Iterator[nn.Module], blocks: int) -> None:
        for index in range(blocks):
            block = next(layers)
            assert isinstance(block, Block)
            put_res(f"{name}.resnets.{index}", block.res)
            if isinstance(block.attention, Attention):
                put_attention(f"{name}.attentions.{index}", block.attention)

    res_blocks = (len(net.down) + 1) // levels - 1
    put("conv_in", net.conv_in)
    put("time_embedding.linear_1", net.time_embedding.linear1)
    put("time_embedding.linear_2", net.time_embedding.linear2)
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


def diffusers_net(config: dict[str, Any]) -> UNet2DModel:
    """The peer at the same shape. Its `attention_head_dim` is the width of a head; None: one head."""
    from diffusers import UNet2DModel

    widths = [config["channels"] * mult for mult in config["channel_mults"]]
    sizes = [config["image_size"] >> level for level in range(len(widths))]
    attends = [size in config["attention_resolutions"] for size in sizes]
    heads = config.get("heads", 1)
    return UNet2DModel(
        sample_size=config["image_size"],
        in_channels=config["image_channels"],
        out_channels=config.get("out_channels") or config["image_channels"],
        block_out_channels=tuple(widths),
        layers_per_block=config["res_blocks"],
        down_block_types=tuple("AttnDownBlock2D" if a else "DownBlock2D" for a in attends),
        up_block_types=tuple("AttnUpBlock2D" if a else "UpBlock2D" for a in reversed(attends)),
        attention_head_dim=None if heads == 1 else widths[-1] // heads,
        norm_num_groups=config["groups"],
        freq_shift=1,
        flip_sin_to_cos=False,
        downsample_padding=0,
        norm_eps=1e-6,
        dropout=config["dropout"],
    )
