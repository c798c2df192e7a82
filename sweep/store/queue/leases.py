"""Leases: who works on what, for how long, under which fencing token.

    claim      planned, not paused -> leased, or takes over a lease whose time is over; token + 1 (`claim.py`)
    heartbeat  the owner asks for more time; an expired lease that nobody took is simply renewed
    fence      every write of the owner carries its token; when the token moved on, the write is refused

There is no reaper that could die: a worker that asks for work takes over what other workers lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, and_, select, update

from sweep.errors import LeaseLost
from sweep.store.records import Claim
from sweep.store.sql.clock import moment, now
from sweep.store.sql.schema import RUN, SCORE, STUDY, WORKER, WorkColumns
from sweep.store.sql.transaction import Store
from sweep.store.states import RunState, ScoreState, StudyState, WorkKind

TTL_SECONDS = 120.0
# Failed attempts in a row, without a step further than any before, after which work is not tried again.
MAX_CRASHES = 3
# Workers lost in a row over the same work. That is no evidence against it: a person or a dead machine may have ended
# them. But a run that has the kernel end its whole container looks the same from here, and must end. After
# `MAX_CRASHES` it is handed out last, so that it holds nothing up meanwhile.
MAX_LOST_WORKERS = 20
# Work that got further than ever before has its counts of failures cleared.
COUNTS_RESET = {"crashes": 0, "lost_workers": 0}
# The end of a lease whose worker is known to be dead: it is over whatever the clock says.
EXPIRED_AT_ONCE = 0.0

WORK: dict[WorkKind, tuple[Table[WorkColumns], str]] = {
    WorkKind.TRAIN: (RUN, RunState.TRAINING),
    WorkKind.SCORE: (SCORE, ScoreState.SCORING),
}


def heartbeat(store: Store, claimed: Claim, *, ttl: float = TTL_SECONDS) -> StudyState:
    """Renew a lease, and learn the state of the study, so that the worker notices a pause.

    Args:
        store: The open database.
        claimed: The claim of the work, as `claim` returned it.
        ttl: Seconds from now for which the lease lasts.

    Returns:
        The state of the study.

    Raises:
        LeaseLost: Another worker holds the work now, or it was cancelled.
    """

    def work(connection: Connection) -> StudyState:
        fence_or_raise(connection, claimed, {"lease_until": now() + ttl})
        connection.execute(update(WORKER).where(WORKER.c.id == claimed.worker_id).values(seen_at=moment()))
        return StudyState(connection.scalars(select(STUDY.c.state).where(STUDY.c.id == claimed.study_id)).one())

    return store.write(work)


def fence(connection: Connection, claimed: Claim, values: Mapping[str, Any]) -> bool:
    """Write to the row of leased work if the lease still holds. This locks the row against a takeover.

    Args:
        connection: Connection inside a writing transaction.
        claimed: The claim of the work, with its fencing token.
        values: Columns of the run or score to set.

    Returns:
        Whether the row was written. False means that the token has moved on or that the work was cancelled.
    """
    table, leased = WORK[claimed.kind]
    ours = (table.c.id == claimed.work_id, table.c.token == claimed.token, table.c.state == leased)
    return connection.execute(update(table).where(*ours).values(dict(values))).rowcount == 1


def fence_or_raise(connection: Connection, claimed: Claim, values: Mapping[str, Any]) -> None:
    """Write to the row of leased work as `fence` does, and raise where the lease does not hold any more.

    Args:
        connection: Connection inside a writing transaction.
        claimed: The claim of the work, with its fencing token.
        values: Columns of the run or score to set.

    Raises:
        LeaseLost: Another worker holds the work now, or it was cancelled.
    """
    if not fence(connection, claimed, values):
        raise lease_lost(claimed)


def lease_lost(claimed: Claim) -> LeaseLost:
    """Build the error of a worker that was replaced.

    Args:
        claimed: The claim that does not hold any more.

    Returns:
        The error, to be raised.
    """
    work = f"run {claimed.run_id}" if claimed.score_id is None else f"score {claimed.score_id}"
    return LeaseLost(
        f"{work} is no longer held under token {claimed.token}",
        why="Its lease ran out and another worker took it, or it was cancelled.",
        next="Nothing to do: this worker drops it and takes the next.",
    )


def paused() -> Any:
    """The condition of a run that waits at a rung for a decision.

    Returns:
        An SQL condition on the columns of `RUN`.
    """
    return and_(RUN.c.state == RunState.PLANNED, RUN.c.until_step.is_not(None), RUN.c.until_step <= RUN.c.reached_step)
