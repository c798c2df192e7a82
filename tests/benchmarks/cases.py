"""What is trained and sampled: configs of ours, images without a network, and the peer's net with equal weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from sweep.config.part_names import Precision
from sweep.config.presets import NET_PRESETS
from sweep.config.run import TrainConfig
from sweep.data.dataset import Dataset, without_official_test
from sweep.training.initial_net import build_net
from tests.helpers.diffusers_unet import diffusers_net, to_diffusers


@dataclass(frozen=True, kw_only=True)
class Case:
    """A net on images of one shape, at one batch size and precision."""

    name: str
    preset: str
    channels: int
    """Of the images."""
    size: int
    batch: int
    precision: Precision = "fp32"
    steps: int
    """Optimizer steps in a timed block."""
    samples: int
    sampling_steps: int = 10
    images: int = 50_000
    """Training images, as many as CIFAR-10 has: loaders begin an epoch anew as seldom as in a real training."""

    @property
    def settings(self) -> dict[str, Any]:
        """Of the net, written out."""
        return dict(NET_PRESETS[self.preset])

    @property
    def config(self) -> TrainConfig:
        return TrainConfig.model_validate(
            {
                "data": {"name": "digits"},
                "net": self.settings,
                "batch": self.batch,
                "precision": self.precision,
                "images": 10**9,
                "T": 1000,
                "lr": 1e-4,
                "ema_decays": [0.999],
            }
        )

    def dataset(self) -> Dataset:
        """Noise: how long a step takes does not depend on what the images show."""
        images = torch.randint(
            256,
            (self.images, self.channels, self.size, self.size),
            dtype=torch.uint8,
            generator=torch.Generator().manual_seed(0),
        )
        return without_official_test("digits", images, None, validation=256, test=256)

    def net(self) -> nn.Module:
        return build_net(self.config, channels=self.channels, size=self.size)

    def peer_net(self) -> nn.Module:
        """diffusers' UNet2DModel with the weights of `net`."""
        settings = self.settings | {"image_channels": self.channels, "image_size": self.size}
        peer = diffusers_net(settings)
        peer.load_state_dict(to_diffusers(self.net(), len(settings["channel_mults"])), strict=True)
        return peer

    def flops(self, *, backward: bool) -> int:
        """Of one image through the net, two a multiply-add, counted by torch."""
        net = self.net()
        x, i = torch.zeros(1, self.channels, self.size, self.size), torch.zeros(1, dtype=torch.int64)
        with FlopCounterMode(display=False) as counter, torch.set_grad_enabled(backward):
            output = net(x, i)
            if backward:
                output.sum().backward()
        return counter.get_total_flops()


CPU = (
    Case(name="unet_8, digits", preset="unet_8", channels=1, size=8, batch=128, steps=8, samples=256),
    Case(name="unet_28", preset="unet_28", channels=1, size=28, batch=16, steps=2, samples=16),
)
CPU_QUICK = (
    Case(name="unet_8, digits", preset="unet_8", channels=1, size=8, batch=16, steps=2, samples=16, images=1024),
)
GPU = (
    Case(
        name="ho_cifar10",
        preset="ho_cifar10",
        channels=3,
        size=32,
        batch=128,
        precision="bf16",
        steps=30,
        samples=2048,
        sampling_steps=50,
    ),
    Case(
        name="unet_28",
        preset="unet_28",
        channels=1,
        size=28,
        batch=128,
        precision="bf16",
        steps=60,
        samples=2048,
        sampling_steps=50,
    ),
)


def cases(device: torch.device, *, quick: bool, names: Sequence[str] = ()) -> tuple[Case, ...]:
    """Those of a device, or those of these names alone."""
    of_device = CPU_QUICK if quick else CPU if device.type == "cpu" else GPU
    return tuple(case for case in of_device if not names or case.name in names)


def difference(case: Case) -> float:
    """Largest difference between the outputs of both nets with the same weights, where the output is of order one."""
    ours, theirs = case.net().eval(), case.peer_net().eval()
    _excite(ours)
    theirs.load_state_dict(to_diffusers(ours, len(case.settings["channel_mults"])), strict=True)
    x = torch.randn(2, case.channels, case.size, case.size, generator=torch.Generator().manual_seed(1))
    i = torch.tensor([3, 900])
    with torch.no_grad():
        told: Tensor = ours(x, i) - theirs(x, i).sample
    return float(told.abs().max())


def _excite(net: nn.Module) -> None:
    # Fresh weights end in near-zero layers, whose outputs would agree with anything.
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
