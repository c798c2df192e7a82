"""Cells out of the tables: each with its run, its scores and their measurements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Integer, Select, bindparam, case, select

from sweep.store.cell_records import CellRecord, RungRecord, ScoreRecord
from sweep.store.queries.status import cell_states
from sweep.store.queue.leases import paused
from sweep.store.records import Measurement
from sweep.store.sql.schema import ARM, CELL, MEASUREMENT, RUN, SCORE, SCORE_REQUEST

_IDS = bindparam("cell_ids", type_=Integer, expanding=True)


class _Queries(NamedTuple):
    """What reads the cells of a condition."""

    cells: Select[Any]
    scores: Select[Any]
    measurements: Select[Any]


def cell_records(connection: Connection, *which: ColumnElement[bool]) -> tuple[CellRecord, ...]:
    """Read the cells of a condition, each with its run, its scores and their measurements.

    Args:
        connection: Connection inside a transaction.
        which: Conditions on the columns of `CELL`; a cell must satisfy all of them.

    Returns:
        The cells in the order of the report: by arm, phase and replicate.
    """
    return _read(connection, _queries(*which), {})


def cells_with(connection: Connection, ids: Sequence[int]) -> tuple[CellRecord, ...]:
    """Read the cells with these ids, each with its run, its scores and their measurements.

    Args:
        connection: Connection inside a transaction.
        ids: Row ids of the cells, at most as many as one statement of the database takes.

    Returns:
        The cells in the order of the report: by arm, phase and replicate.
    """
    return _read(connection, _by_id(), {_IDS.key: ids})


@cache
def _by_id() -> _Queries:
    # Built once for a process: that takes longer than to run them.
    return _queries(CELL.c.id.in_(_IDS))


def _queries(*which: ColumnElement[bool]) -> _Queries:
    return _Queries(_cells_of(*which), _scores_of(*which), _measurements_of(*which))


def _read(connection: Connection, queries: _Queries, parameters: Mapping[str, Any]) -> tuple[CellRecord, ...]:
    measurements: dict[int, list[Measurement]] = defaultdict(list)
    for row in connection.execute(queries.measurements, parameters):
        measurements[row.score_id].append(Measurement(row.name, row.noise_set, row.value, row.standard_error))
    scores: dict[int, list[ScoreRecord]] = defaultdict(list)
    rungs: dict[int, list[RungRecord]] = defaultdict(list)
    for row in connection.execute(queries.scores, parameters):
        if row.step is not None:
            measured = tuple(measurements.get(row.id, ()))
            rungs[row.cell_id].append(RungRecord(row.step, row.protocol_key, row.state, measured))
            continue
        scores[row.cell_id].append(
            ScoreRecord(
                score_id=row.id,
                level=row.level,
                is_primary=row.is_primary,
                state=row.state,
                failure=row.failure,
                failure_reason=row.failure_reason,
                measurements=tuple(measurements.get(row.id, ())),
            )
        )
    return tuple(
        _cell_record(row, tuple(scores[row.id]), tuple(rungs[row.id]))
        for row in connection.execute(queries.cells, parameters)
    )


def _cells_of(*which: ColumnElement[bool]) -> Select[Any]:
    of_cell = (
        CELL.c.id,
        CELL.c.phase,
        CELL.c.replicate,
        CELL.c.trial_number,
        CELL.c.excluded_reason,
    )
    of_run = (RUN.c.train_key, RUN.c.seed, RUN.c.state.label("run_state"), RUN.c.step, RUN.c.steps, RUN.c.images)
    outcome = (RUN.c.seconds, RUN.c.failure, RUN.c.failure_reason)
    waits = case((paused(), RUN.c.reached_step)).label("paused_at")
    states = cell_states(*which)
    return (
        select(*of_cell, CELL.c.run_id, ARM.c.name.label("arm_name"), states.c.state, *of_run, *outcome, waits)
        .join(ARM, ARM.c.id == CELL.c.arm_id)
        .join(RUN, RUN.c.id == CELL.c.run_id)
        .join(states, states.c.cell_id == CELL.c.id)
        .order_by(ARM.c.position, ARM.c.id, CELL.c.phase, CELL.c.replicate)
    )


def _scores_of(*which: ColumnElement[bool]) -> Select[Any]:
    of_score = (SCORE.c.id, SCORE.c.step, SCORE.c.protocol_key)
    ending = (SCORE.c.state, SCORE.c.failure, SCORE.c.failure_reason)
    return (
        select(SCORE_REQUEST.c.cell_id, SCORE_REQUEST.c.level, SCORE_REQUEST.c.is_primary, *of_score, *ending)
        .join(CELL, CELL.c.id == SCORE_REQUEST.c.cell_id)
        .join(SCORE, SCORE.c.id == SCORE_REQUEST.c.score_id)
        .where(*which)
        .order_by(SCORE_REQUEST.c.cell_id, SCORE_REQUEST.c.is_primary.desc(), SCORE.c.id)
    )


def _measurements_of(*which: ColumnElement[bool]) -> Select[Any]:
    of_cells = select(SCORE_REQUEST.c.score_id).join(CELL, CELL.c.id == SCORE_REQUEST.c.cell_id)
    return (
        select(MEASUREMENT)
        .where(MEASUREMENT.c.score_id.in_(of_cells.where(*which)))
        .order_by(MEASUREMENT.c.score_id, MEASUREMENT.c.name, MEASUREMENT.c.noise_set)
    )


def _cell_record(row: Any, scores: tuple[ScoreRecord, ...], rungs: tuple[RungRecord, ...]) -> CellRecord:
    return CellRecord(
        cell_id=row.id,
        arm_name=row.arm_name,
        phase=row.phase,
        replicate=row.replicate,
        trial_number=row.trial_number,
        excluded_reason=row.excluded_reason,
        state=row.state,
        run_id=row.run_id,
        run_state=row.run_state,
        train_key=row.train_key,
        seed=row.seed,
        step=row.step,
        steps=row.steps,
        images=row.images,
        seconds=row.seconds,
        failure=row.failure,
        failure_reason=row.failure_reason,
        scores=scores,
        rungs=rungs,
        paused_at=row.paused_at,
    )
