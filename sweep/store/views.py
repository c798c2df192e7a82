"""What a study holds: its cells with their scores, its curves, its files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, case, select

from sweep.errors import UsageError
from sweep.store.leases import WORK, paused
from sweep.store.overview import cell_states, count, counts, failures, left, left_and_delayed, running
from sweep.store.records import ArtifactRecord, Measurement, MetricPoint, WorkerRecord
from sweep.store.registry import newest_revision, study_record
from sweep.store.schema import (
    ARM,
    ARTIFACT,
    ATTEMPT,
    CELL,
    MEASUREMENT,
    METRIC,
    READING,
    RUN,
    SCORE,
    STUDY,
    WORKER,
)
from sweep.store.snapshots import ArmStatus, CellRecord, RungRecord, ScoreRecord, StatusRecord, WorkLeft
from sweep.store.stored_config import train_config
from sweep.store.transaction import Store

if TYPE_CHECKING:
    from sweep.config.run import TrainConfig


def cells(store: Store, study_id: int) -> tuple[CellRecord, ...]:
    """Every cell of a study with its run, scores and measurements, in the order of the report."""
    return store.read(lambda connection: cell_records(connection, CELL.c.study_id == study_id))


def status(store: Store, study_id: int) -> StatusRecord:
    """How far a study is. Reads only; a stale lease is shown, not judged."""

    def work(connection: Connection) -> StatusRecord:
        study = study_record(connection, STUDY.c.id == study_id)
        by_arm = counts(connection, study_id)
        (runs, waiting_runs), (scores, waiting_scores) = (left_and_delayed(connection, study_id, kind) for kind in WORK)
        return StatusRecord(
            study=study,
            arms=tuple(ArmStatus(arm.name, arm.is_baseline, by_arm[arm.name]) for arm in study.arms),
            running=tuple(running(connection, study_id)),
            failures=tuple(failures(connection, study_id)),
            runs_left=runs,
            scores_left=scores,
            delayed=waiting_runs + waiting_scores,
        )

    return store.read(work)


def work_left(store: Store, study_id: int) -> WorkLeft:
    """What a worker asks when it finds no work: whether any is left at all."""

    def work(connection: Connection) -> WorkLeft:
        runs, scores = (count(connection, left(study_id, kind)) for kind in WORK)
        study = connection.execute(select(STUDY.c.state, STUDY.c.advisor_owner).where(STUDY.c.id == study_id)).one()
        advised = study.advisor_owner is not None
        return WorkLeft(study.state, newest_revision(connection, study_id).spec, runs, scores, advised)

    return store.read(work)


def run_config(store: Store, run_id: int) -> TrainConfig:
    """What a run trains.

    Raises:
        UsageError: there is no such run.
        StoreMismatch: this version does not understand its config.
    """
    query = select(RUN.c.config).where(RUN.c.id == run_id)
    config = store.read(lambda connection: connection.execute(query).scalar_one_or_none())
    if config is None:
        raise UsageError(f"there is no run {run_id} in this store", next="sweep trials lists the runs of a study.")
    return train_config(config, of=f"run {run_id}")


def trained_by(store: Store, run_id: int) -> WorkerRecord | None:
    """The worker that brought a training to its end; None before that."""
    query = (
        select(WORKER)
        .join(ATTEMPT, ATTEMPT.c.worker_id == WORKER.c.id)
        .where(ATTEMPT.c.run_id == run_id, ATTEMPT.c.score_id.is_(None), ATTEMPT.c.end_reason == "trained")
        .order_by(ATTEMPT.c.token.desc())
        .limit(1)
    )
    found = store.read(lambda connection: connection.execute(query).one_or_none())
    return None if found is None else WorkerRecord(*(getattr(found, name) for name in WorkerRecord.__slots__))


def curves(store: Store, run_ids: Sequence[int], name: str | None = None) -> dict[int, tuple[MetricPoint, ...]]:
    """Points of some runs by run id, sorted by name and step; of one metric, or of all."""
    query = (
        select(METRIC.c.run_id, METRIC.c.name, METRIC.c.step, METRIC.c.images, METRIC.c.value)
        .where(METRIC.c.run_id.in_(run_ids))
        .order_by(METRIC.c.run_id, METRIC.c.name, METRIC.c.step)
    )
    if name is not None:
        query = query.where(METRIC.c.name == name)

    def work(connection: Connection) -> dict[int, tuple[MetricPoint, ...]]:
        points: dict[int, list[MetricPoint]] = {run_id: [] for run_id in run_ids}
        for row in connection.execute(query):
            points[row.run_id].append(MetricPoint(row.name, row.step, row.images, row.value))
        return {run_id: tuple(of_run) for run_id, of_run in points.items()}

    return store.read(work)


def artifacts(store: Store) -> tuple[ArtifactRecord, ...]:
    """Every listed file, by path: a file under the store's folder that is not here may be deleted."""
    query = select(ARTIFACT.c.kind, ARTIFACT.c.path, ARTIFACT.c.sha256, ARTIFACT.c.bytes, ARTIFACT.c.step)

    def work(connection: Connection) -> tuple[ArtifactRecord, ...]:
        return tuple(ArtifactRecord(*row) for row in connection.execute(query.order_by(ARTIFACT.c.path)))

    return store.read(work)


def cell_records(connection: Connection, *which: ColumnElement[bool]) -> tuple[CellRecord, ...]:
    """The cells of a condition, inside a transaction."""
    measurements = _measurements(connection, *which)
    scores: dict[int, list[ScoreRecord]] = defaultdict(list)
    rungs: dict[int, list[RungRecord]] = defaultdict(list)
    for row in connection.execute(_scores_of(*which)):
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
        _cell_record(row, tuple(scores[row.id]), tuple(rungs[row.id])) for row in connection.execute(_cells_of(*which))
    )


def _cells_of(*which: ColumnElement[bool]) -> Any:
    of_cell = (
        CELL.c.id,
        CELL.c.phase,
        CELL.c.replicate,
        CELL.c.trial_number,
        CELL.c.told,
        CELL.c.excluded_reason,
    )
    of_run = (RUN.c.train_key, RUN.c.state.label("run_state"), RUN.c.step, RUN.c.steps, RUN.c.images)
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


def _scores_of(*which: ColumnElement[bool]) -> Any:
    of_score = (SCORE.c.id, SCORE.c.step, SCORE.c.protocol_key)
    ending = (SCORE.c.state, SCORE.c.failure, SCORE.c.failure_reason)
    return (
        select(READING.c.cell_id, READING.c.level, READING.c.is_primary, *of_score, *ending)
        .join(CELL, CELL.c.id == READING.c.cell_id)
        .join(SCORE, SCORE.c.id == READING.c.score_id)
        .where(*which)
        .order_by(READING.c.cell_id, READING.c.is_primary.desc(), SCORE.c.id)
    )


def _measurements(connection: Connection, *which: ColumnElement[bool]) -> dict[int, list[Measurement]]:
    of_cells = select(READING.c.score_id).join(CELL, CELL.c.id == READING.c.cell_id)
    rows = connection.execute(
        select(MEASUREMENT)
        .where(MEASUREMENT.c.score_id.in_(of_cells.where(*which)))
        .order_by(MEASUREMENT.c.score_id, MEASUREMENT.c.name, MEASUREMENT.c.noise_set)
    )
    found: dict[int, list[Measurement]] = defaultdict(list)
    for row in rows:
        found[row.score_id].append(Measurement(row.name, row.noise_set, row.value, row.standard_error))
    return found


def _cell_record(row: Any, scores: tuple[ScoreRecord, ...], rungs: tuple[RungRecord, ...]) -> CellRecord:
    return CellRecord(
        cell_id=row.id,
        arm_name=row.arm_name,
        phase=row.phase,
        replicate=row.replicate,
        trial_number=row.trial_number,
        told=row.told,
        excluded_reason=row.excluded_reason,
        state=row.state,
        run_id=row.run_id,
        run_state=row.run_state,
        train_key=row.train_key,
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
