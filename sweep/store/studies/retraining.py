"""Training a run again whose weights are damaged or gone: its scores wait for them, and none fails for good."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from sweep.store.queue.attempts import end_attempt
from sweep.store.queue.claim_record import artifacts_of
from sweep.store.queue.events import write_event
from sweep.store.queue.leases import COUNTS_RESET
from sweep.store.records import Claim
from sweep.store.sql.schema import ARTIFACT, EVENT, RUN, SCORE
from sweep.store.sql.transaction import Store
from sweep.store.states import EventKind, FailureClass, RunState, ScoreState, WorkKind
from sweep.store.studies.demand import PLANNED_AGAIN
from sweep.store.studies.trial_changes import note_work_changes

# A folder that keeps no file intact must not have the same run trained for ever.
MAX_RETRAININGS = 3


def retrain(store: Store, claimed: Claim, reason: str, *, seconds: float = 0.0) -> bool:
    """Give a score back and plan its run again, from its newest checkpoint, because its weights cannot be read.

    Scores that are complete stay; those that failed for the same reason are planned again.

    Args:
        store: The open database.
        claimed: The claim of the score, as `claim` returned it.
        reason: What is wrong with the file of the weights.
        seconds: Seconds for which this attempt held the device.

    Returns:
        Whether the run is trained again. False where that would not help: the weights are of a rung that the run has
        passed, or the run was trained again `MAX_RETRAININGS` times. Then nothing was written.

    Raises:
        LeaseLost: Another worker holds the score now, or it was cancelled; nothing was written.
    """
    assert claimed.kind == WorkKind.SCORE

    def work(connection: Connection) -> bool:
        # The run before its scores, as everywhere: those who lock in one order never wait crosswise.
        run = connection.execute(select(RUN).where(RUN.c.id == claimed.run_id).with_for_update()).one()
        weights = claimed.weights
        # Not listed any more: the holder of another score did it.
        is_lost = weights is None or _listed(connection, weights.path)
        values = _again(run, claimed)
        if is_lost and (values is None or _times(connection, run.id) >= MAX_RETRAININGS):
            return False
        back = {"state": ScoreState.PLANNED, **COUNTS_RESET}
        if not end_attempt(connection, claimed, back, "released: weights", seconds=seconds) or not is_lost:
            return True
        assert values is not None
        if weights is not None:
            connection.execute(delete(ARTIFACT).where(ARTIFACT.c.path == weights.path))
        checkpoints = artifacts_of(connection, run.id, "checkpoint")
        step = checkpoints[0].step if checkpoints else 0
        begun = {"step": step, "images": step * claimed.train_config.batch, "not_before": 0.0, **COUNTS_RESET}
        connection.execute(update(RUN).where(RUN.c.id == run.id).values(PLANNED_AGAIN | begun | values))
        failed = (SCORE.c.run_id == run.id, SCORE.c.state == ScoreState.FAILED, SCORE.c.failure == FailureClass.WEIGHTS)
        connection.execute(update(SCORE).where(*failed).values(PLANNED_AGAIN | {"not_before": 0.0, **COUNTS_RESET}))
        note_work_changes(connection, WorkKind.TRAIN, [run.id])
        what = f"run {run.id} is trained again from step {step}: {reason}"
        write_event(connection, EventKind.RETRAINED, what, study_id=claimed.study_id, run_id=run.id)
        return True

    return store.write(work)


def _again(run: Row[Any], claimed: Claim) -> dict[str, int | None] | None:
    """The columns that send a run back to make the weights that a score reads; None where it cannot."""
    state, reached, until = run.state, run.reached_step, run.until_step
    if claimed.score_step is None or claimed.score_step == claimed.train_config.steps:
        return {"until_step": None} if state == RunState.TRAINED else None
    waits = state == RunState.PLANNED and reached == until == claimed.score_step
    return {"reached_step": 0} if waits else None


def _listed(connection: Connection, path: str) -> bool:
    return connection.execute(select(ARTIFACT.c.id).where(ARTIFACT.c.path == path)).first() is not None


def _times(connection: Connection, run_id: int) -> int:
    of_run = (EVENT.c.run_id == run_id, EVENT.c.kind == EventKind.RETRAINED)
    return connection.scalars(select(func.count()).select_from(EVENT).where(*of_run)).one()
