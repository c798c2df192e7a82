"""A net of a plugin, built with initial weights that depend on the generator alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from sweep.errors import InfeasibleConfig
from sweep.plugins.loading import part_named


def build_own(
    settings: Mapping[str, Any],
    *,
    image_channels: int,
    image_size: int,
    out_channels: int,
    num_classes: int | None = None,
    generator: torch.Generator,
) -> nn.Module:
    """A net of a plugin whose source this process has loaded, on the CPU.

    Its constructor draws its own initial weights; the global random stream that it draws from begins at a number of
    the generator, and is put back.

    Args:
        settings: Fields of `sweep.config.own_part.OwnPart`, without its kind.
        image_channels: Channels of the images.
        image_size: Height and width of the images, pixels.
        out_channels: Channels of the prediction.
        num_classes: Number of classes that the net sees, which its constructor must take then; None for none.
        generator: Is advanced by one number.

    Raises:
        DataError: The source was not loaded.
        InfeasibleConfig: The net takes no classes.
        Exception: Whatever the constructor raises.
    """
    make = part_named(str(settings["source"]), "net", str(settings["part"]))
    values = {name: settings[name] for name in settings["parameters"]}
    if takes_classes(make):
        values["num_classes"] = num_classes
    elif num_classes is not None:
        raise InfeasibleConfig(
            f"net `{settings['part']}` of a plugin cannot be conditional",
            why="Its constructor takes no `num_classes`, so it does not know the classes.",
            next="Let it take `num_classes` and its forward `labels`, or set conditional: false.",
        )
    seed = int(torch.randint(2**63 - 1, (), generator=generator))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = make(image_channels=image_channels, image_size=image_size, out_channels=out_channels, **values)
    assert isinstance(net, nn.Module)
    return net


def takes_classes(make: Callable[..., Any]) -> bool:
    """Whether a net of a plugin can be conditional on classes.

    Args:
        make: Class of the net.
    """
    return "num_classes" in inspect.signature(make).parameters
