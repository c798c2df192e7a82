"""Nets by their sizes, and as a study file writes them: a preset, a preset with changes, or the sizes themselves."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field

from sweep.config.own_part import OwnPart
from sweep.config.presets import NET_PRESETS
from sweep.config.values import Frozen
from sweep.limits import MAX_CHANNELS, MAX_LAYERS, MAX_RESOLUTIONS, MAX_WIDTH
from sweep.similar_names import no_such


class UNetConfig(Frozen):
    """The U-Net of Ho et al. 2020, by its sizes."""

    kind: Literal["unet"] = "unet"
    channels: int = Field(128, ge=4, le=MAX_CHANNELS, description="Channels at full resolution.")
    channel_mults: tuple[Annotated[int, Field(ge=1, le=MAX_CHANNELS)], ...] = Field(
        (1, 2, 2, 2), min_length=1, max_length=MAX_RESOLUTIONS, description="One entry a resolution level."
    )
    res_blocks: int = Field(
        2, ge=1, le=MAX_LAYERS, description="Residual blocks a level on the way down (one more on the way up)."
    )
    attention_resolutions: tuple[int, ...] = Field(
        (16,), max_length=MAX_RESOLUTIONS, description="Feature-map sizes that get self-attention."
    )
    heads: int = Field(1, ge=1, le=MAX_CHANNELS, description="Attention heads.")
    dropout: float = Field(0.0, ge=0.0, lt=1.0)
    groups: int = Field(32, ge=1, le=MAX_CHANNELS, description="GroupNorm groups.")


class MLPConfig(Frozen):
    """A plain multilayer perceptron on flattened images: the naive baseline."""

    kind: Literal["mlp"] = "mlp"
    width: int = Field(1024, ge=8, le=MAX_WIDTH, description="Units of each hidden layer.")
    depth: int = Field(3, ge=1, le=MAX_LAYERS, description="Hidden layers.")
    dropout: float = Field(0.0, ge=0.0, lt=1.0)


SizedNet = UNetConfig | MLPConfig
"""Nets of the package, by their sizes."""

NetConfig = Annotated[SizedNet | OwnPart, Field(discriminator="kind")]


class UNetByPreset(UNetConfig):
    """A named U-Net with changes, as a study file may write it; editors complete it."""

    preset: Literal["ho_cifar10", "unet_28", "unet_8"]


class MLPByPreset(MLPConfig):
    """A named perceptron with changes, as a study file may write it; editors complete it."""

    preset: Literal["mlp", "mlp_small"]


NetName = Literal["ho_cifar10", "unet_28", "unet_8", "mlp", "mlp_small"]
NetAsWritten = NetName | UNetByPreset | MLPByPreset | SizedNet


def _net_by_preset(value: object) -> object:
    """A preset's name, or `{preset: NAME, ...changes}`, or the sizes themselves."""
    if isinstance(value, str):
        value = {"preset": value}
    if not isinstance(value, dict) or "preset" not in value:
        return value
    changes = dict(value)
    name = changes.pop("preset")
    if not isinstance(name, str) or name not in NET_PRESETS:
        raise ValueError(f"{no_such('preset', name, NET_PRESETS)}; allowed: {', '.join(NET_PRESETS)}")
    return NET_PRESETS[name] | changes


NetField = Annotated[NetConfig, BeforeValidator(_net_by_preset, json_schema_input_type=NetAsWritten)]
NET_FIELDS = frozenset(field for net in get_args(SizedNet) for field in net.model_fields)
