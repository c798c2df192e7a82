"""From rows to a `Claim`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from sweep.store.records import ArtifactRecord, Claim, Kind
from sweep.store.schema import ARTIFACT, ATTEMPT, RUN, SCORE
from sweep.store.stored_config import eval_config, protocol, train_config

_CHECKPOINTS = 2


def claim_record(connection: Connection, study_id: int, worker_id: str, kind: Kind, work_id: int) -> Claim:
    """Everything that a worker needs to begin or go on.

    Raises:
        StoreMismatch: a stored config means nothing to this version.
    """
    score: Any = None
    run_id = work_id
    if kind == "score":
        score = connection.execute(select(SCORE).where(SCORE.c.id == work_id)).one()
        run_id = score.run_id
    run: Any = connection.execute(select(RUN).where(RUN.c.id == run_id)).one()
    held = run if score is None else score
    attempt_id = connection.scalars(
        select(ATTEMPT.c.id).where(
            ATTEMPT.c.run_id == run_id,
            ATTEMPT.c.score_id == work_id if kind == "score" else ATTEMPT.c.score_id.is_(None),
            ATTEMPT.c.token == held.token,
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
        train_config=train_config(run.config, of=f"run {run_id}"),
        eval_config=None if score is None else eval_config(score.config, of=f"score {work_id}"),
        protocol=None if score is None else protocol(score.protocol, of=f"score {work_id}"),
        step=run.step,
        images=run.images,
        micro_batches=run.micro_batches,
        crashes=held.crashes,
        checkpoints=artifacts_of(connection, run_id, "checkpoint", limit=_CHECKPOINTS),
        weights=weights[0] if weights else None,
        until_step=run.until_step,
        score_step=step,
    )


def artifacts_of(
    connection: Connection, run_id: int, kind: str, *, limit: int | None = None
) -> tuple[ArtifactRecord, ...]:
    """Files of one kind of a run, newest step first."""
    query = (
        select(ARTIFACT.c.kind, ARTIFACT.c.path, ARTIFACT.c.sha256, ARTIFACT.c.bytes, ARTIFACT.c.step)
        .where(ARTIFACT.c.run_id == run_id, ARTIFACT.c.kind == kind)
        .order_by(ARTIFACT.c.step.desc(), ARTIFACT.c.id.desc())
        .limit(limit)
    )
    return tuple(ArtifactRecord(*row) for row in connection.execute(query))
