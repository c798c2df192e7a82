"""Random faults, drawn from a seed, on a real small study with four workers; at the end nothing may have happened."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from multiprocessing.process import BaseProcess

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from sweep.store import Store, artifacts, rerun, status
from sweep.store.records import StudyRecord
from tests.faults.processes import QUICK, Workers, children_of, kill_tree

WORKERS = 4
TIMING = replace(QUICK, lease=4.0, heartbeat=0.5)

Fault = Callable[["Chaos", BaseProcess], None]


class Chaos:
    """A study under attack."""

    def __init__(self, store: Store, study: StudyRecord, workers: Workers, seed: int) -> None:
        self.store, self.study, self.workers = store, study, workers
        self.draws = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.asleep: list[tuple[float, int]] = []

    def attack(self, faults: int, *, pause: tuple[float, float] = (0.05, 1.0)) -> None:
        """That many faults, as long as there is work; then let it end in peace."""
        while sum(self.done.values()) < faults and self._left():
            self._keep_four()
            time.sleep(self.draws.uniform(*pause))
            name = self.draws.choice(sorted(FAULTS))
            alive = [worker for worker in self.workers.running if worker.is_alive()]
            if alive:
                FAULTS[name](self, self.draws.choice(alive))
                self.done[name] += 1
            self._wake(time.monotonic())
        self._wake(float("inf"))

    def settle(self) -> None:
        """Run to the end; what lost four workers in a row without progress is planned again, as a person would."""
        for _ in range(5):
            while self._left():
                self._keep_four()
                time.sleep(0.2)
            if not rerun(self.store, self.study.id, ["crash_loop", "infra"]):
                return
        raise AssertionError("work fails again and again with nobody attacking it")

    def _left(self) -> int:
        now = status(self.store, self.study.id)
        return now.runs_left + now.scores_left

    def _keep_four(self) -> None:
        for _ in range(WORKERS - sum(worker.is_alive() for worker in self.workers.running)):
            self.workers.start()

    def _wake(self, until: float) -> None:
        for moment, pid in list(self.asleep):
            if moment <= until:
                self.asleep.remove((moment, pid))
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)


def kill_worker(_: Chaos, worker: BaseProcess) -> None:
    """The worker alone: its trial process must follow."""
    worker.kill()


def kill_both(_: Chaos, worker: BaseProcess) -> None:
    """As the power goes."""
    kill_tree(worker)


def kill_trial(_: Chaos, worker: BaseProcess) -> None:
    """As the kernel does when memory runs out."""
    for pid in children_of(worker.pid or 0):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def preempt(_: Chaos, worker: BaseProcess) -> None:
    """As a scheduler does."""
    worker.terminate()


def freeze(chaos: Chaos, worker: BaseProcess) -> None:
    """Worker and trial process stand still, often past the lease, and go on."""
    until = time.monotonic() + chaos.draws.uniform(0.5, 2.0 * TIMING.lease)
    for pid in (worker.pid or 0, *children_of(worker.pid or 0)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            chaos.asleep.append((until, pid))


def cut(chaos: Chaos, worker: BaseProcess) -> None:
    """Every connection to the server is cut; SQLite has none, so there the file is locked for a moment."""
    if chaos.store.engine.dialect.name == "sqlite":
        chaos.store.write(lambda _: time.sleep(0.5))
        return
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    with suppress(DBAPIError), chaos.store.engine.connect() as connection:
        connection.execute(text(others + " AND pid <> pg_backend_pid()"))


def spoil(chaos: Chaos, worker: BaseProcess) -> None:
    """A bit of the newest checkpoint flips."""
    found = [artifact for artifact in artifacts(chaos.store) if artifact.kind == "checkpoint"]
    if found:
        path = chaos.workers.how.files.folder / max(found, key=lambda artifact: (artifact.step, artifact.path)).path
        with suppress(FileNotFoundError):
            content = bytearray(path.read_bytes())
            content[chaos.draws.randrange(len(content))] ^= 1
            path.write_bytes(content)


FAULTS: dict[str, Fault] = {
    "kill_worker": kill_worker,
    "kill_both": kill_both,
    "kill_trial": kill_trial,
    "preempt": preempt,
    "freeze": freeze,
    "cut": cut,
    "spoil": spoil,
}
