"""The machine: what it is, and what it can do at most."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import torch

from sweep.worker.device_speed import product_flops
from sweep.worker.machine import environment
from sweep.worker.source import source_state

PACKAGES = ("torch", "torchvision", "diffusers", "accelerate", "denoising-diffusion-pytorch", "torch-fidelity", "numpy")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where the figures were taken."""

    device: str
    name: str
    cores: int
    threads: int
    versions: dict[str, str]
    source: dict[str, object]
    ceilings: dict[str, float]
    """FLOP/s of a large matrix product, by precision. A net may compute bf16 in fp32, so bf16 is never the lower."""

    @property
    def has_bf16(self) -> bool:
        """Whether bf16 is faster than fp32 here; CPUs without such units emulate it."""
        return self.ceilings["bf16"] > self.ceilings["fp32"]


def describe(device: torch.device, *, quick: bool) -> Machine:
    """This machine, its ceilings measured now."""
    told = environment(device)
    size = 512 if quick else 1024 if device.type == "cpu" else 8192
    fp32, bf16 = (product_flops(device, dtype, size=size) for dtype in (torch.float32, torch.bfloat16))
    return Machine(
        device=device.type,
        name=str(told["gpu"] or told["cpu"]),
        cores=len(os.sched_getaffinity(0)),
        threads=torch.get_num_threads(),
        versions={"python": platform.python_version()} | {name: installed(name) for name in PACKAGES},
        source=source_state(),
        ceilings={"fp32": fp32, "bf16": max(fp32, bf16)},
    )


def installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def wait(device: torch.device) -> None:
    """Until the device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
