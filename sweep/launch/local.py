"""Workers on this machine: place them, keep their words, pass signals on. What they do is the store's decision."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass

from sweep.errors import UsageError
from sweep.launch.kept import KeptWorker, Say
from sweep.launch.placement import Assignment, NoOptions, options_of


@dataclass(frozen=True)
class Slot:
    """A place for one worker."""

    device: str
    threads: int


def cores() -> int:
    """CPU cores that this process may use: affinity, the container's quota, and what a Slurm task asked for."""
    from joblib import cpu_count

    # A cluster that does not bind tasks to cores shows a task all of its node's.
    asked = os.environ.get("SLURM_CPUS_PER_TASK", "")
    return min(cpu_count(), int(asked)) if asked.isdigit() and int(asked) > 0 else int(cpu_count())


def gpus() -> list[str]:
    """GPUs of this machine as torch names them, within CUDA_VISIBLE_DEVICES; asked without loading torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [f"cuda:{index}" for index, name in enumerate(visible.split(",")) if name.strip() not in ("", "-1")]
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    listed = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=30, check=False)
    return [f"cuda:{index}" for index, _ in enumerate(listed.stdout.splitlines())] if listed.returncode == 0 else []


def slots(device: str, workers: int | None, *, work: int) -> list[Slot]:
    """Where workers go: one a GPU, or one a core on the CPU, never more than there is work.

    One thread a worker is the fastest use of cores by small nets; a single run gets them all.

    Raises:
        UsageError: no such device.
    """
    found = gpus()
    if device == "auto":
        device = "cuda" if found else "cpu"
    if device.startswith("cuda"):
        if not found:
            raise UsageError("there is no CUDA GPU here", why="nvidia-smi lists none.", next="Use --device cpu.")
        devices = found if device == "cuda" else [device]
        count = workers or min(len(devices), max(work, 1))
        return [Slot(devices[index % len(devices)], max(1, cores() // count)) for index in range(count)]
    if device != "cpu":
        raise UsageError(f"device {device!r} is not known", next="Use auto, cpu, cuda or cuda:0.")
    count = workers or max(1, min(cores(), work))
    return [Slot("cpu", max(1, cores() // count))] * count


class LocalWorkers:
    """Worker processes of this command. Their lines of progress are handed to `say`."""

    outlives = False
    whereabouts = "here"

    def __init__(self, assignment: Assignment, say: Say) -> None:
        options_of(NoOptions, assignment.options)
        environment = os.environ | assignment.environment
        self._workers = [
            KeptWorker(
                ["--study", assignment.study, "--device", slot.device, "--threads", str(slot.threads)], environment, say
            )
            for slot in slots(assignment.device, assignment.workers, work=assignment.work)
        ]

    def start(self) -> None:
        """Start one worker a place."""
        for worker in self._workers:
            worker.start()

    @property
    def alive(self) -> int:
        """Workers still running."""
        return sum(worker.poll() is None for worker in self._workers)

    @property
    def exit_codes(self) -> list[int]:
        """Of the workers that have ended."""
        return [code for worker in self._workers if (code := worker.poll()) is not None]

    def drain(self) -> None:
        """Every worker saves and leaves."""
        self._signal(signal.SIGTERM)

    def stop(self) -> None:
        """Every worker is killed."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        for worker in self._workers:
            worker.signal(number)

    def join(self) -> None:
        """Wait for all, and for their last lines."""
        for worker in self._workers:
            worker.join()
