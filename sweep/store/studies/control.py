"""What people decide about a study: pause, stop, cancel, exclude a cell, run failures again."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Select, select, update

from sweep.errors import UsageError
from sweep.redaction import clean
from sweep.store.queue.endings import cancel_scores, end_attempts
from sweep.store.queue.events import write_event
from sweep.store.queue.leases import COUNTS_RESET, WORK
from sweep.store.sql.clock import moment
from sweep.store.sql.schema import ARM, CELL, RUN, SCORE, STUDY
from sweep.store.sql.transaction import Store
from sweep.store.states import AttemptEnd, EventKind, FailureClass, RunState, ScoreState, StudyState, WorkKind
from sweep.store.studies.demand import (
    PLANNED_AGAIN,
    batches,
    has_weights,
    lock_unwanted,
    plan_cancelled_again,
    requested_by,
    withdraw_unwanted_runs,
)
from sweep.store.studies.known_scores import known_scores
from sweep.store.studies.trial_changes import note_change, note_work_changes


def set_study_state(store: Store, study_id: int, state: StudyState, *, reason: str = "") -> None:
    """Set what the workers of a study may do.

    `active`: work is handed out. `paused`: it is not, and workers give back what they hold at their next heartbeat.
    `stopped`: it is not, and what is under way is finished. `cancelled`: it is not, and what no other study wants is
    cancelled, leases included; it is planned again when the study is active again.

    Args:
        store: The open database.
        study_id: Row id of the study.
        state: The new state; nothing happens where the study is in it already.
        reason: Why, for the log; may be empty.
    """

    what = clean(f"study is {state}" + (f": {reason}" if reason else ""))

    def work(connection: Connection) -> None:
        change = update(STUDY).where(STUDY.c.id == study_id, STUDY.c.state != state).values(state=state)
        if not connection.execute(change).rowcount:
            return
        if state == StudyState.CANCELLED:
            # Runs before scores, as everywhere: those who lock in one order never wait crosswise.
            _cancel(connection, study_id, WorkKind.TRAIN)
            _cancel(connection, study_id, WorkKind.SCORE)
        elif state == StudyState.ACTIVE:
            plan_cancelled_again(connection, study_id)
        write_event(connection, EventKind.STUDY, what, study_id=study_id)

    store.write(work)


def exclude(store: Store, cell_id: int, reason: str) -> None:
    """Leave a cell out of every comparison, for a reason that the report shows. Its numbers stay.

    A search does not learn from it any more. Work that is under way for it alone is given up.

    Args:
        store: The open database.
        cell_id: Row id of the cell.
        reason: Why the cell is excluded; not empty.

    Raises:
        UsageError: There is no such cell, or no reason.
    """
    if not reason.strip():
        raise UsageError("a reason is needed", why="The report prints it.", next="Add --reason TEXT.")
    reason = clean(reason)

    def work(connection: Connection) -> None:
        of_cell = select(CELL.c.run_id).where(CELL.c.id == cell_id)
        connection.execute(select(RUN.c.id).where(RUN.c.id.in_(of_cell)).with_for_update())
        change = update(CELL).where(CELL.c.id == cell_id).values(excluded_reason=reason)
        returned = change.returning(CELL.c.study_id, CELL.c.run_id, CELL.c.arm_id, CELL.c.replicate)
        cell = connection.execute(returned).one_or_none()
        if cell is None:
            raise UsageError(f"there is no cell {cell_id}", next="sweep trials lists them.")
        study_id = cell.study_id
        note_change(connection, study_id)
        withdraw_unwanted_runs(connection, [cell.run_id])
        arm = connection.scalar(select(ARM.c.name).where(ARM.c.id == cell.arm_id))
        detail = {"arm": arm, "replicate": cell.replicate, "reason": reason, **known_scores(connection, study_id)}
        message = f"cell {cell_id} excluded: {reason}"
        write_event(connection, EventKind.EXCLUDE, message, study_id=study_id, detail=detail)

    store.write(work)


def rerun(store: Store, study_id: int, failures: Collection[FailureClass]) -> int:
    """Plan failed and cancelled work of some classes of failure again, each from its last checkpoint.

    Diverged runs are not among it: the same run would diverge again. Nor are scores of a rung that their run has left:
    their weights are gone, and they decide nothing any more.

    Args:
        store: The open database.
        study_id: Row id of the study.
        failures: Classes of failure whose work is planned again.

    Returns:
        Number of runs and scores that were planned again.
    """

    def work(connection: Connection) -> int:
        again = PLANNED_AGAIN | COUNTS_RESET | {"not_before": 0.0}
        count = 0
        runs = (
            RUN.c.id.in_(_requested(study_id, WorkKind.TRAIN)),
            RUN.c.state.in_((RunState.FAILED, RunState.CANCELLED)),
        )
        run_ids = connection.scalars(
            update(RUN).where(*runs, RUN.c.failure.in_(failures)).values(again).returning(RUN.c.id)
        ).all()
        count += len(run_ids)
        waiting = (SCORE.c.run_id.in_(run_ids), SCORE.c.state == ScoreState.CANCELLED, has_weights())
        connection.execute(update(SCORE).where(*waiting).values(again))
        possible = select(RUN.c.id).where(RUN.c.state.in_((RunState.PLANNED, RunState.TRAINING, RunState.TRAINED)))
        scores = (
            SCORE.c.id.in_(_requested(study_id, WorkKind.SCORE)),
            SCORE.c.state.in_((ScoreState.FAILED, ScoreState.CANCELLED)),
            SCORE.c.run_id.in_(possible),
            has_weights(),
        )
        score_ids = connection.scalars(
            update(SCORE).where(*scores, SCORE.c.failure.in_(failures)).values(again).returning(SCORE.c.id)
        ).all()
        count += len(score_ids)
        for ids in batches(run_ids):
            note_work_changes(connection, WorkKind.TRAIN, ids)
        for ids in batches(score_ids):
            note_work_changes(connection, WorkKind.SCORE, ids)
        what = f"{count} planned again ({', '.join(sorted(failures))})"
        detail = {"count": count, **known_scores(connection, study_id)}
        write_event(connection, EventKind.RERUN, what, study_id=study_id, detail=detail)
        return count

    return store.write(work)


def _requested(study_id: int, kind: WorkKind) -> Select[Any]:
    return requested_by(study_id, kind).where(CELL.c.excluded_reason.is_(None))


def _cancel(connection: Connection, study_id: int, kind: WorkKind) -> None:
    table, leased = WORK[kind]
    ending = {"failure": FailureClass.CANCELLED, "failure_reason": "its study was cancelled", "finished_at": moment()}
    for ids in batches(lock_unwanted(connection, kind, requested_by(study_id, kind), [RunState.PLANNED, leased])):
        cancelled = update(table).where(table.c.id.in_(ids))
        connection.execute(cancelled.values(state=RunState.CANCELLED, owner=None, lease_until=None, **ending))
        end_attempts(connection, kind, ids, AttemptEnd.CANCELLED)
        if kind == WorkKind.TRAIN:
            cancel_scores(connection, ids, RunState.CANCELLED)
