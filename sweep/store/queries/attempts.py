"""Attempts at a run and its scores: which worker tried, on which device, how long it took and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from sweep.store.sql.clock import moment
from sweep.store.sql.schema import ATTEMPT, WORKER
from sweep.store.sql.transaction import Store
from sweep.store.states import WorkKind


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One worker's try at a training or at a score.

    Attributes:
        kind: Whether a run was trained or a score was made.
        score_id: Row id of the score; None for a training.
        worker_id: Id of the worker.
        host: Name of the machine.
        device: The device, such as `cuda:0`.
        started_at: When the attempt began, in UTC by the database's clock.
        ended_at: When it ended; None while it is under way.
        seconds: Seconds from its start to its end; to the moment of reading while it is under way.
        first_step: Optimizer steps that were done when it began.
        last_step: Optimizer steps that were done at its last progress.
        end: How it ended: an `AttemptEnd`, a `FailureClass`, or `released: REASON`; None while it is under way.
        reason: Why it failed or was given back, for people; None where there is nothing to say.
        peak_bytes: The most memory that it took, in bytes; None where that was not recorded.
        device_workers: Workers that held work on the device while it lasted, its own included; None while it is under
            way.
    """

    kind: WorkKind
    score_id: int | None
    worker_id: str
    host: str
    device: str
    started_at: datetime
    ended_at: datetime | None
    seconds: float
    first_step: int
    last_step: int
    end: str | None
    reason: str | None
    peak_bytes: int | None
    device_workers: int | None


def attempts_of_run(store: Store, run_id: int) -> tuple[AttemptRecord, ...]:
    """Read the attempts at a run and at its scores, by whichever study they were made.

    Args:
        store: The open database.
        run_id: Row id of the run.

    Returns:
        The attempts, the oldest first.
    """
    query = (
        select(ATTEMPT, WORKER.c.host, WORKER.c.device, func.coalesce(ATTEMPT.c.ended_at, moment()).label("until"))
        .join(WORKER, WORKER.c.id == ATTEMPT.c.worker_id)
        .where(ATTEMPT.c.run_id == run_id)
        .order_by(ATTEMPT.c.id)
    )

    def work(connection: Connection) -> tuple[AttemptRecord, ...]:
        return tuple(_attempt_record(row) for row in connection.execute(query))

    return store.read(work)


def _attempt_record(row: Any) -> AttemptRecord:
    return AttemptRecord(
        kind=WorkKind.TRAIN if row.score_id is None else WorkKind.SCORE,
        score_id=row.score_id,
        worker_id=row.worker_id,
        host=row.host,
        device=row.device,
        started_at=row.started_at,
        ended_at=row.ended_at,
        seconds=(row.until - row.started_at).total_seconds(),
        first_step=row.first_step,
        last_step=row.last_step,
        end=row.end_reason,
        reason=row.detail,
        peak_bytes=row.peak_bytes,
        device_workers=row.device_workers,
    )
