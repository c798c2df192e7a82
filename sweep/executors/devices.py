"""The cores, GPUs and memory of this machine, determined without loading torch."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from sweep.executors.cuda_driver import cuda_driver, free_memory
from sweep.executors.packing import DeviceMemory

MPS = "nvidia-cuda-mps-control"


def cores() -> int:
    """CPU cores that this process may use: the least of affinity, container quota and Slurm task."""
    from joblib import cpu_count

    # Where a cluster does not bind tasks to cores, a task sees all cores of its node.
    slurm_cpus = os.environ.get("SLURM_CPUS_PER_TASK", "")
    return min(cpu_count(), int(slurm_cpus)) if slurm_cpus.isdigit() and int(slurm_cpus) > 0 else int(cpu_count())


def gpus() -> list[str]:
    """GPUs that this process may use, by torch's names (`cuda:0`, ...)."""
    return [f"cuda:{device.index}" for device in cuda_driver().devices]


def gpu(device: str) -> tuple[str | None, DeviceMemory | None]:
    """Model and memory of a GPU.

    Args:
        device: torch's name of the GPU: `cuda` or `cuda:1`.

    Returns:
        The model and the memory; None for what the driver does not report.
    """
    index = int(device.partition(":")[2] or 0)
    known = {each.index: each for each in cuda_driver().devices}
    return (known[index].name, free_memory(known[index])) if index in known else (None, None)


def memory_of_machine() -> DeviceMemory | None:
    """Memory of this machine, or of the container where that has less; None where the system does not report it."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    fields = {line.partition(":")[0]: 1024 * int(line.split()[1]) for line in lines if line.endswith("kB")}
    free, total = fields["MemAvailable"], fields["MemTotal"]
    try:
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text())
        free = min(free, limit - int((group / "memory.current").read_text()))
    except (OSError, ValueError):  # no container, or one without a limit
        return DeviceMemory(free, total)
    return DeviceMemory(max(0, free), min(total, limit))


def has_mps() -> bool:
    """Whether NVIDIA MPS is installed, the daemon with which processes use a GPU at the same time."""
    return shutil.which(MPS) is not None
