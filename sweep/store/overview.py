"""How far a study is, counted by the database: ten thousand cells take a moment."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, and_, case, func, select

from sweep.store.clock import now
from sweep.store.leases import WORK
from sweep.store.records import Kind
from sweep.store.schema import ArmRow, AttemptRow, CellRow, ReadingRow, RunRow, ScoreRow, WorkerRow
from sweep.store.snapshots import FailureRecord, RunningRecord

_UNTRAINED = ("pruned", "infeasible", "failed", "cancelled")


def cell_states(*which: ColumnElement[bool]) -> Subquery:
    """(cell_id, state) of the cells of a condition; the one place that says what state a cell is in."""
    scores = (
        select(
            ReadingRow.cell_id,
            func.sum(case((ScoreRow.state == "scoring", 1), else_=0)).label("scoring"),
            func.sum(case((ScoreRow.state == "planned", 1), else_=0)).label("planned"),
            func.sum(case((ScoreRow.state.in_(("failed", "cancelled")), 1), else_=0)).label("broken"),
        )
        .join(ScoreRow, ScoreRow.id == ReadingRow.score_id)
        .join(CellRow, CellRow.id == ReadingRow.cell_id)
        .where(*which, ScoreRow.step.is_(None))
        .group_by(ReadingRow.cell_id)
        .subquery()
    )
    state = case(
        (CellRow.excluded_reason.is_not(None), "excluded"),
        (RunRow.state != "trained", RunRow.state),
        (scores.c.scoring > 0, "scoring"),
        (scores.c.planned > 0, "trained"),
        (scores.c.broken > 0, "failed"),
        else_="complete",
    )
    return (
        select(CellRow.id.label("cell_id"), state.label("state"))
        .join(RunRow, RunRow.id == CellRow.run_id)
        .outerjoin(scores, scores.c.cell_id == CellRow.id)
        .where(*which)
        .subquery()
    )


def counts(connection: Connection, study_id: int) -> dict[str, dict[str, int]]:
    """Cells of each arm by state: {arm: {state: cells}}."""
    states = cell_states(CellRow.study_id == study_id)
    query = (
        select(ArmRow.name, states.c.state, func.count().label("cells"))
        .join(CellRow, CellRow.arm_id == ArmRow.id)
        .join(states, states.c.cell_id == CellRow.id)
        .group_by(ArmRow.name, states.c.state)
    )
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(query):
        counts[row.name][row.state] = row.cells
    return counts


def left(study_id: int, kind: Kind) -> Select[Any]:
    """Work that is still to be done, each piece once however many cells ask for it."""
    wanted = (CellRow.study_id == study_id, CellRow.excluded_reason.is_(None))
    runs: Select[Any] = select(RunRow.id if kind == "train" else ScoreRow.id).select_from(CellRow)
    runs = runs.join(RunRow, RunRow.id == CellRow.run_id).where(*wanted).distinct()
    if kind == "train":
        return runs.where(RunRow.state.in_(("planned", "training")))
    return (
        runs.join(ReadingRow, ReadingRow.cell_id == CellRow.id)
        .join(ScoreRow, ScoreRow.id == ReadingRow.score_id)
        .where(RunRow.state.not_in(_UNTRAINED), ScoreRow.state.in_(("planned", "scoring")))
    )


def left_and_delayed(connection: Connection, study_id: int, kind: Kind) -> tuple[int, int]:
    """How much work is still to be done, and how much of it waits for a retry time."""
    table, _ = WORK[kind]
    work = left(study_id, kind).add_columns(table.not_before).subquery()
    delayed = func.sum(case((work.c.not_before > now(), 1), else_=0))
    row = connection.execute(select(func.count(), delayed).select_from(work)).one()
    return int(row[0]), int(row[1] or 0)


def count(connection: Connection, query: Select[Any]) -> int:
    """Number of rows of a query."""
    return int(connection.execute(select(func.count()).select_from(query.subquery())).scalar_one())


def failures(connection: Connection, study_id: int) -> list[FailureRecord]:
    """Why cells have no number: one line for a run, else one for each broken score."""
    cell: Any = (
        select(CellRow.id, ArmRow.name, CellRow.phase, CellRow.replicate, CellRow.run_id)
        .join(ArmRow, ArmRow.id == CellRow.arm_id)
        .join(RunRow, RunRow.id == CellRow.run_id)
        .where(CellRow.study_id == study_id, CellRow.excluded_reason.is_(None))
        .order_by(ArmRow.position, CellRow.id)
    )
    runs = cell.add_columns(RunRow.state, RunRow.failure, RunRow.failure_reason).where(RunRow.state.in_(_UNTRAINED))
    scores = (
        cell.add_columns(ScoreRow.state, ScoreRow.failure, ScoreRow.failure_reason, ScoreRow.id.label("score_id"))
        .join(ReadingRow, ReadingRow.cell_id == CellRow.id)
        .join(ScoreRow, ScoreRow.id == ReadingRow.score_id)
        .where(RunRow.state.not_in(_UNTRAINED), ScoreRow.state.in_(("failed", "cancelled")), ScoreRow.step.is_(None))
    )
    return [
        FailureRecord(
            cell_id=row.id,
            arm_name=row.name,
            phase=row.phase,
            replicate=row.replicate,
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
    """Work under a lease, stale leases included."""
    found: dict[tuple[Kind, int], RunningRecord] = {}
    for kind, (table, leased) in WORK.items():
        at = AttemptRow.score_id == ScoreRow.id if kind == "score" else AttemptRow.score_id.is_(None)
        query = (
            select(
                *(table.id.label("work_id"), RunRow.id.label("run_id"), ArmRow.name, CellRow.replicate),
                *(WorkerRow.id.label("worker_id"), WorkerRow.host, WorkerRow.device, RunRow.step, RunRow.steps),
                *(AttemptRow.started_at, (table.lease_until - now()).label("left")),
            )
            .select_from(CellRow)
            .join(ArmRow, ArmRow.id == CellRow.arm_id)
            .join(RunRow, RunRow.id == CellRow.run_id)
            .where(CellRow.study_id == study_id, table.state == leased)
        )
        if kind == "score":
            query = query.join(ReadingRow, ReadingRow.cell_id == CellRow.id)
            query = query.join(ScoreRow, ScoreRow.id == ReadingRow.score_id)
        query = query.join(WorkerRow, WorkerRow.id == table.owner)
        query = query.join(AttemptRow, and_(AttemptRow.run_id == RunRow.id, at, AttemptRow.token == table.token))
        for row in connection.execute(query.order_by(CellRow.id)):
            # A run that several arms share is shown once.
            found.setdefault((kind, row.work_id), _running_record(kind, row))
    return list(found.values())


def _running_record(kind: Kind, row: Any) -> RunningRecord:
    return RunningRecord(
        kind=kind,
        run_id=row.run_id,
        score_id=row.work_id if kind == "score" else None,
        arm_name=row.name,
        replicate=row.replicate,
        worker_id=row.worker_id,
        host=row.host,
        device=row.device,
        step=row.step,
        steps=row.steps,
        started_at=row.started_at,
        lease_left_seconds=row.left,
    )
