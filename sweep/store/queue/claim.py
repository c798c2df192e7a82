"""Claiming work: a worker takes the next piece that is free, or one whose worker was lost, under a lease.

The statements of a claim are built once for a process: to build one takes longer than to run it, and thousands of
workers ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Float,
    Integer,
    Select,
    String,
    Table,
    and_,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from sweep.files.file_names import STORE_DIGITS, random_part
from sweep.store.queue.claim_record import claim_record, held_claim, run_row
from sweep.store.queue.endings import UNREADABLE_ROW_ERRORS, end_attempts, fail_lost_work, fail_unreadable_work
from sweep.store.queue.events import write_event
from sweep.store.queue.leases import EXPIRED_AT_ONCE, MAX_CRASHES, MAX_LOST_WORKERS, TTL_SECONDS, WORK, paused
from sweep.store.records import Claim
from sweep.store.sql.clock import UtcDateTime, now, uptime
from sweep.store.sql.schema import ATTEMPT, CELL, RUN, SCORE, SCORE_REQUEST, STORE_IDENTITY, STUDY, WorkColumns
from sweep.store.sql.sqlite_hints import unindexed
from sweep.store.sql.transaction import Store
from sweep.store.states import AttemptEnd, EventKind, RunState, StudyState, WorkKind

_OF_STORE = select(func.substr(STORE_IDENTITY.c.uuid, 1, STORE_DIGITS, type_=String)).limit(1).scalar_subquery()

# Of the statements that are built once.
_STUDY = bindparam("asked_study", type_=Integer)
_WORKER = bindparam("asking_worker", type_=String)
_TTL = bindparam("asked_ttl", type_=Float)


def claim(
    store: Store,
    study_id: int,
    worker_id: str,
    *,
    kinds: Sequence[WorkKind] = (WorkKind.SCORE, WorkKind.TRAIN),
    ttl: float = TTL_SECONDS,
) -> Claim | None:
    """Take the next piece of work of a study under a lease.

    A worker holds one lease at a time: while it has one, that one is returned again, so a lost reply does no harm.
    Begun runs go before new ones, low replicates before high ones, so that every arm has its first seed early.
    Work whose lease ran out counts a lost worker; more than `MAX_LOST_WORKERS` in a row fail it as `crash_loop`. Work
    whose row cannot be read fails as `bug`, and the next is taken.

    Args:
        store: The open database.
        study_id: Row id of the study.
        worker_id: Id of a registered worker.
        kinds: Kinds of work that this worker can do, the preferred first.
        ttl: Seconds for which the lease lasts unless it is renewed.

    Returns:
        The claimed work; None where nothing can be claimed now.
    """
    parameters = {_STUDY.key: study_id, _WORKER.key: worker_id, _TTL.key: ttl}

    def work(connection: Connection) -> Claim | None:
        before = connection.execute(_leases_of_worker(), parameters).one()
        for kind in WORK:
            if getattr(before, kind) is not None:
                renewed = connection.scalars(_renewing(kind), parameters).first()
                if renewed is None:
                    continue  # it was taken over in between
                try:
                    return held_claim(connection, study_id, worker_id, kind, int(renewed))
                except UNREADABLE_ROW_ERRORS as error:
                    fail_unreadable_work(connection, study_id, kind, int(renewed), error)
        if before.state != StudyState.ACTIVE:
            return None
        for kind in kinds:
            while (taken := connection.execute(_taking(kind), parameters).one_or_none()) is not None:
                if taken.lost_workers > MAX_LOST_WORKERS:
                    fail_lost_work(connection, study_id, kind, taken.id, MAX_LOST_WORKERS + 1)
                    continue
                try:
                    return _begun(connection, study_id, worker_id, kind, taken)
                except UNREADABLE_ROW_ERRORS as error:
                    fail_unreadable_work(connection, study_id, kind, taken.id, error)
        return None

    return store.write(work)


def _expired(table: Table[WorkColumns], leased: str) -> Any:
    """Condition of a lease that may be taken over.

    While a database server is away nobody can renew; right after its start the living get `ttl` seconds to do so.
    """
    over = and_(table.c.lease_until < now(), or_(uptime() > _TTL, table.c.lease_until == EXPIRED_AT_ONCE))
    return and_(table.c.state == leased, over)


@cache
def _leases_of_worker() -> Select[Any]:
    """The study's state, and some work of each kind that the worker holds."""
    state = select(STUDY.c.state).where(STUDY.c.id == _STUDY).scalar_subquery()
    return select(state.label("state"), *(_lease_of_worker(kind).label(kind) for kind in WORK))


def _lease_of_worker(kind: WorkKind) -> Any:
    table, leased = WORK[kind]
    query = select(table.c.id).where(table.c.owner == _WORKER, table.c.state == leased)
    return query.limit(1).scalar_subquery()


@cache
def _renewing(kind: WorkKind) -> ReturningUpdate[int]:
    table, leased = WORK[kind]
    query = update(table).where(table.c.owner == _WORKER, table.c.state == leased)
    return query.values(lease_until=now() + _TTL).returning(table.c.id)


def _wanted(kind: WorkKind) -> Select[Any]:
    # From the few that are free to their cells, not from all cells of the study to the few.
    requested = (unindexed(CELL.c.study_id) == _STUDY, CELL.c.excluded_reason.is_(None))
    suspect = case((WORK[kind][0].c.lost_workers > MAX_CRASHES, 1), else_=0)
    if kind == WorkKind.TRAIN:
        begun = case((RUN.c.step > 0, 0), else_=1)
        runs = select(RUN.c.id).join(CELL, CELL.c.run_id == RUN.c.id).where(*requested, ~paused())
        return runs.order_by(suspect, begun, CELL.c.replicate, CELL.c.id)
    scores = (
        select(SCORE.c.id)
        .join(SCORE_REQUEST, SCORE_REQUEST.c.score_id == SCORE.c.id)
        .join(CELL, CELL.c.id == SCORE_REQUEST.c.cell_id)
        .join(RUN, RUN.c.id == SCORE.c.run_id)
        .where(*requested, or_(RUN.c.state == RunState.TRAINED, SCORE.c.step <= RUN.c.reached_step))
    )
    return scores.order_by(suspect, SCORE_REQUEST.c.is_primary.desc(), CELL.c.replicate, CELL.c.id, SCORE.c.id)


@cache
def _taking(kind: WorkKind) -> ReturningUpdate[Any]:
    """Returns the row, this takeover counted."""
    table, leased = WORK[kind]
    free = or_(and_(table.c.state == RunState.PLANNED, table.c.not_before <= now()), _expired(table, leased))
    candidate = _wanted(kind).where(free).limit(1).with_for_update(of=table, skip_locked=True)
    return (
        update(table)
        .where(table.c.id == candidate.scalar_subquery())
        .values(
            lost_workers=table.c.lost_workers + case((table.c.state == leased, 1), else_=0),
            state=leased,
            token=table.c.token + 1,
            owner=_WORKER,
            lease_until=now() + _TTL,
        )
        .returning(*(column for column in table.c if not isinstance(column.type, UtcDateTime)))
    )


def _begun(connection: Connection, study_id: int, worker_id: str, kind: WorkKind, taken: Any) -> Claim:
    run, score = (taken, None) if kind == WorkKind.TRAIN else (run_row(connection, taken.run_id), taken)
    if end_attempts(connection, kind, [taken.id], AttemptEnd.EXPIRED):
        what = f"{kind} {taken.id} was taken over from a worker that went silent"
        write_event(
            connection, EventKind.TAKEOVER, what, study_id=study_id, run_id=run.id, detail={"token": taken.token}
        )
    attempt = {
        "run_id": run.id,
        "score_id": None if score is None else score.id,
        "token": taken.token,
        "worker_id": worker_id,
        "first_step": run.step,
        "last_step": run.step,
        "file_tag": _OF_STORE + f"-{random_part()}",
    }
    begun = connection.execute(insert(ATTEMPT).values(attempt).returning(ATTEMPT.c.id, ATTEMPT.c.file_tag)).one()
    return claim_record(connection, study_id, worker_id, run, score, begun)
