"""Which runs and scores anybody still wants: a living study's cell asks for them and was not excluded.

Two studies may decide about the same work at once: one ends what nobody else wants while the other asks for it. Whoever
asks holds the rows first, whoever ends them locks the rows and then reads the cells, so each sees what the other did.
Rows are locked in the order of their ids, runs before scores: then nobody waits crosswise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, or_, select, update

from sweep.store.queue.endings import end_attempts
from sweep.store.queue.leases import COUNTS_RESET, WORK
from sweep.store.sql.schema import ARTIFACT, CELL, RUN, SCORE, SCORE_REQUEST, STUDY
from sweep.store.states import AttemptEnd, RunState, StudyState, WorkKind
from sweep.store.studies.trial_changes import note_work_changes

# Databases limit the parameters of one statement.
BATCH = 500

PLANNED_AGAIN: dict[str, Any] = {
    "state": RunState.PLANNED,
    "failure": None,
    "failure_reason": None,
    "finished_at": None,
}
"""Columns to set on finished work that somebody wants again."""


def batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Split items into parts that one statement of the database takes.

    Args:
        items: The items.

    Returns:
        Parts of at most `BATCH` items, in order.
    """
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


def requested_by(study_id: int, kind: WorkKind) -> Select[Any]:
    """The query of the runs or scores that a study's cells ask for, including those of excluded cells.

    Args:
        study_id: Row id of the study.
        kind: Whether runs or scores are selected.

    Returns:
        A query of row ids.
    """
    if kind == WorkKind.TRAIN:
        return select(CELL.c.run_id).where(CELL.c.study_id == study_id)
    return (
        select(SCORE_REQUEST.c.score_id)
        .join(CELL, CELL.c.id == SCORE_REQUEST.c.cell_id)
        .where(CELL.c.study_id == study_id)
    )


def wanted_by_others(run_id: ColumnElement[int] | int, study_id: int) -> Select[Any]:
    """The query of the cells by which other living studies want a run.

    Args:
        run_id: Row id of the run, or a column that holds it.
        study_id: Row id of the study that is left out.

    Returns:
        A query of cell ids.
    """
    return _wanting().where(CELL.c.run_id == run_id, CELL.c.study_id != study_id)


def lock_wanted(connection: Connection, kind: WorkKind, ids: Sequence[int]) -> None:
    """Keep others from ending this work until the transaction ends. Workers can renew their leases on it meanwhile.

    Args:
        connection: Connection inside a writing transaction.
        kind: Whether the work are runs or scores.
        ids: Row ids of the runs or of the scores.
    """
    table, _ = WORK[kind]
    for some in batches(sorted(ids)):
        held = select(table.c.id).where(table.c.id.in_(some)).order_by(table.c.id)
        connection.execute(held.with_for_update(key_share=True)).all()


def lock_unwanted(connection: Connection, kind: WorkKind, among: Any, states: Sequence[str]) -> list[int]:
    """Find the work in some states that no living study wants, and lock it until the transaction ends.

    Args:
        connection: Connection inside a writing transaction.
        kind: Whether the work are runs or scores.
        among: Row ids, or a query of them.
        states: States of runs or of scores.

    Returns:
        Row ids of the unwanted work.
    """
    table, _ = WORK[kind]
    candidates = select(table.c.id).where(table.c.id.in_(among), table.c.state.in_(states)).order_by(table.c.id)
    locked = connection.scalars(candidates.with_for_update()).all()
    # A statement of its own: it sees what those committed that the locks were waited for.
    unwanted: list[int] = []
    for ids in batches(locked):
        unwanted += connection.scalars(select(table.c.id).where(table.c.id.in_(ids), ~_is_wanted(kind))).all()
    return unwanted


def withdraw_unwanted(connection: Connection, kind: WorkKind, among: Any) -> None:
    """End the leases on work that nobody wants any more, and plan it: no worker would take such a lease over.

    Args:
        connection: Connection inside a writing transaction.
        kind: Whether the work are runs or scores.
        among: Row ids, or a query of them.
    """
    table, leased = WORK[kind]
    for ids in batches(lock_unwanted(connection, kind, among, [leased])):
        free = {"state": RunState.PLANNED, "owner": None, "lease_until": None}
        connection.execute(update(table).where(table.c.id.in_(ids)).values(free))
        end_attempts(connection, kind, ids, AttemptEnd.WITHDRAWN)


def withdraw_unwanted_runs(connection: Connection, run_ids: Any) -> None:
    """End the leases on runs that nobody wants any more, and on their scores.

    Args:
        connection: Connection inside a writing transaction.
        run_ids: Row ids of runs, or a query of them.
    """
    withdraw_unwanted(connection, WorkKind.TRAIN, run_ids)
    withdraw_unwanted(connection, WorkKind.SCORE, select(SCORE.c.id).where(SCORE.c.run_id.in_(run_ids)))


def plan_cancelled_again(connection: Connection, study_id: int) -> None:
    """Plan the cancelled work that a study wants again. Scores of runs that came to nothing stay cancelled.

    Args:
        connection: Connection inside a writing transaction.
        study_id: Row id of the study.
    """
    anew = PLANNED_AGAIN | COUNTS_RESET | {"not_before": 0.0}
    for kind, (table, _) in WORK.items():
        requested = requested_by(study_id, kind).where(CELL.c.excluded_reason.is_(None))
        lock_wanted(connection, kind, connection.scalars(requested.distinct()).all())
        cancelled = [table.c.id.in_(requested), table.c.state == RunState.CANCELLED]
        if kind == WorkKind.SCORE:
            ends = (RunState.PRUNED, RunState.INFEASIBLE, RunState.FAILED, RunState.CANCELLED)
            hopeless = select(RUN.c.id).where(RUN.c.state.in_(ends))
            cancelled += [SCORE.c.run_id.not_in(hopeless), has_weights()]
        planned = connection.scalars(update(table).where(*cancelled).values(anew).returning(table.c.id)).all()
        for ids in batches(planned):
            note_work_changes(connection, kind, ids)


def has_weights() -> ColumnElement[bool]:
    """Condition of scores that can be made: of the finished training, or of a rung whose weights are there or to come.

    The weights of a rung go once its run is promoted or pruned; a score of them is then nobody's to make.
    """
    listed = select(ARTIFACT.c.id).where(ARTIFACT.c.kind == "rung", ARTIFACT.c.step == SCORE.c.step)
    of_run = select(RUN.c.id).where(RUN.c.id == SCORE.c.run_id)
    return or_(
        SCORE.c.step.is_(None),
        of_run.where(or_(RUN.c.steps == SCORE.c.step, RUN.c.until_step == SCORE.c.step)).correlate(SCORE).exists(),
        listed.where(ARTIFACT.c.run_id == SCORE.c.run_id).correlate(SCORE).exists(),
    )


def _wanting() -> Select[Any]:
    living = (CELL.c.excluded_reason.is_(None), STUDY.c.state != StudyState.CANCELLED)
    return select(CELL.c.id).join(STUDY, STUDY.c.id == CELL.c.study_id).where(*living)


def _is_wanted(kind: WorkKind) -> ColumnElement[bool]:
    if kind == WorkKind.TRAIN:
        return _wanting().where(CELL.c.run_id == RUN.c.id).correlate(RUN).exists()
    reads = (
        _wanting()
        .join(SCORE_REQUEST, SCORE_REQUEST.c.cell_id == CELL.c.id)
        .where(SCORE_REQUEST.c.score_id == SCORE.c.id)
    )
    return reads.correlate(SCORE).exists()
