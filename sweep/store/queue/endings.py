"""How work ends that nobody holds: its attempts are closed, and what can never be made is cancelled."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, update
from sqlalchemy.exc import NoResultFound

from sweep.errors import StoreMismatch
from sweep.store.queue.events import write_event
from sweep.store.records import FailureClass, Kind
from sweep.store.sql.clock import moment
from sweep.store.sql.schema import ATTEMPT, RUN, SCORE
from sweep.store.states import AttemptEnd, RunState, ScoreState

# What reading a row raises whose values are not what this version writes.
UNREADABLE = (StoreMismatch, NoResultFound, TypeError, ValueError)


def end_lost_work(connection: Connection, study_id: int, kind: Kind, work_id: int, lost: int) -> None:
    """Fail work as `crash_loop`, because `lost` workers in a row were lost over it."""
    reason = f"{lost} workers in a row were lost over it, and none got further than those before"
    end_attempts(connection, kind, [work_id], AttemptEnd.EXPIRED)
    _fail(connection, study_id, kind, work_id, "crash_loop", reason)


def end_unreadable_work(connection: Connection, study_id: int, kind: Kind, work_id: int, error: Exception) -> None:
    """Fail work as `bug`, because its row cannot be read. The worker that asked for it takes other work."""
    reason = str(error) if isinstance(error, StoreMismatch) else f"its row cannot be read: {error}"
    end_attempts(connection, kind, [work_id], "bug")
    _fail(connection, study_id, kind, work_id, "bug", reason)


def _fail(connection: Connection, study_id: int, kind: Kind, work_id: int, failure: FailureClass, reason: str) -> None:
    table, failed = (RUN, RunState.FAILED) if kind == "train" else (SCORE, ScoreState.FAILED)
    ending = {"state": failed, "failure": failure, "failure_reason": reason, "finished_at": moment()}
    connection.execute(update(table).where(table.c.id == work_id).values(owner=None, lease_until=None, **ending))
    if kind == "train":
        drop_scores(connection, [work_id], failed)
    what = f"{kind} {work_id} failed: {reason}"
    write_event(connection, failure, what, study_id=study_id, detail={"kind": kind, "id": work_id})


def end_attempts(connection: Connection, kind: Kind, work_ids: Sequence[int], reason: str) -> int:
    """Close the open attempts at some work; returns how many there were."""
    at = ATTEMPT.c.score_id if kind == "score" else ATTEMPT.c.run_id
    of_kind = ATTEMPT.c.score_id.is_not(None) if kind == "score" else ATTEMPT.c.score_id.is_(None)
    open_ones = update(ATTEMPT).where(at.in_(work_ids), of_kind, ATTEMPT.c.ended_at.is_(None))
    return connection.execute(open_ones.values(ended_at=moment(), end_reason=reason)).rowcount


def drop_scores(connection: Connection, run_ids: Sequence[int], state: str) -> None:
    """Cancel the scores that can never be made because their runs ended in `state`."""
    waiting = update(SCORE).where(SCORE.c.run_id.in_(run_ids), SCORE.c.state == ScoreState.PLANNED)
    connection.execute(
        waiting.values(
            state=ScoreState.CANCELLED, failure="cancelled", failure_reason=f"its run is {state}", finished_at=moment()
        )
    )
