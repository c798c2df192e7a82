"""Random faults, drawn from a seed, on two real small studies with two workers each: at the end nothing has happened.

What is done to processes, files and connections is here; what people do to a study is in `chaos_control.py`.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.process import BaseProcess
from pathlib import Path

from sqlalchemy import Table, func, select, text
from sqlalchemy.exc import DBAPIError

from sweep.store import Store, artifacts, events
from sweep.store.queries.views import work_left
from sweep.store.queue.leases import MAX_CRASHES
from sweep.store.records import StudyRecord
from sweep.store.sql.schema import RUN, SCORE, WorkColumns
from sweep.store.states import EventKind
from sweep.store.studies.retraining import MAX_RETRAININGS
from tests.helpers.backup import Backup
from tests.helpers.worker_processes import QUICK, Workers, children_of, kill_tree, stopped_outside_a_transaction

WORKERS_EACH = 2
TIMING = replace(QUICK, lease=4.0, heartbeat=0.5)


@dataclass
class Attacked:
    """A study, its workers, and what people have decided about it so far.

    Attributes:
        extensions: How often it was given more to do.
        excluded: Whether one of its cells was left out.
        changed_at: When there was last something new to do: a worker that ended before knew nothing of it.
    """

    study: StudyRecord
    workers: Workers
    extensions: int = 0
    excluded: bool = False
    changed_at: float = 0.0
    born: list[tuple[float, BaseProcess]] = field(default_factory=list)

    @property
    def alive(self) -> list[BaseProcess]:
        """Its workers that run."""
        return [worker for worker in self.workers.running if worker.is_alive()]

    def start(self) -> None:
        """One more worker."""
        self.born.append((time.monotonic(), self.workers.start()))

    def is_done(self, store: Store) -> bool:
        """Whether a worker found nothing more to do. That nothing is open is not enough: a search may ask for more."""
        told = any(worker.exitcode == 0 for born, worker in self.born if born > self.changed_at)
        return told and work_left(store, self.study.id).nothing

    def change(self) -> None:
        """Somebody gave it something to do."""
        self.changed_at = time.monotonic()


Fault = Callable[["Chaos", Attacked], bool]


@dataclass
class Chaos:
    """Studies under attack.

    A fault does something to one of them, and is true unless there was nothing to do it to.
    """

    store: Store
    attacked: list[Attacked]
    seed: int
    faults: dict[str, Fault]
    done: Counter[str] = field(default_factory=Counter)
    saved: tuple[Backup, list[tuple[int, bool]]] | None = None

    def __post_init__(self) -> None:
        self.draws = random.Random(self.seed)
        self.asleep: list[tuple[float, int]] = []

    def attack(self, faults: int, give_work: Callable[[], None], *, pause: tuple[float, float] = (0.05, 1.0)) -> None:
        """Provoke that many faults, and leave the studies to end in peace.

        Args:
            faults: How many.
            give_work: Gives at least one study more to do; called when all have ended before the last fault.
            pause: Shortest and longest time between two faults, seconds.
        """
        while self.done.total() < faults:
            if not (left := self._left()):
                give_work()
                continue
            self._keep_workers(left)
            time.sleep(self.draws.uniform(*pause))
            name = self.draws.choice(sorted(self.faults))
            if self.faults[name](self, self.draws.choice(left)):
                self.done[name] += 1
            self._wake(time.monotonic())
        self._wake(float("inf"))

    def settle(self) -> None:
        """Run to the end. Nothing is planned again by hand: no work of these studies ever fails."""
        while left := self._left():
            self._keep_workers(left)
            time.sleep(0.2)
        for each in self.attacked:
            for worker in each.workers.running:
                worker.join(60)

    def kill_all(self) -> None:
        """As when the power goes in the whole house."""
        for each in self.attacked:
            for worker in each.workers.running:
                kill_tree(worker)
        self.asleep.clear()

    def one_of(self, each: Attacked) -> BaseProcess | None:
        """A worker of a study, if one runs."""
        return self.draws.choice(each.alive) if each.alive else None

    def _left(self) -> list[Attacked]:
        return [each for each in self.attacked if not each.is_done(self.store)]

    def _keep_workers(self, left: list[Attacked]) -> None:
        for each in left:
            for _ in range(WORKERS_EACH - len(each.alive)):
                each.start()

    def _wake(self, until: float) -> None:
        for moment, pid in list(self.asleep):
            if moment <= until:
                self.asleep.remove((moment, pid))
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)


def kill_worker(chaos: Chaos, each: Attacked) -> bool:
    """The worker alone: its trial process must follow."""
    if worker := chaos.one_of(each):
        worker.kill()
    return worker is not None


def kill_both(chaos: Chaos, each: Attacked) -> bool:
    """As the power goes."""
    if worker := chaos.one_of(each):
        kill_tree(worker)
    return worker is not None


def kill_trial(chaos: Chaos, each: Attacked) -> bool:
    """As the kernel does when memory runs out; less often in a row than fails a run that gets no further meanwhile."""
    if any(_crashes(chaos, table) >= MAX_CRASHES - 1 for table in (RUN, SCORE)):
        return False
    worker = chaos.one_of(each)
    for pid in children_of(worker.pid or 0) if worker else ():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return worker is not None


def _crashes(chaos: Chaos, table: Table[WorkColumns]) -> int:
    """The most failed attempts in a row at any work that is not over."""
    most = select(func.max(table.c.crashes)).where(table.c.finished_at.is_(None))
    return chaos.store.read(lambda connection: connection.scalar(most)) or 0


def preempt(chaos: Chaos, each: Attacked) -> bool:
    """As a scheduler does."""
    if worker := chaos.one_of(each):
        worker.terminate()
    return worker is not None


def hang_up(chaos: Chaos, each: Attacked) -> bool:
    """As a terminal that closes does, which says it twice."""
    worker = chaos.one_of(each)
    for _ in range(2 if worker else 0):
        with suppress(ProcessLookupError):
            os.kill(worker.pid or 0, signal.SIGHUP)
    return worker is not None


def freeze(chaos: Chaos, each: Attacked) -> bool:
    """Worker and trial process stand still, often past the lease, and go on."""
    until = time.monotonic() + chaos.draws.uniform(0.5, 2.0 * TIMING.lease)
    worker = chaos.one_of(each)
    pids = [worker.pid or 0, *children_of(worker.pid or 0)] if worker else []
    with suppress(ProcessLookupError):
        if pids and stopped_outside_a_transaction(chaos.store, pids):
            chaos.asleep += [(until, pid) for pid in pids]
            return True
    return False


def cut(chaos: Chaos, _: Attacked) -> bool:
    """Every connection to the server is cut; SQLite has none, so there the file is locked for a moment."""
    if chaos.store.engine.dialect.name == "sqlite":
        chaos.store.write(lambda _: time.sleep(0.5))
        return True
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    with suppress(DBAPIError), chaos.store.engine.connect() as connection:
        connection.execute(text(others + " AND pid <> pg_backend_pid()"))
    return True


def restore(chaos: Chaos, _: Attacked) -> bool:
    """The database of some time ago is put back; the files are those of now. Before that, it is saved."""
    if chaos.saved is None:
        chaos.saved = Backup(chaos.store), [(each.extensions, each.excluded) for each in chaos.attacked]
        return False
    backup, decided = chaos.saved
    chaos.kill_all()
    backup.restore(chaos.store)
    for each, (extensions, excluded) in zip(chaos.attacked, decided, strict=True):
        each.extensions, each.excluded = extensions, excluded
        each.change()
    chaos.saved = None
    return True


def spoil_checkpoint(chaos: Chaos, each: Attacked) -> bool:
    """The newest checkpoint is damaged."""
    found = [artifact for artifact in artifacts(chaos.store) if artifact.kind == "checkpoint"]
    if not found:
        return False
    newest = max(found, key=lambda artifact: (artifact.step, artifact.path))
    return _damage(chaos, each.workers.how.files.folder / newest.path)


def lose_weights(chaos: Chaos, each: Attacked) -> bool:
    """The weights of a trained run are damaged or gone; less often than makes a folder one that keeps nothing."""
    again = Counter(event.run_id for event in events(chaos.store, limit=100_000) if event.kind == EventKind.RETRAINED)
    found = [artifact for artifact in artifacts(chaos.store) if artifact.kind == "weights"]
    if not found or max(again.values(), default=0) >= MAX_RETRAININGS - 1:
        return False
    return _damage(chaos, each.workers.how.files.folder / chaos.draws.choice(found).path)


def damage_cache(chaos: Chaos, each: Attacked) -> bool:
    """A file of the extractor or of a reference is damaged or gone."""
    folder = each.workers.how.files.folder
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and is_cache(path.relative_to(folder))]
    return bool(found) and _damage(chaos, chaos.draws.choice(found))


def is_cache(path: Path) -> bool:
    """Whether a file can be made again by whoever misses it."""
    return path.parts[0] not in ("runs", "said.txt") and path.suffix != ".lock"


def _damage(chaos: Chaos, path: Path) -> bool:
    try:
        content = bytearray(path.read_bytes())
        how = chaos.draws.choice(("flip", "cut short", "delete"))
        if how == "delete" or not content:
            path.unlink()
            return True
        place = chaos.draws.randrange(len(content))
        content[place] ^= 1
        path.write_bytes(content if how == "flip" else content[:place])
    except FileNotFoundError:
        return False
    return True


FAULTS: dict[str, Fault] = {
    "kill_worker": kill_worker,
    "kill_both": kill_both,
    "kill_trial": kill_trial,
    "preempt": preempt,
    "hang_up": hang_up,
    "freeze": freeze,
    "cut": cut,
    "restore": restore,
    "spoil_checkpoint": spoil_checkpoint,
    "lose_weights": lose_weights,
    "damage_cache": damage_cache,
}
