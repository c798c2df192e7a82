"""The net that a training begins with."""

from __future__ import annotations

from torch import nn

from sweep.config.run import TrainSettings
from sweep.nets.build import build
from sweep.training.seeding import generator


def build_net(config: TrainSettings, *, channels: int, size: int, classes: int = 0, seed: int = 0) -> nn.Module:
    """The net of a config on the CPU, with initial weights from the seed's own stream.

    Args:
        config: Config whose `net`, `learned_variance` and `conditional` are read.
        channels: Channels of the images.
        size: Height and width of the images, pixels.
        classes: Number of classes of the images; read where the net is conditional.
        seed: Seed of the run; any will do if weights are loaded afterwards.

    Returns:
        The net, (x_t, i) -> prediction; twice the channels of the images where the variance is learned.

    Raises:
        InfeasibleConfig: Its settings do not fit each other or the images.
    """
    return build(
        config.net.kind,
        config.net.model_dump(exclude={"kind"}),
        image_channels=channels,
        image_size=size,
        generator=generator(seed, "init", 0),
        out_channels=2 * channels if config.learned_variance else None,
        num_classes=classes if config.conditional else None,
    )
