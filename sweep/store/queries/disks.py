"""Disks that are full: those of machines that had to give work back, and the database's own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, and_, select

from sweep.store.queue.leases import WORK
from sweep.store.sql.schema import ATTEMPT, CELL, RUN, SCORE, SCORE_REQUEST, WORKER
from sweep.store.states import FailureClass, RunState, WorkKind
from sweep.store.status_records import FullDisk

# A store of thousands of runs takes some tens of megabytes, and as much again while its log is written back.
LITTLE_ROOM_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class RoomLeft:
    """Free space on the disk that a database lies on.

    Attributes:
        folder: Where the database lies.
        bytes: Free for this user.
    """

    folder: Path
    bytes: int

    @property
    def is_little(self) -> bool:
        """Whether writes will soon fail."""
        return self.bytes < LITTLE_ROOM_BYTES


def full_disks(connection: Connection, study_id: int) -> tuple[FullDisk, ...]:
    """Find the machines that gave work of a study back because their disk was full, where nobody has retried it since.

    Args:
        connection: Connection inside a transaction.
        study_id: Row id of the study.

    Returns:
        One record for each machine, sorted by host name.
    """
    disks: dict[str, FullDisk] = {}
    for kind, (table, _) in WORK.items():
        tried = (
            and_(ATTEMPT.c.run_id == RUN.c.id, ATTEMPT.c.score_id.is_(None), ATTEMPT.c.token == RUN.c.token)
            if kind == WorkKind.TRAIN
            else and_(ATTEMPT.c.score_id == SCORE.c.id, ATTEMPT.c.token == SCORE.c.token)
        )
        cells = select(CELL.c.run_id if kind == WorkKind.TRAIN else SCORE_REQUEST.c.score_id).select_from(CELL)
        if kind == WorkKind.SCORE:
            cells = cells.join(SCORE_REQUEST, SCORE_REQUEST.c.cell_id == CELL.c.id)
        query = (
            select(table.c.id, WORKER.c.host, ATTEMPT.c.ended_at, ATTEMPT.c.detail)
            .join(ATTEMPT, tried)
            .join(WORKER, WORKER.c.id == ATTEMPT.c.worker_id)
            .where(table.c.state == RunState.PLANNED, table.c.not_before > 0.0)
            .where(ATTEMPT.c.end_reason == f"released: {FailureClass.DISK_FULL}")
            .where(table.c.id.in_(cells.where(CELL.c.study_id == study_id)))
            .order_by(ATTEMPT.c.ended_at)
        )
        for row in connection.execute(query):
            before = disks.get(row.host)
            waiting = 1 + (before.waiting if before else 0)
            disks[row.host] = FullDisk(row.host, waiting, row.ended_at, row.detail or "")
    return tuple(disks[host] for host in sorted(disks))


def room_left(engine: Engine) -> RoomLeft | None:
    """Measure the free space of the disk on which the database lies.

    Args:
        engine: The engine of an open store.

    Returns:
        The folder and its free bytes; None for a database server, whose disk belongs to another machine, and for a
        folder that cannot be read.
    """
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return None
    folder = Path(engine.url.database).parent
    try:
        return RoomLeft(folder, shutil.disk_usage(folder).free)
    except OSError:
        return None
