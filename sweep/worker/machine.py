"""What a trial process runs on."""

from __future__ import annotations

import platform
import resource
import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import torch

from sweep.worker.memory import keep_freed_memory
from sweep.worker.source import source_state


def set_up(name: str, threads: int) -> torch.device:
    """Once a process: threads and device, which decide the last bits of everything, and memory, which decides none."""
    keep_freed_memory()
    torch.set_num_threads(threads)
    device = torch.device(name)
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.cuda.synchronize()  # the context is made now, so that a bad device fails at the start
    return device


class PeakMemory:
    """The most memory that this process has taken since it was made: what torch reserved on a GPU, else resident bytes.

    A device's context and the worker beside its trial process are not in it.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        else:
            with suppress(OSError):  # elsewhere, and where it is forbidden, the peak is of the whole process
                Path("/proc/self/clear_refs").write_text("5")

    @property
    def bytes(self) -> int:
        """So far."""
        if self._device.type == "cuda":
            return torch.cuda.max_memory_reserved(self._device)
        try:
            lines = Path("/proc/self/status").read_text().splitlines()
            return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
        except (OSError, StopIteration):
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            return most if sys.platform == "darwin" else 1024 * most


def environment(device: torch.device) -> dict[str, object]:
    """What results may depend on and no key holds: hardware, versions, the state of the source."""
    names = ("torch", "torchvision", "torch-fidelity", "numpy", "optuna", "sqlalchemy")
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_name(),
        "gpu": gpu,
        "cuda": torch.version.cuda if gpu else None,
        "threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in names},
        "source": source_state(),
    }


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
