"""`--pack auto`: local workers that grow in number while their devices do more for it."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from functools import cached_property

from sweep.errors import StoreError
from sweep.executors.devices import gpu, memory_of_machine
from sweep.executors.local import LocalWorkers, Slot, most_by_cores
from sweep.executors.packing import DeviceMemory, most_that_fit, worth
from sweep.executors.placement import Assignment
from sweep.executors.supervised import Say, SupervisedWorker
from sweep.store.opening import open_existing
from sweep.store.queue.device_load import DeviceUse, device_use
from sweep.store.sql.transaction import Store
from sweep.store.studies.studies import study as find
from sweep.worker.identity import host

# How often devices are looked at. A worker takes some seconds to start, and a point of a curve as long.
LOOK_SECONDS = 2.0


class PackedWorkers(LocalWorkers):
    """One worker a device until a first run was trained and scored there; then one more at a time.

    Another is added where its memory fits (`packing.most_that_fit`) and where it may pay (`packing.worth`). One that
    was seen not to pay saves and leaves, and another goes on with its run; that device is then left as it is. What was
    measured is in the store: the next launch begins with it.
    """

    def __init__(self, assignment: Assignment, say: Say) -> None:
        super().__init__(assignment, say)
        self._on = [[worker] for worker in self._workers]
        self._most = most_by_cores(len(self._slots), assignment.work)
        self._settled: set[int] = set()
        self._retired: list[SupervisedWorker] = []
        self._asked = False
        self._look_at = time.monotonic()

    @cached_property
    def _store(self) -> Store:
        return open_existing(self._assignment.storage, patience_seconds=0.0)

    @property
    def alive(self) -> int:
        """Workers still running; now and then, one more."""
        if not self._asked and time.monotonic() >= self._look_at:
            with suppress(StoreError):  # the workers wait for a store that is away; packing does not
                self._fit()
            self._look_at = time.monotonic() + LOOK_SECONDS
        return super().alive

    @property
    def exit_codes(self) -> list[int]:
        """Of the workers that have ended, but for those that were told to."""
        kept = [worker for worker in self._workers if worker not in self._retired]
        return [code for worker in kept if (code := worker.poll()) is not None]

    def _signal(self, number: int) -> None:
        self._asked = True
        super()._signal(number)

    def _fit(self) -> None:
        if self.exit_codes:
            return  # one has found nothing left to do, or has broken down: no reason to start others
        for place, slot in enumerate(self._slots):
            if place not in self._settled:
                self._fit_device(place, slot)

    def _fit_device(self, place: int, slot: Slot) -> None:
        workers = self._on[place]
        use, memory = self._seen(slot.device)
        if not use.piloted or use.peak_bytes is None or memory is None:
            return
        live = len(workers)
        room = most_that_fit(memory, live=live, peak_bytes=use.peak_bytes, device=slot.device)
        best = worth(use.speeds, most=min(room, self._most))
        if best > live:
            self._say(f"{slot.device}: worker {live + 1}, each takes at most {use.peak_bytes / 2**30:.1f} GiB")
            workers.append(self._placed(slot))
            self._workers.append(workers[-1])
            workers[-1].start()
        elif best < live:
            self._say(f"{slot.device}: {live} workers do no more than {best}: one saves and leaves")
            self._retired.append(workers.pop())
            self._retired[-1].signal(signal.SIGTERM)
            self._settled.add(place)

    def _seen(self, device: str) -> tuple[DeviceUse, DeviceMemory | None]:
        name, memory = (None, memory_of_machine()) if device == "cpu" else gpu(device)
        study = find(self._store, self._assignment.study)
        return device_use(self._store, study.id, device=device, host=host(), gpu=name), memory
