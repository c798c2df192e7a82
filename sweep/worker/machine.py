"""The machine that a trial process runs on: device, threads, peak memory, versions."""

from __future__ import annotations

import platform
import resource
import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import torch

from sweep.nets.arithmetic import float32_products_in_use, use_float32_products
from sweep.worker.memory import keep_freed_memory
from sweep.worker.source import source_state


def set_up(name: str, threads: int) -> torch.device:
    """Set threads, device and memory allocation; called once in a process.

    Threads, device and arithmetic decide the last bits of every number; the memory allocation changes none. Float32
    products are real ones, as on a CPU, except inside nets whose precision is another.

    Args:
        name: Device as torch names it.
        threads: CPU threads for torch.
    """
    keep_freed_memory()
    use_float32_products("ieee")
    torch.set_num_threads(threads)
    device = torch.device(name)
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.cuda.synchronize()  # makes the context now, so that an unusable device fails at the start
    return device


class PeakMemory:
    """Peak memory of this process since this object was made: what torch has reserved on a GPU, else resident memory.

    It leaves out the context of a GPU, and the worker process beside the trial process.

    Args:
        device: Device whose memory counts.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        else:
            with suppress(OSError):  # not Linux, or forbidden: then the peak is that since the process started
                Path("/proc/self/clear_refs").write_text("5")

    @property
    def bytes(self) -> int:
        """The peak so far, in bytes."""
        if self._device.type == "cuda":
            return torch.cuda.max_memory_reserved(self._device)
        try:
            lines = Path("/proc/self/status").read_text().splitlines()
            return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
        except (OSError, StopIteration):
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            return peak if sys.platform == "darwin" else 1024 * peak


def environment(device: torch.device) -> dict[str, object]:
    """What numbers may depend on beside their keys: hardware, versions, the state of the source code.

    Args:
        device: Device on which the process computes.
    """
    names = ("torch", "torchvision", "torch-fidelity", "numpy", "optuna", "sqlalchemy")
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_name(),
        "gpu": gpu,
        "cuda": torch.version.cuda if gpu else None,
        "threads": torch.get_num_threads(),
        "float32_products": float32_products_in_use(),
        "versions": {name: version(name) for name in names},
        "source": source_state(),
    }


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
