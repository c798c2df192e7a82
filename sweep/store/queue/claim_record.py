"""From rows to a `Claim`."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Connection, Integer, Select, String, bindparam, select

from sweep.store.records import ArtifactRecord, Claim
from sweep.store.sql.schema import ARTIFACT, ATTEMPT, RUN, SCORE
from sweep.store.states import WorkKind
from sweep.store.stored_config import eval_config, protocol, train_config

_CHECKPOINTS = 2


def run_row(connection: Connection, run_id: int) -> Any:
    """Read all columns of a run.

    Args:
        connection: Connection inside a transaction.
        run_id: Row id of the run.

    Returns:
        The row.

    Raises:
        NoResultFound: There is no such run.
    """
    return connection.execute(_run(), {"wanted": run_id}).one()


def held_claim(connection: Connection, study_id: int, worker_id: str, kind: WorkKind, work_id: int) -> Claim:
    """Build the claim of work that a worker holds already, once more.

    Args:
        connection: Connection inside a transaction.
        study_id: Row id of the study for which the worker works.
        worker_id: Id of the worker that holds the lease.
        kind: Whether the work is a run or a score.
        work_id: Row id of the run or of the score.

    Returns:
        The claim under the token that the worker already has.

    Raises:
        StoreMismatch: This version does not understand a stored config.
    """
    score: Any = None
    if kind == WorkKind.SCORE:
        score = connection.execute(select(SCORE).where(SCORE.c.id == work_id)).one()
    run = run_row(connection, work_id if score is None else score.run_id)
    attempt = connection.execute(
        select(ATTEMPT.c.id, ATTEMPT.c.file_tag).where(
            ATTEMPT.c.run_id == run.id,
            ATTEMPT.c.score_id.is_(None) if score is None else ATTEMPT.c.score_id == score.id,
            ATTEMPT.c.token == (run if score is None else score).token,
        )
    ).one()
    return claim_record(connection, study_id, worker_id, run, score, attempt)


def claim_record(
    connection: Connection, study_id: int, worker_id: str, run: Any, score: Any | None, attempt: Any
) -> Claim:
    """Build a claim: everything that a worker needs to begin the work or to continue it.

    Args:
        connection: Connection inside a transaction.
        study_id: Row id of the study for which the worker works.
        worker_id: Id of the worker that holds the lease.
        run: The row of the run.
        score: The row of the score that is to be made; None for a training.
        attempt: The row of the attempt, with its id and file tag.

    Returns:
        The claim, with the two newest checkpoints and the weights that are listed.

    Raises:
        StoreMismatch: This version does not understand a stored config.
    """
    held = run if score is None else score
    step = None if score is None else score.step
    weights = "rung" if step is not None and step < run.steps else "weights"
    files = artifacts_of(connection, run.id, "checkpoint", weights)
    return Claim(
        kind=WorkKind.TRAIN if score is None else WorkKind.SCORE,
        study_id=study_id,
        run_id=run.id,
        score_id=None if score is None else score.id,
        token=held.token,
        attempt_id=attempt.id,
        attempt_name=f"{held.token}.{attempt.file_tag}",
        worker_id=worker_id,
        train_config=train_config(run.config, of=f"run {run.id}"),
        eval_config=None if score is None else eval_config(score.config, of=f"score {score.id}"),
        protocol=None if score is None else protocol(score.protocol, of=f"score {score.id}"),
        step=run.step,
        images=run.images,
        micro_batches=run.micro_batches,
        crashes=held.crashes,
        checkpoints=tuple(file for file in files if file.kind == "checkpoint")[:_CHECKPOINTS],
        weights=next((file for file in files if file.kind == weights), None),
        until_step=run.until_step,
        score_step=step,
    )


def artifacts_of(connection: Connection, run_id: int, *kinds: str) -> tuple[ArtifactRecord, ...]:
    """List the files of some kinds of a run.

    Args:
        connection: Connection inside a transaction.
        run_id: Row id of the run.
        kinds: Kinds of files, such as `checkpoint`.

    Returns:
        The files, the newest step first.
    """
    query = connection.execute(_artifacts(), {"wanted": run_id, "kinds": kinds})
    return tuple(ArtifactRecord(*row) for row in query)


# Built once for a process: that takes longer than to run them.
@cache
def _run() -> Select[Any]:
    return select(RUN).where(RUN.c.id == bindparam("wanted", type_=Integer))


@cache
def _artifacts() -> Select[str, str, str, int, int]:
    which = (
        ARTIFACT.c.run_id == bindparam("wanted", type_=Integer),
        ARTIFACT.c.kind.in_(bindparam("kinds", type_=String, expanding=True)),
    )
    query = select(ARTIFACT.c.kind, ARTIFACT.c.path, ARTIFACT.c.sha256, ARTIFACT.c.bytes, ARTIFACT.c.step)
    return query.where(*which).order_by(ARTIFACT.c.step.desc(), ARTIFACT.c.id.desc())
