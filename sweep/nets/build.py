"""A net of the registry, built with initial weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from sweep.errors import UnknownName
from sweep.nets.initialisation import initialise
from sweep.nets.own import build_own
from sweep.nets.registry import NETS


def build(
    kind: str,
    settings: Mapping[str, object],
    *,
    image_channels: int,
    image_size: int,
    generator: torch.Generator,
    out_channels: int | None = None,
    num_classes: int | None = None,
) -> nn.Module:
    """A net on the CPU whose weights depend on the arguments and the generator's state alone.

    Args:
        kind: A key of `NETS`.
        settings: The other keyword arguments of that kind's class.
        image_channels: Channels of the images.
        image_size: Height and width of the images, pixels.
        generator: Source of the initial weights; is advanced.
        out_channels: Channels of the prediction; None: as many as the images.
        num_classes: Number of classes that the net sees; None for a net that sees none.

    Returns:
        The net, (x_t [B, C, H, W], i int64 [B]) -> prediction; with classes, their int64 [B] is the third argument, in
        which `num_classes` stands for no class.

    Raises:
        UnknownName: There is no such kind.
        InfeasibleConfig: Its settings do not fit each other or the images.
    """
    if kind not in NETS:
        raise UnknownName(
            "net",
            kind,
            sorted(name for name, spec in NETS.items() if spec.module is not None),
            next="sweep docs catalogue",
        )
    module = NETS[kind].module
    if module is None:
        return build_own(
            settings,
            image_channels=image_channels,
            image_size=image_size,
            out_channels=out_channels or image_channels,
            num_classes=num_classes,
            generator=generator,
        )
    make = module()
    # torch draws throw-away weights while it constructs layers; the caller's random stream must not notice.
    with torch.random.fork_rng(devices=[]):
        net = make(
            image_channels=image_channels,
            image_size=image_size,
            out_channels=out_channels,
            num_classes=num_classes,
            **settings,
        )
    initialise(net, generator)
    return net
