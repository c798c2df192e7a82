"""Workers on this machine: start them, log their lines, forward signals. The store decides what they work on."""

from __future__ import annotations

import logging
import os
import signal
from dataclasses import dataclass

from sweep.errors import UnknownName, UsageError
from sweep.executors.cuda_driver import cuda_driver
from sweep.executors.devices import MPS, cores, gpus, has_mps
from sweep.executors.placement import AUTO, Assignment, NoOptions, Pack, options_of
from sweep.executors.supervised import SupervisedWorker

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Slot:
    """The device and the threads of one worker.

    Attributes:
        device: `cpu` or `cuda:0`.
        threads: CPU threads.
    """

    device: str
    threads: int


def slots(device: str, workers: int | None, *, work: int, pack: Pack | None = None) -> list[Slot]:
    """The slots of the workers: `pack` for each device, and never more than there is work.

    - Without `pack` there is one slot for each GPU, or for each core of the CPU. With one thread for each worker small
      nets use the cores best; a single run gets all cores.
    - With `auto` one worker starts on each device, with the threads that it would have if every core had a worker. The
      number of threads decides the last bits of a worker's numbers, so it never changes.

    Args:
        device: `auto`, `cpu`, `cuda` or `cuda:0`.
        workers: Number of workers in all, distributed over the devices in turn; None for as many as there are slots.
        work: Number of planned trainings.
        pack: Workers for each device.

    Raises:
        UsageError: There is no such device.
    """
    devices = _devices(device)
    if pack == AUTO:
        per_device = max_by_cores(len(devices), work)
        return [Slot(name, max(1, cores() // (len(devices) * per_device))) for name in devices[: max(1, work)]]
    default = cores() if devices == ["cpu"] else 1
    count = workers or max(1, min(len(devices) * (pack or default), work))
    return [Slot(devices[index % len(devices)], max(1, cores() // count)) for index in range(count)]


def max_by_cores(devices: int, work: int) -> int:
    """The most workers for each device such that each worker has a core and a training.

    Args:
        devices: Number of devices.
        work: Number of planned trainings.
    """
    return max(1, min(cores(), work) // devices)


def _devices(device: str) -> list[str]:
    gpu_names = gpus()
    if device == "auto":
        device = "cuda" if gpu_names else "cpu"
    if device.startswith("cuda"):
        if not gpu_names:
            raise UsageError("this machine has no CUDA GPU", why=cuda_driver().problem, next="Use --device cpu.")
        if device != "cuda" and device not in gpu_names:
            raise UsageError(
                f"this process may use no {device}",
                why=f"It may use {', '.join(gpu_names)}; CUDA_VISIBLE_DEVICES hides others and numbers from 0.",
                next="Use --device cuda for all of them.",
            )
        return gpu_names if device == "cuda" else [device]
    if device != "cpu":
        raise UnknownName("device", device, ("auto", "cpu", "cuda", "cuda:0"), next="Use auto, cpu, cuda or cuda:0.")
    return [device]


class LocalWorkers:
    """Worker processes that the launching process starts. Their lines are logged.

    Args:
        assignment: The workers to start.

    Raises:
        UsageError: There is no such device, or an option was given: this executor has none.
    """

    detached = False
    monitor_hint = "here"

    def __init__(self, assignment: Assignment) -> None:
        options_of(NoOptions, assignment.options)
        self._assignment = assignment
        self._slots = slots(assignment.device, assignment.workers, work=assignment.work, pack=assignment.pack)
        self._workers = [self._new_worker(slot) for slot in self._slots]

    def _new_worker(self, slot: Slot) -> SupervisedWorker:
        arguments = ["--study", self._assignment.study, "--device", slot.device, "--threads", str(slot.threads)]
        return SupervisedWorker(arguments, os.environ | self._assignment.environment)

    def start(self) -> None:
        """Start one worker for each slot."""
        if self._assignment.pack is not None and self._slots[0].device != "cpu" and has_mps():
            # Only a hint, because one daemon serves the whole machine, and it continues after this process.
            logger.info(
                "the workers on a GPU take turns; with CUDA MPS, which is installed, they run at the same time: %s -d",
                MPS,
            )
        for worker in self._workers:
            worker.start()

    @property
    def alive(self) -> int:
        """Number of workers that still run."""
        return sum(worker.poll() is None for worker in self._workers)

    @property
    def exit_codes(self) -> list[int]:
        """Exit codes of the workers that have ended."""
        return [code for worker in self._workers if (code := worker.poll()) is not None]

    def drain(self) -> None:
        """Ask every worker to save and exit."""
        self._signal(signal.SIGTERM)

    def stop(self) -> None:
        """Kill every worker."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        for worker in self._workers:
            worker.signal(number)

    def join(self) -> None:
        """Wait for the end of all workers, and for their last lines."""
        for worker in self._workers:
            worker.join()
