"""Workers on this machine: place them, keep their words, pass signals on. What they do is the store's decision."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

from sweep.errors import UsageError
from sweep.executors.devices import MPS, cores, gpus, has_mps
from sweep.executors.placement import AUTO, Assignment, NoOptions, Pack, options_of
from sweep.executors.supervised import Say, SupervisedWorker


@dataclass(frozen=True)
class Slot:
    """A place for one worker."""

    device: str
    threads: int


def slots(device: str, workers: int | None, *, work: int, pack: Pack | None = None) -> list[Slot]:
    """Where workers go: `pack` on each device, never more than there is work.

    Without `pack` that is one a GPU, or one a core on the CPU: one thread a worker is the fastest use of cores by small
    nets; a single run gets them all. With `auto` one a device begins, and has the threads that it would have if every
    core had a worker: how many threads a worker has decides the last bits of its numbers, so it never changes.

    Args:
        device: auto, cpu, cuda or cuda:0.
        workers: In all, on all devices in turn; None for as many as fit.
        work: Trainings that are planned.
        pack: Workers a device.

    Raises:
        UsageError: no such device.
    """
    devices = _devices(device)
    if pack == AUTO:
        each = most_by_cores(len(devices), work)
        return [Slot(name, max(1, cores() // (len(devices) * each))) for name in devices[: max(1, work)]]
    usual = cores() if devices == ["cpu"] else 1
    count = workers or max(1, min(len(devices) * (pack or usual), work))
    return [Slot(devices[index % len(devices)], max(1, cores() // count)) for index in range(count)]


def most_by_cores(devices: int, work: int) -> int:
    """Workers a device, such that each has a core and each has work."""
    return max(1, min(cores(), work) // devices)


def _devices(device: str) -> list[str]:
    found = gpus()
    if device == "auto":
        device = "cuda" if found else "cpu"
    if device.startswith("cuda"):
        if not found:
            raise UsageError("there is no CUDA GPU here", why="nvidia-smi lists none.", next="Use --device cpu.")
        return found if device == "cuda" else [device]
    if device != "cpu":
        raise UsageError(f"device {device!r} is not known", next="Use auto, cpu, cuda or cuda:0.")
    return [device]


class LocalWorkers:
    """Worker processes of this command. Their lines of progress are handed to `say`."""

    detached = False
    monitor_hint = "here"

    def __init__(self, assignment: Assignment, say: Say) -> None:
        options_of(NoOptions, assignment.options)
        self._assignment, self._say = assignment, say
        self._slots = slots(assignment.device, assignment.workers, work=assignment.work, pack=assignment.pack)
        self._workers = [self._placed(slot) for slot in self._slots]

    def _placed(self, slot: Slot) -> SupervisedWorker:
        arguments = ["--study", self._assignment.study, "--device", slot.device, "--threads", str(slot.threads)]
        return SupervisedWorker(arguments, os.environ | self._assignment.environment, self._say)

    def start(self) -> None:
        """Start one worker a place."""
        if self._assignment.pack is not None and self._slots[0].device != "cpu" and has_mps():
            # Ours to say, not to start: one daemon serves a machine, and it outlives those who use it.
            self._say(f"workers of a GPU take turns on it; under CUDA MPS, installed here, they run at once: {MPS} -d")
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
