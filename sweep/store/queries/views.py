"""What a study holds: its cells with their scores, its curves, its files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from sweep.errors import UsageError
from sweep.store.cell_records import CellRecord
from sweep.store.queries.cells import cell_records
from sweep.store.queries.disks import full_disks
from sweep.store.queries.status import (
    count_cells_by_state,
    count_rows,
    count_unfinished_and_delayed,
    failures,
    running,
    unfinished_work,
)
from sweep.store.queue.claim_record import artifacts_of
from sweep.store.queue.leases import WORK
from sweep.store.records import ArtifactRecord, MetricPoint, WorkerRecord
from sweep.store.sql.schema import (
    ARTIFACT,
    ATTEMPT,
    CELL,
    METRIC,
    RUN,
    SCORE,
    STUDY,
    WORKER,
)
from sweep.store.sql.transaction import Store
from sweep.store.states import AttemptEnd
from sweep.store.status_records import ArmStatus, StatusRecord, WorkLeft
from sweep.store.stored_config import eval_config, train_config
from sweep.store.studies.studies import newest_revision, study_record

if TYPE_CHECKING:
    from sweep.config.run import EvalConfig, TrainConfig


def cells(store: Store, study_id: int) -> tuple[CellRecord, ...]:
    """Read every cell of a study with its run, scores and measurements.

    Args:
        store: The open database.
        study_id: Row id of the study.

    Returns:
        The cells in the order of the report: by arm, phase and replicate.
    """
    return store.read(lambda connection: cell_records(connection, CELL.c.study_id == study_id))


def status(store: Store, study_id: int) -> StatusRecord:
    """Read how far a study is. Nothing is written: a lease whose time is over is shown as stale and left alone.

    Args:
        store: The open database.
        study_id: Row id of the study.

    Returns:
        The study, the counts of its arms, what is under way, what failed and what is left, all of one moment.

    Raises:
        StoreError: The study is not in this database any more.
    """

    def work(connection: Connection) -> StatusRecord:
        study = study_record(connection, STUDY.c.id == study_id)
        by_arm = count_cells_by_state(connection, study_id)
        (runs, waiting_runs), (scores, waiting_scores) = (
            count_unfinished_and_delayed(connection, study_id, kind) for kind in WORK
        )
        return StatusRecord(
            study=study,
            arms=tuple(ArmStatus(arm.name, arm.is_baseline, by_arm[arm.name]) for arm in study.arms),
            running=tuple(running(connection, study_id)),
            failures=tuple(failures(connection, study_id)),
            runs_left=runs,
            scores_left=scores,
            delayed=waiting_runs + waiting_scores,
            full_disks=full_disks(connection, study_id),
        )

    return store.read(work)


def work_left(store: Store, study_id: int) -> WorkLeft:
    """Count what is left of a study, for a worker that found nothing to claim.

    Args:
        store: The open database.
        study_id: Row id of the study.

    Returns:
        The study's state, its newest file, and how many runs and scores are not finished.
    """

    def work(connection: Connection) -> WorkLeft:
        runs, scores = (count_rows(connection, unfinished_work(study_id, kind)) for kind in WORK)
        state = connection.scalars(select(STUDY.c.state).where(STUDY.c.id == study_id)).one()
        return WorkLeft(state, newest_revision(connection, study_id).spec, runs, scores)

    return store.read(work)


def run_config(store: Store, run_id: int) -> TrainConfig:
    """Read what a run trains.

    Args:
        store: The open database.
        run_id: Row id of the run.

    Returns:
        The training config of the run, checked again.

    Raises:
        UsageError: There is no such run.
        StoreMismatch: This version does not understand the stored config.
    """
    query = select(RUN.c.config).where(RUN.c.id == run_id)
    config = store.read(lambda connection: connection.execute(query).scalar_one_or_none())
    if config is None:
        raise UsageError(f"there is no run {run_id} in this store", next="sweep trials lists the runs of a study.")
    return train_config(config, of=f"run {run_id}")


def score_config(store: Store, score_id: int) -> EvalConfig:
    """Read how the images of a score are sampled.

    Args:
        store: The open database.
        score_id: Row id of the score.

    Returns:
        The evaluation config of the score, checked again.

    Raises:
        StoreMismatch: This version does not understand the stored config.
    """
    query = select(SCORE.c.config).where(SCORE.c.id == score_id)
    config = store.read(lambda connection: connection.execute(query).scalar_one())
    return eval_config(config, of=f"score {score_id}")


def weights_of_run(store: Store, run_id: int) -> ArtifactRecord | None:
    """Find the weights of a finished training.

    Args:
        store: The open database.
        run_id: Row id of the run.

    Returns:
        Their file; None where the training has not ended.
    """
    files = store.read(lambda connection: artifacts_of(connection, run_id, "weights"))
    return files[0] if files else None


def trained_by(store: Store, run_id: int) -> WorkerRecord | None:
    """Find the worker that brought a training to its end.

    Args:
        store: The open database.
        run_id: Row id of the run.

    Returns:
        The worker of the newest attempt that ended as `trained`; None where there is none.
    """
    query = (
        select(WORKER)
        .join(ATTEMPT, ATTEMPT.c.worker_id == WORKER.c.id)
        .where(ATTEMPT.c.run_id == run_id, ATTEMPT.c.score_id.is_(None), ATTEMPT.c.end_reason == AttemptEnd.TRAINED)
        .order_by(ATTEMPT.c.token.desc())
        .limit(1)
    )
    row = store.read(lambda connection: connection.execute(query).one_or_none())
    return None if row is None else WorkerRecord(*(getattr(row, name) for name in WorkerRecord.__slots__))


def curves(store: Store, run_ids: Sequence[int], name: str | None = None) -> dict[int, tuple[MetricPoint, ...]]:
    """Read the curves of some runs.

    Args:
        store: The open database.
        run_ids: Row ids of the runs.
        name: Name of one metric, such as `train_loss`; None for all.

    Returns:
        Run id -> its points, sorted by name and step. A run without points has an empty tuple.
    """
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
