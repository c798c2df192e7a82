"""`--pack auto`: local workers whose number grows as long as their devices train faster with more of them."""

from __future__ import annotations

import logging
import signal
import time
from contextlib import suppress
from functools import cached_property

from sweep.errors import StoreError
from sweep.executors.devices import gpu, memory_of_machine
from sweep.executors.local import LocalWorkers, Slot, max_by_cores
from sweep.executors.packing import DeviceMemory, max_that_fit, useful_workers
from sweep.executors.placement import Assignment
from sweep.executors.supervised import SupervisedWorker
from sweep.store.opening import open_existing
from sweep.store.queue.device_load import DeviceUse, device_use
from sweep.store.sql.transaction import Store
from sweep.store.studies.studies import study as stored_study
from sweep.worker.identity import host

logger = logging.getLogger(__name__)

# Time between two decisions. A worker takes some seconds to start, and a point of its curve takes as long.
CHECK_SECONDS = 2.0


class PackedWorkers(LocalWorkers):
    """One worker for each device until a first run was trained and scored there; then one more at a time.

    A worker is added where its memory fits (`packing.max_that_fit`) and the device may then train faster
    (`packing.useful_workers`). When the device is not faster, that worker saves and exits, another one continues its
    run, and the number on this device stays. The measurements are in the store, and the next launch begins with them.

    Args:
        assignment: The workers to start.
    """

    def __init__(self, assignment: Assignment) -> None:
        super().__init__(assignment)
        self._by_slot = [[worker] for worker in self._workers]
        self._max_workers = max_by_cores(len(self._slots), assignment.work)
        self._settled: set[int] = set()
        self._retired: list[SupervisedWorker] = []
        self._stopping = False
        self._check_at = time.monotonic()

    @cached_property
    def _store(self) -> Store:
        return open_existing(self._assignment.storage, patience_seconds=0.0)

    @property
    def alive(self) -> int:
        """Number of workers that still run. Every 2 s this call also decides whether there is one more or one fewer."""
        if not self._stopping and time.monotonic() >= self._check_at:
            with suppress(StoreError):  # packing does not wait for a store that does not answer; the workers do
                self._adjust()
            self._check_at = time.monotonic() + CHECK_SECONDS
        return super().alive

    @property
    def exit_codes(self) -> list[int]:
        """Exit codes of the workers that have ended, without those that were asked to."""
        remaining = [worker for worker in self._workers if worker not in self._retired]
        return [code for worker in remaining if (code := worker.poll()) is not None]

    def _signal(self, number: int) -> None:
        self._stopping = True
        super()._signal(number)

    def _adjust(self) -> None:
        if self.exit_codes:
            return  # a worker found nothing left to do, or failed: no reason to start others
        for index, slot in enumerate(self._slots):
            if index not in self._settled:
                self._adjust_device(index, slot)

    def _adjust_device(self, index: int, slot: Slot) -> None:
        workers = self._by_slot[index]
        use, memory = self._observed(slot.device)
        if not use.has_trained_and_scored or use.peak_bytes is None or memory is None:
            return
        live = len(workers)
        room = max_that_fit(memory, live=live, peak_bytes=use.peak_bytes, device=slot.device)
        wanted = useful_workers(use.speeds, max_workers=min(room, self._max_workers))
        if wanted > live:
            gib = use.peak_bytes / 2**30
            logger.info("%s: starting worker %d; each takes at most %.1f GiB", slot.device, live + 1, gib)
            workers.append(self._new_worker(slot))
            self._workers.append(workers[-1])
            workers[-1].start()
        elif wanted < live:
            logger.info("%s: %d workers are not faster than %d: one saves and exits", slot.device, live, wanted)
            self._retired.append(workers.pop())
            self._retired[-1].signal(signal.SIGTERM)
            self._settled.add(index)

    def _observed(self, device: str) -> tuple[DeviceUse, DeviceMemory | None]:
        name, memory = (None, memory_of_machine()) if device == "cpu" else gpu(device)
        study = stored_study(self._store, self._assignment.study)
        return device_use(self._store, study.id, device=device, host=host(), gpu=name), memory
