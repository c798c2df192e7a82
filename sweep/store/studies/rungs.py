"""Runs that wait at a rung: score them there, let them go on, or prune them.

Every verb names the step that the run waits at and changes nothing when it waits there no more, so each may be
repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, select, update

from sweep.config.keys import eval_key, protocol_key
from sweep.store.cell_records import CellRecord
from sweep.store.queue.endings import cancel_scores
from sweep.store.queue.events import write_event
from sweep.store.queue.leases import paused
from sweep.store.sql.clock import moment
from sweep.store.sql.schema import ARTIFACT, RUN, SCORE, SCORE_REQUEST
from sweep.store.sql.transaction import Store
from sweep.store.sql.upsert import insert_missing
from sweep.store.states import EventKind, RunState, ScoreState, WorkKind
from sweep.store.studies.demand import PLANNED_AGAIN, lock_wanted, wanted_by_others
from sweep.store.studies.trial_changes import note_work_changes

if TYPE_CHECKING:
    from sweep.config.run import EvalConfig, Protocol


def add_rung_score(store: Store, cell: CellRecord, config: EvalConfig, protocol: Protocol, *, step: int) -> None:
    """Plan a score of the weights at one step, beside those that decide the cell's state.

    Args:
        store: The open database.
        cell: The cell that asks for the score.
        config: How the weights are sampled.
        protocol: The cheaper protocol under which the score is made.
        step: Optimizer step of the weights.
    """
    key = eval_key(config, protocol, step=step)
    row = {
        "run_id": cell.run_id,
        "eval_key": key,
        "config": config.model_dump(mode="json"),
        "protocol": protocol.model_dump(mode="json"),
        "protocol_key": protocol_key(protocol),
        "step": step,
    }

    def work(connection: Connection) -> None:
        insert_missing(connection, SCORE, [row])
        of_score = (SCORE.c.run_id == cell.run_id, SCORE.c.eval_key == key)
        score_id = connection.scalars(select(SCORE.c.id).where(*of_score)).one()
        lock_wanted(connection, WorkKind.SCORE, [score_id])
        again = update(SCORE).where(*of_score, SCORE.c.state == ScoreState.CANCELLED).values(PLANNED_AGAIN)
        if connection.execute(again).rowcount:
            note_work_changes(connection, WorkKind.SCORE, [score_id])
        request = {"cell_id": cell.cell_id, "score_id": score_id, "level": {}, "is_primary": False}
        insert_missing(connection, SCORE_REQUEST, [request])

    store.write(work)


def promote(store: Store, cell: CellRecord, *, step: int, until: int | None) -> None:
    """Let a run that waits at a rung be trained further.

    Args:
        store: The open database.
        cell: The cell of the run.
        step: Optimizer step at which the run waits; nothing happens where it does not wait there any more.
        until: Optimizer step of the next rung; None for the end of the training.
    """

    def work(connection: Connection) -> None:
        if connection.execute(_waiting(cell, step).values(until_step=until)).rowcount:
            _forget_rung(connection, cell.run_id)

    store.write(work)


def prune(store: Store, study_id: int, cell: CellRecord, *, step: int, reason: str, detail: Mapping[str, Any]) -> bool:
    """End a run that waits at a rung, unless another study asks for it.

    Args:
        store: The open database.
        study_id: Row id of the study that prunes.
        cell: The cell of the run.
        step: Optimizer step at which the run waits; nothing is written where it does not wait there any more.
        reason: Why the run is pruned, for people; the report shows it.
        detail: The evidence: the rung, its score and those that it was compared with.

    Returns:
        False where another study asks for the run, so that this one must not end it.
    """

    def work(connection: Connection) -> bool:
        # Locked first: a study that asks for the run at this moment is seen, or sees that it was pruned.
        connection.execute(select(RUN.c.id).where(RUN.c.id == cell.run_id).with_for_update())
        if connection.execute(wanted_by_others(cell.run_id, study_id).limit(1)).first() is not None:
            return False
        values = {"state": RunState.PRUNED, "failure_reason": reason, "finished_at": moment()}
        if connection.execute(_waiting(cell, step).values(values)).rowcount:
            cancel_scores(connection, [cell.run_id], RunState.PRUNED)
            _forget_rung(connection, cell.run_id)
            write_event(
                connection,
                EventKind.PRUNED,
                f"{cell.arm_name}: {reason}",
                study_id=study_id,
                run_id=cell.run_id,
                detail=detail,
            )
        return True

    return store.write(work)


def _waiting(cell: CellRecord, step: int) -> Any:
    return update(RUN).where(RUN.c.id == cell.run_id, paused(), RUN.c.reached_step == step)


def _forget_rung(connection: Connection, run_id: int) -> None:
    # Its score is made; `sweep gc` deletes the file.
    connection.execute(delete(ARTIFACT).where(ARTIFACT.c.run_id == run_id, ARTIFACT.c.kind == "rung"))
