"""What the holder of a lease writes on the way: curves, checkpoints, a smaller memory need. All of it fenced."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from sweep.redaction import clean
from sweep.store.queue.claim_record import artifacts_of
from sweep.store.queue.device_load import SPEED, WORKERS, workers_now
from sweep.store.queue.events import write_event
from sweep.store.queue.leases import COUNTS_RESET, fence_or_raise
from sweep.store.records import ArtifactRecord, Claim, ExecutionRecord, MetricPoint
from sweep.store.sql.schema import ARTIFACT, ATTEMPT, METRIC, RUN
from sweep.store.sql.transaction import Store
from sweep.store.sql.upsert import insert_missing, insert_or_replace
from sweep.store.states import EventKind, WorkKind


def progress(
    store: Store,
    claimed: Claim,
    *,
    step: int,
    images: int,
    points: Sequence[MetricPoint] = (),
    checkpoint: ArtifactRecord | None = None,
    keep: int = 2,
    peak_bytes: int | None = None,
    execution: ExecutionRecord | None = None,
) -> tuple[ArtifactRecord, ...]:
    """Record how far a training is, its new points and its newest checkpoint: all of it or nothing.

    Points at the same name and step are replaced. A value that is not finite is stored as NULL and noted in the log.
    A step further than any before clears the counts of crashes and of lost workers: whatever the run cannot survive
    would come at the same step again.

    Args:
        store: The open database.
        claimed: The claim of the run, as `claim` returned it.
        step: Optimizer steps that are done.
        images: Images seen by then.
        points: New points of curves.
        checkpoint: The checkpoint that was just written; None for none.
        keep: Number of newest checkpoints that stay listed.
        peak_bytes: The most memory that the attempt has taken so far, in bytes, where it is known.
        execution: How the training step is run, where it is known.

    Returns:
        Checkpoints that are not listed any more: their files may be deleted now. After a lost reply there are none; see
        `artifacts`.

    Raises:
        LeaseLost: Another worker holds the run now, or it was cancelled; nothing was written.
    """

    assert claimed.kind == WorkKind.TRAIN

    def work(connection: Connection) -> tuple[ArtifactRecord, ...]:
        values: dict[str, Any] = {"step": step, "images": images}
        if step > _furthest(connection, claimed.run_id):
            values |= COUNTS_RESET
        fence_or_raise(connection, claimed, values)
        reached = {"last_step": step, **execution_columns(execution)}
        if peak_bytes is not None:
            reached["peak_bytes"] = peak_bytes
        connection.execute(update(ATTEMPT).where(ATTEMPT.c.id == claimed.attempt_id).values(reached))
        _write_points(connection, claimed, [*points, *_beside(connection, claimed, points)])
        if checkpoint is None:
            return ()
        write_artifacts(connection, claimed, [checkpoint])
        old = artifacts_of(connection, claimed.run_id, "checkpoint")[keep:]
        connection.execute(delete(ARTIFACT).where(ARTIFACT.c.path.in_([artifact.path for artifact in old])))
        return old

    return store.write(work)


def set_micro_batches(store: Store, claimed: Claim, micro_batches: int) -> None:
    """Split each batch of a run into more parts from now on, after it ran out of memory. The number only grows.

    This clears the count of crashes, because the next attempt needs less memory. The size of the batch bounds how often
    that can happen.

    Args:
        store: The open database.
        claimed: The claim of the run, as `claim` returned it.
        micro_batches: Number of parts into which each batch is split; a smaller number than before changes nothing.

    Raises:
        LeaseLost: Another worker holds the run now, or it was cancelled; nothing was written.
    """

    def work(connection: Connection) -> None:
        fence_or_raise(connection, claimed, {"micro_batches": RUN.c.micro_batches})
        more = (RUN.c.id == claimed.run_id, RUN.c.micro_batches < micro_batches)
        if connection.execute(update(RUN).where(*more).values(micro_batches=micro_batches, **COUNTS_RESET)).rowcount:
            what = f"run {claimed.run_id} goes on with {micro_batches} micro-batches"
            write_event(connection, EventKind.MICRO_BATCHES, what, study_id=claimed.study_id, run_id=claimed.run_id)

    store.write(work)


def forget_artifact(store: Store, claimed: Claim, path: str, reason: str) -> None:
    """Take a damaged or missing file off the list, so that nobody relies on it again.

    Args:
        store: The open database.
        claimed: The claim of the run or of one of its scores.
        path: Path of the file under the store's folder.
        reason: What is wrong with the file, for the log.

    Raises:
        LeaseLost: Another worker holds the work now, or it was cancelled; nothing was written.
    """

    def work(connection: Connection) -> None:
        fence_or_raise(connection, claimed, {"token": claimed.token})
        gone = delete(ARTIFACT).where(ARTIFACT.c.run_id == claimed.run_id, ARTIFACT.c.path == path)
        if connection.execute(gone).rowcount:
            what = f"{path} is not used any more: {reason}"
            write_event(connection, EventKind.ARTIFACT, what, study_id=claimed.study_id, run_id=claimed.run_id)

    store.write(work)


def write_artifacts(connection: Connection, claimed: Claim, artifacts: Sequence[ArtifactRecord]) -> None:
    """List the files that were made under a lease. A path that is listed already stays as it is.

    Args:
        connection: Connection inside a writing transaction, after the fence.
        claimed: The claim of the work that made the files.
        artifacts: The files.
    """
    rows = [
        {
            "run_id": claimed.run_id,
            "score_id": claimed.score_id,
            "kind": artifact.kind,
            "path": artifact.path,
            "sha256": artifact.sha256,
            "bytes": artifact.bytes,
            "step": artifact.step,
            "token": claimed.token,
        }
        for artifact in artifacts
    ]
    insert_missing(connection, ARTIFACT, rows)


def execution_columns(execution: ExecutionRecord | None) -> dict[str, Any]:
    """Columns of an attempt that say how it ran its step; none where that is not known.

    Args:
        execution: How it was run.
    """
    if execution is None:
        return {}
    return {"execution": execution.execution, "execution_reason": clean(execution.reason) or None}


def _furthest(connection: Connection, run_id: int) -> int:
    reached = select(func.max(ATTEMPT.c.last_step)).where(ATTEMPT.c.run_id == run_id, ATTEMPT.c.score_id.is_(None))
    return int(connection.scalars(reached).one())


def _beside(connection: Connection, claimed: Claim, points: Sequence[MetricPoint]) -> list[MetricPoint]:
    """Of a speed, beside how many it was measured: a point of its own at the same step."""
    timed = [point for point in points if point.name == SPEED]
    if not timed:
        return []
    workers = workers_now(connection, claimed.worker_id)
    return [MetricPoint(WORKERS, point.step, point.images, float(workers)) for point in timed]


def _write_points(connection: Connection, claimed: Claim, points: Sequence[MetricPoint]) -> None:
    rows = {
        (point.name, point.step): {
            "run_id": claimed.run_id,
            "name": point.name,
            "step": point.step,
            "images": point.images,
            "value": point.value if point.value is not None and math.isfinite(point.value) else None,
            "token": claimed.token,
        }
        for point in points
    }
    insert_or_replace(connection, METRIC, list(rows.values()), key=("run_id", "name", "step"))
    broken = [point for point in points if point.value is not None and not math.isfinite(point.value)]
    if broken:
        first = broken[0]
        what = f"{first.name} is {first.value} at step {first.step}"
        detail = {"points": [[point.name, point.step, str(point.value)] for point in broken[:20]]}
        write_event(
            connection, EventKind.NOT_FINITE, what, study_id=claimed.study_id, run_id=claimed.run_id, detail=detail
        )
