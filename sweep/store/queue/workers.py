"""Worker processes: who they are, and finding out at once when one of this machine is gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from sqlalchemy import Connection, func, select, update

from sweep.redaction import clean_json
from sweep.store.queue.leases import EXPIRED_AT_ONCE, WORK
from sweep.store.records import WorkerRecord
from sweep.store.sql.clock import moment
from sweep.store.sql.schema import STUDY, WORKER
from sweep.store.sql.transaction import Store
from sweep.store.sql.upsert import insert_missing
from sweep.store.states import WorkerEnd

UNKNOWN_BOOT = "unknown"
"""The boot id on a system that cannot tell one boot, or one process table, from another."""


def register_worker(store: Store, worker: WorkerRecord) -> None:
    """Introduce a worker before its first claim. This may be repeated.

    Args:
        store: The open database.
        worker: The worker process, its machine and its device.
    """
    row = clean_json(asdict(worker))
    store.write(lambda connection: insert_missing(connection, WORKER, [row]))


def worker_seen(store: Store, worker_id: str) -> int:
    """Record that an idle worker is alive; a busy worker is seen by its heartbeats.

    Args:
        store: The open database.
        worker_id: Id of a registered worker.

    Returns:
        Number of workers that have not ended, of all studies.
    """
    seen = update(WORKER).where(WORKER.c.id == worker_id).values(seen_at=moment())
    living = select(func.count()).select_from(WORKER).where(WORKER.c.ended_at.is_(None))

    def work(connection: Connection) -> int:
        connection.execute(seen)
        return int(connection.scalars(living).one())

    return store.write(work)


def end_worker(store: Store, worker_id: str, reason: WorkerEnd) -> None:
    """Record that a worker exits. What it still holds may be taken over at once.

    Args:
        store: The open database.
        worker_id: Id of a registered worker.
        reason: How the worker ended.
    """
    store.write(lambda connection: _end(connection, worker_id, reason))


def expire_dead_local(store: Store, *, host: str, boot_id: str, alive: Callable[[int, float], bool]) -> tuple[str, ...]:
    """End the leases of workers of this machine whose process is gone, without waiting until their time runs out.

    So work continues at once when a command that was killed is typed again.

    Args:
        store: The open database.
        host: Name of this machine.
        boot_id: Identity of this boot and this process table. Whether a worker lives can be told only under the same
            one: machines, and containers, of one name are common. All other workers, and all of them where it is
            `UNKNOWN_BOOT`, are replaced when their lease runs out.
        alive: Whether a process, given by its pid and start time, exists; True where nothing can be told about it.

    Returns:
        Ids of the dead workers.
    """
    if boot_id == UNKNOWN_BOOT:
        return ()
    on_machine = (WORKER.c.host == host, WORKER.c.boot_id == boot_id, WORKER.c.ended_at.is_(None))
    query = select(WORKER.c.id, WORKER.c.pid, WORKER.c.pid_started).where(*on_machine)
    known = store.read(lambda connection: connection.execute(query).all())
    dead = tuple(worker_id for worker_id, pid, started in known if not alive(pid, started))

    def work(connection: Connection) -> None:
        for worker_id in dead:
            _end(connection, worker_id, WorkerEnd.DIED)

    if dead:
        store.write(work)
    return dead


def _end(connection: Connection, worker_id: str, reason: WorkerEnd) -> None:
    for table, leased in WORK.values():
        held = update(table).where(table.c.owner == worker_id, table.c.state == leased)
        connection.execute(held.values(lease_until=EXPIRED_AT_ONCE))
    advises = update(STUDY).where(STUDY.c.advisor_owner == worker_id)
    connection.execute(advises.values(advisor_owner=None, advisor_until=None))
    unended = (WORKER.c.id == worker_id, WORKER.c.ended_at.is_(None))
    connection.execute(update(WORKER).where(*unended).values(ended_at=moment(), end_reason=reason))
