"""How work ends that nobody holds: its attempts are closed, and what can never be made is cancelled."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, update
from sqlalchemy.exc import NoResultFound

from sweep.errors import StoreMismatch
from sweep.store.queue.events import write_event
from sweep.store.sql.clock import moment
from sweep.store.sql.schema import ATTEMPT, RUN, SCORE
from sweep.store.states import AttemptEnd, FailureClass, RunState, ScoreState, WorkKind

# What is raised by reading a row whose values this version would not have written.
UNREADABLE_ROW_ERRORS = (StoreMismatch, NoResultFound, TypeError, ValueError)


def fail_lost_work(connection: Connection, study_id: int, kind: WorkKind, work_id: int, lost: int) -> None:
    """Fail work as `crash_loop`, because too many workers in a row were lost over it.

    Args:
        connection: Connection inside a writing transaction.
        study_id: Row id of the study for whose worker the log is written.
        kind: Whether the work is a run or a score.
        work_id: Row id of the run or of the score.
        lost: Number of workers that were lost in a row.
    """
    reason = f"{lost} workers in a row were lost over it, and none got further than those before"
    end_attempts(connection, kind, [work_id], AttemptEnd.EXPIRED)
    _fail(connection, study_id, kind, work_id, FailureClass.CRASH_LOOP, reason)


def fail_unreadable_work(connection: Connection, study_id: int, kind: WorkKind, work_id: int, error: Exception) -> None:
    """Fail work as `bug`, because its row cannot be read. The worker that asked for it takes other work.

    Args:
        connection: Connection inside a writing transaction.
        study_id: Row id of the study for whose worker the log is written.
        kind: Whether the work is a run or a score.
        work_id: Row id of the run or of the score.
        error: What reading the row raised.
    """
    reason = str(error) if isinstance(error, StoreMismatch) else f"its row cannot be read: {error}"
    end_attempts(connection, kind, [work_id], FailureClass.BUG)
    _fail(connection, study_id, kind, work_id, FailureClass.BUG, reason)


def _fail(
    connection: Connection, study_id: int, kind: WorkKind, work_id: int, failure: FailureClass, reason: str
) -> None:
    table, failed = (RUN, RunState.FAILED) if kind == WorkKind.TRAIN else (SCORE, ScoreState.FAILED)
    ending = {"state": failed, "failure": failure, "failure_reason": reason, "finished_at": moment()}
    connection.execute(update(table).where(table.c.id == work_id).values(owner=None, lease_until=None, **ending))
    if kind == WorkKind.TRAIN:
        cancel_scores(connection, [work_id], failed)
    what = f"{kind} {work_id} failed: {reason}"
    write_event(connection, failure, what, study_id=study_id, detail={"kind": kind, "id": work_id})


def end_attempts(connection: Connection, kind: WorkKind, work_ids: Sequence[int], reason: str) -> int:
    """Close the open attempts at some work.

    Args:
        connection: Connection inside a writing transaction.
        kind: Whether the work are runs or scores.
        work_ids: Row ids of the runs or of the scores.
        reason: How the attempts ended, kept in `attempt.end_reason`.

    Returns:
        Number of attempts that were open.
    """
    at = ATTEMPT.c.score_id if kind == WorkKind.SCORE else ATTEMPT.c.run_id
    of_kind = ATTEMPT.c.score_id.is_not(None) if kind == WorkKind.SCORE else ATTEMPT.c.score_id.is_(None)
    open_ones = update(ATTEMPT).where(at.in_(work_ids), of_kind, ATTEMPT.c.ended_at.is_(None))
    return connection.execute(open_ones.values(ended_at=moment(), end_reason=reason)).rowcount


def cancel_scores(connection: Connection, run_ids: Sequence[int], state: str) -> None:
    """Cancel the planned scores that can never be made because their runs came to nothing.

    Args:
        connection: Connection inside a writing transaction.
        run_ids: Row ids of the runs.
        state: The state in which the runs ended, for the reason that is kept with each score.
    """
    waiting = update(SCORE).where(SCORE.c.run_id.in_(run_ids), SCORE.c.state == ScoreState.PLANNED)
    connection.execute(
        waiting.values(
            state=ScoreState.CANCELLED,
            failure=FailureClass.CANCELLED,
            failure_reason=f"its run is {state}",
            finished_at=moment(),
        )
    )
