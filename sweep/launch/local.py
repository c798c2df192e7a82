"""Workers on this machine: place them, keep their words, pass signals on. What they do is the store's decision."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sweep.errors import UsageError


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

    def __init__(self, study: str, storage: str, files: str, say: Callable[[str], None]) -> None:
        self._study = study
        # By environment, not by argument: a process list shows arguments, and the URL may hold a password.
        self._environment = os.environ | {"SWEEP_STORAGE": storage, "SWEEP_FILES": files}
        self._say = say
        self._running: list[subprocess.Popen[str]] = []
        self._readers: list[threading.Thread] = []

    def start(self, places: Sequence[Slot]) -> None:
        """Start one worker a place."""
        for slot in places:
            process = subprocess.Popen(
                [sys.executable, "-m", "sweep", "worker", "--study", self._study, "--device", slot.device,
                 "--threads", str(slot.threads), "--with-parent"],
                env=self._environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                start_new_session=True,  # Ctrl-C reaches the launcher alone, which passes it on once
            )  # fmt: skip
            self._running.append(process)
            reader = threading.Thread(target=self._read, args=(process,), daemon=True)
            reader.start()
            self._readers.append(reader)

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            self._say(line.rstrip("\n"))

    @property
    def alive(self) -> int:
        """Workers still running."""
        return sum(process.poll() is None for process in self._running)

    @property
    def exit_codes(self) -> list[int]:
        """Of the workers that have ended."""
        return [code for process in self._running if (code := process.poll()) is not None]

    def signal(self, number: int) -> None:
        """Pass a signal on to every worker."""
        for process in self._running:
            if process.poll() is None:
                process.send_signal(number)

    def join(self) -> None:
        """Wait for all, and for their last lines."""
        for process in self._running:
            process.wait()
        for reader in self._readers:
            reader.join(5.0)
