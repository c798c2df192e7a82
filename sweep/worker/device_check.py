"""Whether a device computes what the CPU does, how it runs a training step, and how fast: for `sweep doctor`."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from sweep.config.part_names import Precision
from sweep.config.presets import NET_PRESETS
from sweep.config.run import TrainConfig
from sweep.data.dataset import Dataset, without_official_test
from sweep.diffusion.noise import sample_noise
from sweep.nets.memory_format import channels_last
from sweep.scoring.predictor import predictor
from sweep.training.initial_net import build_net
from sweep.training.interfaces import RunContext
from sweep.training.trainer import Training
from sweep.worker.device_speed import product_flops
from sweep.worker.machine import PeakMemory
from sweep.worker.messages import DeviceChecked
from sweep.worker.timing import median_seconds

CPU = torch.device("cpu")
IMAGES = 1024
# Of the comparison: noise of so many images of one channel.
NOISE_SHAPE = (64, 1, 28, 28)


@dataclass(frozen=True)
class _Example:
    """A training that shows what a device can do, of images that are drawn."""

    preset: str
    size: int
    batch: int
    precision: Precision
    product_size: int

    @property
    def config(self) -> TrainConfig:
        return TrainConfig.model_validate(
            {"net": dict(NET_PRESETS[self.preset]), "batch": self.batch, "precision": self.precision, "images": 10**9}
        )

    def dataset(self) -> Dataset:
        draws = torch.Generator().manual_seed(0)
        images = torch.randint(256, (IMAGES, 1, self.size, self.size), dtype=torch.uint8, generator=draws)
        return without_official_test("digits", images, None, validation=64, test=64)


_EXAMPLES = {"cuda": _Example("unet_28", 28, 128, "bf16", 8192), "cpu": _Example("unet_8", 8, 32, "fp32", 512)}


def check_device(device: torch.device) -> DeviceChecked:
    """Compare a device with the CPU, and time a training step on it; less than a minute.

    Args:
        device: The device.
    """
    example = _EXAMPLES[device.type]
    equal, noise_difference = _noise_difference(device)
    ceiling = product_flops(
        device, torch.bfloat16 if example.precision == "bf16" else torch.float32, size=example.product_size
    )
    output_difference = _output_difference(example, device)
    memory = PeakMemory(device)
    with tempfile.TemporaryDirectory() as folder:
        is_channels_last = channels_last(example.config.net.kind)
        context = RunContext(folder=Path(folder), attempt="check", device=device, channels_last=is_channels_last)
        training = Training(example.config, example.dataset(), context)
        seconds = median_seconds(training.advance, device)
        peak = memory.bytes
    capture = training.step_state.capture
    assert capture is not None
    return DeviceChecked(
        equal_noise=equal,
        noise_difference=noise_difference,
        output_difference=output_difference,
        is_captured=capture.is_captured,
        capture_reason=capture.reason,
        example=f"{example.preset}, batch {example.batch}, {example.precision}",
        images_per_second=example.batch / seconds,
        flops_per_second=example.batch * _flops_of_image(_excited_net(example), example.size) / seconds,
        ceiling_flops_per_second=ceiling,
        peak_bytes=peak,
    )


def _noise_difference(device: torch.device) -> tuple[float, float]:
    """Share of the numbers of a noise set that are equal here and on the CPU, and the largest difference."""
    index = torch.arange(NOISE_SHAPE[0])
    on_device, on_cpu = (sample_noise(3, index.to(d), 1, NOISE_SHAPE[1:], d).cpu() for d in (device, CPU))
    return float((on_device == on_cpu).double().mean()), float((on_device - on_cpu).abs().max())


def _output_difference(example: _Example, device: torch.device) -> float:
    """Largest difference between outputs of a net here and on the CPU, relative to the largest output, in float32."""
    net = _excited_net(example).eval()
    x = sample_noise(0, torch.arange(4), 0, (1, example.size, example.size), CPU)
    i = torch.tensor([1, 10, 100, 900])
    with torch.inference_mode():
        on_cpu = predictor(net, "fp32")(x, i)
        on_device = predictor(net.to(device), "fp32")(x.to(device), i.to(device)).cpu()
    return float((on_device - on_cpu).abs().max() / on_cpu.abs().max())


def _excited_net(example: _Example) -> nn.Module:
    """The net of an example; a fresh one ends in near-zero layers, whose outputs would agree with anything."""
    net = build_net(example.config, channels=1, size=example.size)
    draws = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=draws))
    return net


def _flops_of_image(net: nn.Module, size: int) -> int:
    """Of one image through both passes of a net, two a multiply-add."""
    x, i = torch.zeros(1, 1, size, size), torch.zeros(1, dtype=torch.int64)
    with FlopCounterMode(display=False) as counter:
        net(x, i).sum().backward()
    return int(counter.get_total_flops())
