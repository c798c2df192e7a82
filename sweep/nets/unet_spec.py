"""Which sizes fit each other: what a U-Net's settings mean at each resolution. Knows no torch, so `plan` can ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweep.errors import InfeasibleConfig
from sweep.quantities import quantity


@dataclass(frozen=True, eq=False)
class Level:
    """One resolution of a U-Net; compared by identity, since two levels may agree in every number."""

    width: int
    attends: bool


def unet_levels(
    *,
    image_size: int,
    channels: int,
    channel_mults: Sequence[int],
    attention_resolutions: Sequence[int],
    heads: int,
    groups: int,
) -> list[Level]:
    """The levels of a U-Net, finest first.

    Args:
        image_size: Height and width of the images, pixels.
        channels: Width at full resolution, in channels.
        channel_mults: Width of each level, in units of `channels`, finest level first.
        attention_resolutions: Feature-map sizes, in pixels, with attention after each residual block.
        heads: Number of attention heads.
        groups: Groups of each group norm.

    Raises:
        InfeasibleConfig: The size is not divisible by the downsampling, `groups` or `heads` does not divide a width,
            an attention resolution never occurs, or the time embedding would have an odd number of channels.
    """
    sizes = _feature_map_sizes(image_size, len(channel_mults))
    missing = sorted(set(attention_resolutions) - set(sizes))
    if missing:
        raise InfeasibleConfig(
            f"no feature map has the attention resolution {', '.join(map(str, missing))}",
            why=f"the sizes of this net are {', '.join(map(str, sizes))} (pixels, not downsampling factors)",
            next="choose attention resolutions among them, or none: the middle always attends",
        )
    levels = [
        Level(channels * mult, size in attention_resolutions) for mult, size in zip(channel_mults, sizes, strict=True)
    ]
    _check_divides("groups", groups, [channels, *(level.width for level in levels)])
    _check_divides("heads", heads, [levels[-1].width, *(level.width for level in levels if level.attends)])
    check_embedding(channels)
    return levels


def unet_weights(levels: Sequence[Level], res_blocks: int) -> int:
    """Weights in the convolutions of a U-Net's residual blocks and attention: nearly all of its parameters.

    Args:
        levels: Finest first.
        res_blocks: Residual blocks a level on the way down; one more on the way up.
    """
    total, width = 0, levels[0].width
    skips = [width]

    def block(into: int, level: Level, *, attends: bool) -> int:
        return 9 * level.width * (into + level.width) + 4 * level.width**2 * attends

    for level in levels:
        for _ in range(res_blocks):
            total += block(width, level, attends=level.attends)
            width = level.width
            skips.append(width)
        if level is not levels[-1]:
            total += 9 * width**2
            skips.append(width)
    total += block(width, levels[-1], attends=True) + block(width, levels[-1], attends=False)
    for level in reversed(levels):
        for _ in range(res_blocks + 1):
            total += block(width + skips.pop(), level, attends=level.attends)
            width = level.width
        if level is not levels[0]:
            total += 9 * width**2
    return total


def unet_net_weights(settings: Mapping[str, Any], *, image_channels: int, image_size: int | None) -> int:  # noqa: ARG001 - as others of its registry
    """`unet_weights` of a net's settings, which are checked.

    Args:
        settings: Settings of the net: the arguments of `unet_levels`, and `res_blocks`.
        image_channels: Channels of the images; too few weights depend on it to count.
        image_size: Height and width of the images, pixels; None where they are not known yet: then nothing is checked.

    Returns:
        How many weights, or 0 where the size of the images is not known.

    Raises:
        InfeasibleConfig: As `unet_levels`.
    """
    if image_size is None:
        return 0
    names = ("channels", "channel_mults", "attention_resolutions", "heads", "groups")
    levels = unet_levels(image_size=image_size, **{name: settings[name] for name in names})
    return unet_weights(levels, settings["res_blocks"])


def check_embedding(width: int) -> None:
    """Refuse a time embedding whose `width` is odd or below 4.

    Raises:
        InfeasibleConfig: It is.
    """
    if width < 4 or width % 2:
        raise InfeasibleConfig(
            f"a time embedding cannot have {width} channels",
            why="half of them are sines and half cosines, of at least two frequencies each",
            next="choose an even number of channels, 4 or more",
        )


def _feature_map_sizes(image_size: int, levels: int) -> list[int]:
    if image_size % 2 ** (levels - 1):
        passed = " -> ".join(f"{image_size / 2**level:g}" for level in range(levels))
        possible = 1 + next(halvings for halvings in range(levels) if image_size % 2 ** (halvings + 1))
        raise InfeasibleConfig(
            f"images of {image_size} pixels cannot be halved {levels - 1} times",
            why=f"{levels} channel multipliers mean feature maps of {passed} pixels",
            next=f"use at most {quantity(possible, 'channel multiplier')} at this size",
        )
    return [image_size >> level for level in range(levels)]


def _check_divides(name: str, divisor: int, widths: Sequence[int]) -> None:
    if divisor < 1 or any(width % divisor for width in widths):
        raise InfeasibleConfig(
            f"{divisor} {name} do not divide the channels {', '.join(map(str, sorted(set(widths))))}",
            why=f"each level's channels are split evenly into {name}",
            next=f"choose {name} that divides them all, or other channels",
        )
