"""From rows to a `Claim`: the configs are checked again, so that nothing in the database can do harm."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection, select

from sweep.config.run import EvalConfig, Protocol, TrainConfig
from sweep.errors import StoreMismatch
from sweep.store.records import ArtifactRecord, Claim, Kind
from sweep.store.schema import ArtifactRow, AttemptRow, RunRow, ScoreRow

_CHECKPOINTS = 2

M = TypeVar("M", bound=BaseModel)


def claim_record(connection: Connection, study_id: int, worker_id: str, kind: Kind, work_id: int) -> Claim:
    """Everything that a worker needs to begin or go on.

    Raises:
        StoreMismatch: a stored config means nothing to this version.
    """
    score: Any = None
    run_id = work_id
    if kind == "score":
        score = connection.execute(select(ScoreRow.__table__).where(ScoreRow.id == work_id)).one()
        run_id = score.run_id
    run: Any = connection.execute(select(RunRow.__table__).where(RunRow.id == run_id)).one()
    held = run if score is None else score
    attempt_id = connection.scalars(
        select(AttemptRow.id).where(
            AttemptRow.run_id == run_id,
            AttemptRow.score_id == work_id if kind == "score" else AttemptRow.score_id.is_(None),
            AttemptRow.token == held.token,
        )
    ).one()
    step = None if score is None else score.step
    at_rung = step is not None and step < run.steps
    weights = artifacts_of(connection, run_id, "rung" if at_rung else "weights", limit=1)
    return Claim(
        kind=kind,
        study_id=study_id,
        run_id=run_id,
        score_id=None if score is None else work_id,
        token=held.token,
        attempt_id=attempt_id,
        worker_id=worker_id,
        train_config=_checked(TrainConfig, run.config, f"run {run_id}"),
        eval_config=None if score is None else _checked(EvalConfig, score.config, f"score {work_id}"),
        protocol=None if score is None else _checked(Protocol, score.protocol, f"score {work_id}"),
        step=run.step,
        images=run.images,
        micro_batches=run.micro_batches,
        crashes=held.crashes,
        checkpoints=artifacts_of(connection, run_id, "checkpoint", limit=_CHECKPOINTS),
        weights=weights[0] if weights else None,
        until_step=run.until_step,
        score_step=step,
    )


def _checked(model: type[M], stored: Any, what: str) -> M:
    try:
        return model.model_validate(stored)
    except ValidationError as error:
        first = error.errors()[0]
        raise StoreMismatch(
            f"{what} was stored by a version of sweep that this one does not understand",
            why=f"{'.'.join(map(str, first['loc']))}: {first['msg']}.",
            next="Use the version that made the study; sweep status shows it.",
        ) from error


def artifacts_of(
    connection: Connection, run_id: int, kind: str, *, limit: int | None = None
) -> tuple[ArtifactRecord, ...]:
    """Files of one kind of a run, newest step first."""
    query = (
        select(ArtifactRow.kind, ArtifactRow.path, ArtifactRow.sha256, ArtifactRow.bytes, ArtifactRow.step)
        .where(ArtifactRow.run_id == run_id, ArtifactRow.kind == kind)
        .order_by(ArtifactRow.step.desc(), ArtifactRow.id.desc())
        .limit(limit)
    )
    return tuple(ArtifactRecord(*row) for row in connection.execute(query))
