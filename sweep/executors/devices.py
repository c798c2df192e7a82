"""What this machine has: cores, GPUs, memory; asked without loading torch."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from sweep.executors.packing import DeviceMemory

MEGA = 2**20
MPS = "nvidia-cuda-mps-control"


def cores() -> int:
    """CPU cores that this process may use: affinity, the container's quota, and what a Slurm task asked for."""
    from joblib import cpu_count

    # A cluster that does not bind tasks to cores shows a task all of its node's.
    asked = os.environ.get("SLURM_CPUS_PER_TASK", "")
    return min(cpu_count(), int(asked)) if asked.isdigit() and int(asked) > 0 else int(cpu_count())


def gpus() -> list[str]:
    """GPUs of this machine as torch names them, within CUDA_VISIBLE_DEVICES."""
    visible = _visible()
    if visible is not None:
        return [f"cuda:{index}" for index, _ in enumerate(visible)]
    listed = _driver("-L")
    return [f"cuda:{index}" for index, _ in enumerate(listed or ())]


def gpu(device: str) -> tuple[str | None, DeviceMemory | None]:
    """Model and memory of a GPU, by torch's name for it; None where the driver does not tell.

    torch counts within CUDA_VISIBLE_DEVICES, and else as the driver does where all GPUs of a machine are alike.
    """
    index, visible = int(device.partition(":")[2] or 0), _visible()
    which = str(index) if visible is None else visible[index]
    told = _driver(f"--id={which}", "--query-gpu=name,memory.free,memory.total", "--format=csv,noheader,nounits")
    return gpu_of(told[0]) if told else (None, None)


def gpu_of(line: str) -> tuple[str, DeviceMemory | None]:
    """From the driver's `name, free MiB, total MiB`; a slice of a GPU has no numbers there."""
    name, *rest = (part.strip() for part in line.rsplit(",", 2))
    if len(rest) != 2 or not all(part.isdigit() for part in rest):
        return name, None
    free, total = (int(part) * MEGA for part in rest)
    return name, DeviceMemory(free, total)


def memory_of_machine() -> DeviceMemory | None:
    """Of this machine, or of the container where that has less; None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    told = {line.partition(":")[0]: 1024 * int(line.split()[1]) for line in lines if line.endswith("kB")}
    free, total = told["MemAvailable"], told["MemTotal"]
    try:
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text())
        free = min(free, limit - int((group / "memory.current").read_text()))
    except (OSError, ValueError):  # no container, or one without a limit
        return DeviceMemory(free, total)
    return DeviceMemory(max(0, free), min(total, limit))


def has_mps() -> bool:
    """Whether NVIDIA's daemon that lets processes share a GPU at once is installed."""
    return shutil.which(MPS) is not None


def _visible() -> list[str] | None:
    told = os.environ.get("CUDA_VISIBLE_DEVICES")
    return None if told is None else [name.strip() for name in told.split(",") if name.strip() not in ("", "-1")]


def _driver(*arguments: str) -> list[str] | None:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else None
