"""How far a study is, counted by the database: ten thousand cells take a moment."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, and_, case, func, select

from sweep.store.queue.leases import WORK
from sweep.store.sql.clock import now
from sweep.store.sql.schema import ARM, ATTEMPT, CELL, RUN, SCORE, SCORE_REQUEST, WORKER
from sweep.store.sql.sqlite_hints import unindexed
from sweep.store.states import CellState, RunState, ScoreState, WorkKind
from sweep.store.status_records import FailureRecord, RunningRecord

_UNTRAINED = (RunState.PRUNED, RunState.INFEASIBLE, RunState.FAILED, RunState.CANCELLED)
_BROKEN = (ScoreState.FAILED, ScoreState.CANCELLED)


def cell_states(*which: ColumnElement[bool]) -> Subquery:
    """The subquery that says in which state each cell is: the only definition of it.

    Args:
        which: Conditions on the columns of `CELL`; a cell must satisfy all of them.

    Returns:
        A subquery with the columns `cell_id` and `state` (a `CellState`).
    """
    scores = (
        select(
            SCORE_REQUEST.c.cell_id,
            func.sum(case((SCORE.c.state == ScoreState.SCORING, 1), else_=0)).label("scoring"),
            func.sum(case((SCORE.c.state == ScoreState.PLANNED, 1), else_=0)).label("planned"),
            func.sum(case((SCORE.c.state.in_(_BROKEN), 1), else_=0)).label("broken"),
        )
        .join(SCORE, SCORE.c.id == SCORE_REQUEST.c.score_id)
        .join(CELL, CELL.c.id == SCORE_REQUEST.c.cell_id)
        .where(*which, SCORE.c.step.is_(None), SCORE.c.state != ScoreState.COMPLETE)
        .group_by(SCORE_REQUEST.c.cell_id)
        .subquery()
    )
    state = case(
        (CELL.c.excluded_reason.is_not(None), CellState.EXCLUDED),
        (RUN.c.state != RunState.TRAINED, RUN.c.state),
        (scores.c.scoring > 0, CellState.SCORING),
        (scores.c.planned > 0, CellState.TRAINED),
        (scores.c.broken > 0, CellState.FAILED),
        else_=CellState.COMPLETE,
    )
    return (
        select(CELL.c.id.label("cell_id"), state.label("state"))
        .join(RUN, RUN.c.id == CELL.c.run_id)
        .outerjoin(scores, scores.c.cell_id == CELL.c.id)
        .where(*which)
        .subquery()
    )


def count_cells_by_state(connection: Connection, study_id: int) -> dict[str, dict[str, int]]:
    """Count the cells of each arm by state.

    Args:
        connection: Connection inside a transaction.
        study_id: Row id of the study.

    Returns:
        Arm name -> state -> number of cells. An arm without cells has an empty count.
    """
    states = cell_states(CELL.c.study_id == study_id)
    query = (
        select(ARM.c.name, states.c.state, func.count().label("cells"))
        .join(CELL, CELL.c.arm_id == ARM.c.id)
        .join(states, states.c.cell_id == CELL.c.id)
        .group_by(ARM.c.name, states.c.state)
    )
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(query):
        counts[row.name][row.state] = row.cells
    return counts


def unfinished_work(study_id: int, kind: WorkKind) -> Select[Any]:
    """The query of the work of a study that is not finished, each run or score once however many cells ask for it.

    Args:
        study_id: Row id of the study.
        kind: Whether runs or scores are selected. Scores of runs that came to nothing are left out.

    Returns:
        A query of row ids; columns of the run's or score's table may be added to it.
    """
    # From the work that is open to its cells, so that the end of a long study is quick.
    wanted = (unindexed(CELL.c.study_id) == study_id, CELL.c.excluded_reason.is_(None))
    runs: Select[Any] = select(RUN.c.id if kind == WorkKind.TRAIN else SCORE.c.id).select_from(CELL)
    runs = runs.join(RUN, RUN.c.id == CELL.c.run_id).where(*wanted).distinct()
    if kind == WorkKind.TRAIN:
        return runs.where(RUN.c.state.in_((RunState.PLANNED, RunState.TRAINING)))
    return (
        runs.join(SCORE_REQUEST, SCORE_REQUEST.c.cell_id == CELL.c.id)
        .join(SCORE, SCORE.c.id == SCORE_REQUEST.c.score_id)
        .where(RUN.c.state.not_in(_UNTRAINED), SCORE.c.state.in_((ScoreState.PLANNED, ScoreState.SCORING)))
    )


def count_unfinished_and_delayed(connection: Connection, study_id: int, kind: WorkKind) -> tuple[int, int]:
    """Count the work of a study that is not finished, and how much of it waits for the time of its next try.

    Args:
        connection: Connection inside a transaction.
        study_id: Row id of the study.
        kind: Whether runs or scores are counted.

    Returns:
        The number of unfinished runs or scores, and how many of them may not be claimed yet.
    """
    table, _ = WORK[kind]
    work = unfinished_work(study_id, kind).add_columns(table.c.not_before).subquery()
    delayed = func.sum(case((work.c.not_before > now(), 1), else_=0))
    row = connection.execute(select(func.count(), delayed).select_from(work)).one()
    return int(row[0]), int(row[1] or 0)


def count_rows(connection: Connection, query: Select[Any]) -> int:
    """Count the rows of a query.

    Args:
        connection: Connection inside a transaction.
        query: The query whose rows are counted.

    Returns:
        Number of rows.
    """
    return int(connection.execute(select(func.count()).select_from(query.subquery())).scalar_one())


def failures(connection: Connection, study_id: int) -> list[FailureRecord]:
    """List why cells of a study have no number. Excluded cells are left out.

    Args:
        connection: Connection inside a transaction.
        study_id: Row id of the study.

    Returns:
        One record for each run that came to nothing, and one for each failed or cancelled score of the other runs, in
        the order of the arms.
    """
    # From the few that failed, of all studies, to their cells; and so in `running`.
    cell: Any = (
        select(CELL.c.id, ARM.c.name, CELL.c.phase, CELL.c.replicate, CELL.c.run_id, RUN.c.seed)
        .join(ARM, ARM.c.id == CELL.c.arm_id)
        .join(RUN, RUN.c.id == CELL.c.run_id)
        .where(unindexed(CELL.c.study_id) == study_id, CELL.c.excluded_reason.is_(None))
        .order_by(ARM.c.position, CELL.c.id)
    )
    runs = cell.add_columns(RUN.c.state, RUN.c.failure, RUN.c.failure_reason).where(RUN.c.state.in_(_UNTRAINED))
    scores = (
        cell.add_columns(SCORE.c.state, SCORE.c.failure, SCORE.c.failure_reason, SCORE.c.id.label("score_id"))
        .join(SCORE_REQUEST, SCORE_REQUEST.c.cell_id == CELL.c.id)
        .join(SCORE, SCORE.c.id == SCORE_REQUEST.c.score_id)
        .where(
            RUN.c.state.not_in(_UNTRAINED),
            SCORE.c.state.in_((ScoreState.FAILED, ScoreState.CANCELLED)),
            SCORE.c.step.is_(None),
        )
    )
    return [
        FailureRecord(
            cell_id=row.id,
            arm_name=row.name,
            phase=row.phase,
            replicate=row.replicate,
            seed=row.seed,
            run_id=row.run_id,
            score_id=row.score_id if query is scores else None,
            state=row.state,
            failure=row.failure,
            reason=row.failure_reason or "",
        )
        for query in (runs, scores)
        for row in connection.execute(query)
    ]


def running(connection: Connection, study_id: int) -> list[RunningRecord]:
    """List the work of a study that is under a lease, including leases whose time is over.

    Args:
        connection: Connection inside a transaction.
        study_id: Row id of the study.

    Returns:
        One record for each run or score under a lease; work that several cells share is listed once.
    """
    records: dict[tuple[WorkKind, int], RunningRecord] = {}
    for kind, (table, leased) in WORK.items():
        at = ATTEMPT.c.score_id == SCORE.c.id if kind == WorkKind.SCORE else ATTEMPT.c.score_id.is_(None)
        query = (
            select(
                *(table.c.id.label("work_id"), RUN.c.id.label("run_id"), ARM.c.name, CELL.c.replicate, RUN.c.seed),
                *(WORKER.c.id.label("worker_id"), WORKER.c.host, WORKER.c.device, RUN.c.step, RUN.c.steps),
                *(ATTEMPT.c.started_at, (table.c.lease_until - now()).label("left")),
            )
            .select_from(CELL)
            .join(ARM, ARM.c.id == CELL.c.arm_id)
            .join(RUN, RUN.c.id == CELL.c.run_id)
            .where(unindexed(CELL.c.study_id) == study_id, table.c.state == leased)
        )
        if kind == WorkKind.SCORE:
            query = query.join(SCORE_REQUEST, SCORE_REQUEST.c.cell_id == CELL.c.id)
            query = query.join(SCORE, SCORE.c.id == SCORE_REQUEST.c.score_id)
        query = query.join(WORKER, WORKER.c.id == table.c.owner)
        query = query.join(ATTEMPT, and_(ATTEMPT.c.run_id == RUN.c.id, at, ATTEMPT.c.token == table.c.token))
        for row in connection.execute(query.order_by(CELL.c.id)):
            # A run that several arms share is shown once.
            records.setdefault((kind, row.work_id), _running_record(kind, row))
    return list(records.values())


def _running_record(kind: WorkKind, row: Any) -> RunningRecord:
    return RunningRecord(
        kind=kind,
        run_id=row.run_id,
        score_id=row.work_id if kind == WorkKind.SCORE else None,
        arm_name=row.name,
        replicate=row.replicate,
        seed=row.seed,
        worker_id=row.worker_id,
        host=row.host,
        device=row.device,
        step=row.step,
        steps=row.steps,
        started_at=row.started_at,
        lease_left_seconds=row.left,
    )
