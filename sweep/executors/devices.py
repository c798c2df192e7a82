"""The cores, GPUs and memory of this machine, determined without loading torch."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from sweep.executors.packing import DeviceMemory

MEGA = 2**20
MPS = "nvidia-cuda-mps-control"


def cores() -> int:
    """CPU cores that this process may use: the least of affinity, container quota and Slurm task."""
    from joblib import cpu_count

    # Where a cluster does not bind tasks to cores, a task sees all cores of its node.
    slurm_cpus = os.environ.get("SLURM_CPUS_PER_TASK", "")
    return min(cpu_count(), int(slurm_cpus)) if slurm_cpus.isdigit() and int(slurm_cpus) > 0 else int(cpu_count())


def gpus() -> list[str]:
    """GPUs of this machine by torch's names (`cuda:0`, ...), as far as CUDA_VISIBLE_DEVICES shows them."""
    visible = _visible()
    if visible is not None:
        return [f"cuda:{index}" for index, _ in enumerate(visible)]
    lines = _driver("-L")
    return [f"cuda:{index}" for index, _ in enumerate(lines or ())]


def gpu(device: str) -> tuple[str | None, DeviceMemory | None]:
    """Model and memory of a GPU.

    torch counts the GPUs in CUDA_VISIBLE_DEVICES; without that variable it counts as the driver does, where all GPUs of
    the machine are of one model.

    Args:
        device: torch's name of the GPU: `cuda` or `cuda:1`.

    Returns:
        The model and the memory; None for what the driver does not report.
    """
    index, visible = int(device.partition(":")[2] or 0), _visible()
    gpu_id = str(index) if visible is None else visible[index]
    fields = _driver(f"--id={gpu_id}", "--query-gpu=name,memory.free,memory.total", "--format=csv,noheader,nounits")
    return gpu_of(fields[0]) if fields else (None, None)


def gpu_of(line: str) -> tuple[str, DeviceMemory | None]:
    """Model and memory of a GPU from a line of the driver.

    Args:
        line: `name, free MiB, total MiB`; for a slice of a GPU (MIG) the numbers are missing.

    Returns:
        The model and the memory; None for missing numbers.
    """
    name, *rest = (part.strip() for part in line.rsplit(",", 2))
    if len(rest) != 2 or not all(part.isdigit() for part in rest):
        return name, None
    free, total = (int(part) * MEGA for part in rest)
    return name, DeviceMemory(free, total)


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


def _visible() -> list[str] | None:
    fields = os.environ.get("CUDA_VISIBLE_DEVICES")
    return None if fields is None else [name.strip() for name in fields.split(",") if name.strip() not in ("", "-1")]


def _driver(*arguments: str) -> list[str] | None:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    result = subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=30, check=False)
    return result.stdout.splitlines() if result.returncode == 0 else None
