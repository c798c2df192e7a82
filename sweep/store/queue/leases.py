"""Leases: who works on what, for how long, under which fencing token.

    claim      planned, not paused -> leased, or takes over a lease whose time is over; token + 1
    heartbeat  the owner asks for more time; an expired lease that nobody took is simply renewed
    fence      every write of the owner carries its token; when the token moved on, the write is refused

There is no reaper that could die: whoever asks for work takes over what was lost. The statements of a claim are built
once for a process: to build one takes longer than to run it, and thousands of workers ask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

from sweep.errors import LeaseLost
from sweep.files.file_names import STORE_DIGITS, random_part
from sweep.store.queue.claim import claim_record, held_claim, run_row
from sweep.store.queue.endings import UNREADABLE, end_attempts, end_lost_work, end_unreadable_work
from sweep.store.queue.events import write_event
from sweep.store.records import Claim
from sweep.store.sql.clock import UtcDateTime, moment, now, uptime
from sweep.store.sql.schema import ATTEMPT, CELL, RUN, SCORE, SCORE_REQUEST, STORE_IDENTITY, STUDY, WORKER, WorkColumns
from sweep.store.sql.sqlite_hints import unindexed
from sweep.store.sql.transaction import Store
from sweep.store.states import AttemptEnd, EventKind, RunState, ScoreState, StudyState, WorkKind

TTL_SECONDS = 120.0
# Failed attempts in a row, without a step further than any before, after which work is not tried again.
MAX_CRASHES = 3
# Workers lost in a row over the same work. That is no evidence against it: a person or a dead machine may have ended
# them. But a run that has the kernel end its whole container looks the same from here, and must end. After
# `MAX_CRASHES` it is handed out last, so that it holds nothing up meanwhile.
MAX_LOST_WORKERS = 20
# What is written to work that got further than ever before.
PROGRESSED = {"crashes": 0, "lost_workers": 0}
# A lease of somebody who is known to be dead: over whatever the clock says.
DEAD = 0.0

WORK: dict[WorkKind, tuple[Table[WorkColumns], str]] = {
    WorkKind.TRAIN: (RUN, RunState.TRAINING),
    WorkKind.SCORE: (SCORE, ScoreState.SCORING),
}

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
    """Take the next piece of work under a lease of `ttl` seconds; None when there is none now.

    A worker holds one lease at a time: while it has one, that one is returned again, so a lost reply does no harm.
    Begun runs go before new ones, low replicates before high ones, so that every arm has its first seed early. Work
    whose lease ran out counts a lost worker; more than `MAX_LOST_WORKERS` fail it as `crash_loop`. Work whose row
    cannot be read fails as `bug`, and the next is taken.

    Args:
        worker_id: A registered worker.
        kinds: What this worker can do, the preferred first.
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
                except UNREADABLE as error:
                    end_unreadable_work(connection, study_id, kind, int(renewed), error)
        if before.state != StudyState.ACTIVE:
            return None
        for kind in kinds:
            while (taken := connection.execute(_taking(kind), parameters).one_or_none()) is not None:
                if taken.lost_workers > MAX_LOST_WORKERS:
                    end_lost_work(connection, study_id, kind, taken.id, MAX_LOST_WORKERS + 1)
                    continue
                try:
                    return _begun(connection, study_id, worker_id, kind, taken)
                except UNREADABLE as error:
                    end_unreadable_work(connection, study_id, kind, taken.id, error)
        return None

    return store.write(work)


def heartbeat(store: Store, claimed: Claim, *, ttl: float = TTL_SECONDS) -> StudyState:
    """Hold the lease for `ttl` more seconds; returns the study's state, so that the worker hears of a pause.

    Raises:
        LeaseLost: somebody else has it, or it was cancelled.
    """

    def work(connection: Connection) -> StudyState:
        require(connection, claimed, {"lease_until": now() + ttl})
        connection.execute(update(WORKER).where(WORKER.c.id == claimed.worker_id).values(seen_at=moment()))
        return StudyState(connection.scalars(select(STUDY.c.state).where(STUDY.c.id == claimed.study_id)).one())

    return store.write(work)


def fence(connection: Connection, claimed: Claim, values: Mapping[str, Any]) -> bool:
    """Write to the leased row; False when the lease is not ours any more. Locks the row against a takeover."""
    table, leased = WORK[claimed.kind]
    ours = (table.c.id == claimed.work_id, table.c.token == claimed.token, table.c.state == leased)
    return connection.execute(update(table).where(*ours).values(dict(values))).rowcount == 1


def require(connection: Connection, claimed: Claim, values: Mapping[str, Any]) -> None:
    """The same, for those who cannot go on without.

    Raises:
        LeaseLost: the lease is not ours any more.
    """
    if not fence(connection, claimed, values):
        raise lost(claimed)


def lost(claimed: Claim) -> LeaseLost:
    """The error of a worker that was replaced."""
    work = f"run {claimed.run_id}" if claimed.score_id is None else f"score {claimed.score_id}"
    return LeaseLost(
        f"{work} is no longer held under token {claimed.token}",
        why="Its lease ran out and another worker took it, or it was cancelled.",
        next="Nothing to do: this worker drops it and takes the next.",
    )


def _expired(table: Table[WorkColumns], leased: str) -> Any:
    """Condition of a lease that may be taken over.

    While a database server is away nobody can renew; right after its start the living get `ttl` seconds to do so.
    """
    over = and_(table.c.lease_until < now(), or_(uptime() > _TTL, table.c.lease_until == DEAD))
    return and_(table.c.state == leased, over)


def paused() -> Any:
    """Condition of a run that waits at a rung for a decision."""
    return and_(RUN.c.state == RunState.PLANNED, RUN.c.until_step.is_not(None), RUN.c.until_step <= RUN.c.reached_step)


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
