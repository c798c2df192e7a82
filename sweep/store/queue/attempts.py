"""How an attempt ends: trained, paused at a rung, complete, given back or failed.

Each verb is one transaction that begins with the fence, and may be repeated after a lost reply: an attempt that we
ended ourselves for the same reason counts as done.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, String, Update, bindparam, func, select, update

from sweep.redaction import clean, clean_json
from sweep.store.queue.device_load import ENDED_ATTEMPT, ITS_WORKER, workers_meanwhile
from sweep.store.queue.endings import drop_scores
from sweep.store.queue.events import write_event
from sweep.store.queue.leases import MAX_CRASHES, PROGRESSED, WORK, fence, lost
from sweep.store.queue.progress import write_artifacts
from sweep.store.records import ArtifactRecord, Claim, ScoreResult
from sweep.store.sql.clock import moment, now
from sweep.store.sql.schema import ATTEMPT, MEASUREMENT, RUN
from sweep.store.sql.transaction import Store
from sweep.store.sql.upsert import insert_or_replace
from sweep.store.states import AttemptEnd, FailureClass, FinalState, RunState, ScoreState, WorkKind


def finish_training(store: Store, claimed: Claim, *, weights: ArtifactRecord, parameters: int, seconds: float) -> None:
    """The run is trained: its scores may be made from now on.

    Args:
        weights: File with the raw and averaged weights.
        parameters: Trainable numbers of the net.
        seconds: That this attempt held the device; those of earlier attempts are added up.

    Raises:
        LeaseLost: nothing was written.
    """

    def work(connection: Connection) -> None:
        values = {
            "state": RunState.TRAINED,
            "parameters": parameters,
            "step": RUN.c.steps,
            "finished_at": moment(),
            "failure": None,
            "failure_reason": None,
        }
        if end_attempt(connection, claimed, values, AttemptEnd.TRAINED, seconds=seconds):
            write_artifacts(connection, claimed, [weights])

    store.write(work)


def pause_training(store: Store, claimed: Claim, *, weights: ArtifactRecord, seconds: float) -> None:
    """The run waits at a rung: its weights there may be scored, and nobody trains it until it may go on.

    Args:
        weights: File with the raw and averaged weights of the rung's step, of kind `rung`.
        seconds: That this attempt held the device.

    Raises:
        LeaseLost: nothing was written.
    """

    def work(connection: Connection) -> None:
        values = {"state": RunState.PLANNED, "reached_step": weights.step, "step": weights.step, **PROGRESSED}
        if end_attempt(connection, claimed, values, AttemptEnd.PAUSED, seconds=seconds):
            write_artifacts(connection, claimed, [weights])

    store.write(work)


def finish_score(store: Store, claimed: Claim, result: ScoreResult) -> None:
    """The score is complete.

    Raises:
        LeaseLost: nothing was written.
        ValueError: a measurement is not finite.
    """
    for measurement in result.measurements:
        if not math.isfinite(measurement.value):
            raise ValueError(f"measurement {measurement.name} is {measurement.value}; only finite numbers are scores")
    split = {
        "sampling_seconds": result.sampling_seconds,
        "features_seconds": result.features_seconds,
        "statistics_seconds": result.statistics_seconds,
    }

    def work(connection: Connection) -> None:
        values = {
            "state": ScoreState.COMPLETE,
            "samples_sha256": result.samples_sha256,
            "finished_at": moment(),
            "failure": None,
            "failure_reason": None,
            **split,
        }
        spent = sum(split.values())
        if not end_attempt(
            connection, claimed, values, AttemptEnd.COMPLETE, seconds=spent, peak_bytes=result.peak_bytes
        ):
            return
        rows = [
            {
                "score_id": claimed.score_id,
                "name": measurement.name,
                "noise_set": measurement.noise_set,
                "value": measurement.value,
                "standard_error": measurement.standard_error,
            }
            for measurement in result.measurements
        ]
        insert_or_replace(connection, MEASUREMENT, rows, key=("score_id", "name", "noise_set"))
        write_artifacts(connection, claimed, result.artifacts)

    store.write(work)


def release(
    store: Store, claimed: Claim, reason: FailureClass, *, delay: float = 0.0, seconds: float = 0.0, detail: str = ""
) -> None:
    """Give the work back unfinished, for example on preemption. Not a crash.

    Args:
        reason: One word, kept with the attempt.
        delay: Seconds before anybody may take it again.
        seconds: That this attempt held the device.
        detail: What somebody should know and mend; it is kept with the attempt, and written to the log.

    Raises:
        LeaseLost: it was not ours any more, so there is nothing to give back.
    """
    values = {"state": RunState.PLANNED, "not_before": now() + delay}
    ending = f"released: {reason}"[:32]
    detail = clean(detail)

    def work(connection: Connection) -> None:
        if end_attempt(connection, claimed, values, ending, seconds=seconds, detail=detail or None) and detail:
            what = f"{claimed.kind} {claimed.work_id} waits {delay:.0f} s: {detail}"
            write_event(connection, reason, what, study_id=claimed.study_id, run_id=claimed.run_id)

    store.write(work)


def fail(
    store: Store,
    claimed: Claim,
    failure: FailureClass,
    reason: str,
    *,
    final: bool,
    state: FinalState = FinalState.FAILED,
    delay: float = 0.0,
    seconds: float = 0.0,
    detail: Mapping[str, Any] | None = None,
) -> str:
    """The attempt failed. Not `final`: it is tried again, after `MAX_CRASHES` times in a row no more.

    Args:
        reason: For people: the error's text or traceback. Passwords in it are masked.
        state: Of a final failure: `infeasible` for a diverged training, `pruned` for one stopped by a pruner.
        delay: Seconds before the next try.
        seconds: That this attempt held the device.
        detail: Evidence for the log, such as the last losses.

    Returns:
        The state that the work is in now: `planned` or a final one.

    Raises:
        LeaseLost: nothing was written.
    """

    # Before the transaction: nobody waits for a lock while long texts are cleaned.
    reason, detail = clean(reason), clean_json(detail or {})

    def work(connection: Connection) -> str:
        table, _ = WORK[claimed.kind]
        crashes = connection.scalars(select(table.c.crashes).where(table.c.id == claimed.work_id)).one()
        ends = final or crashes >= MAX_CRASHES
        values: dict[str, Any] = {"crashes": table.c.crashes + 1, "failure": failure, "failure_reason": reason}
        if ends:
            values |= {"state": state if final else FinalState.FAILED, "finished_at": moment()}
        else:
            values |= {"state": RunState.PLANNED, "not_before": now() + delay}
        if end_attempt(connection, claimed, values, failure, seconds=seconds, detail=reason):
            if ends and claimed.kind == WorkKind.TRAIN:
                drop_scores(connection, [claimed.run_id], values["state"])
            what = f"{claimed.kind} {claimed.work_id}: {reason}"
            write_event(connection, failure, what, study_id=claimed.study_id, run_id=claimed.run_id, detail=detail)
        return str(connection.scalars(select(table.c.state).where(table.c.id == claimed.work_id)).one())

    return store.write(work)


def end_attempt(
    connection: Connection,
    claimed: Claim,
    values: Mapping[str, Any],
    reason: str,
    *,
    seconds: float,
    detail: str | None = None,
    peak_bytes: int | None = None,
) -> bool:
    """Close the attempt and the lease; False when we had done so before and only the reply was lost."""
    table, _ = WORK[claimed.kind]
    ending = {"owner": None, "lease_until": None, "seconds": table.c.seconds + seconds, **values}
    if not fence(connection, claimed, ending):
        if connection.scalars(select(ATTEMPT.c.end_reason).where(ATTEMPT.c.id == claimed.attempt_id)).one() == reason:
            return False
        raise lost(claimed)
    parameters = {"why": reason, "said": None if detail is None else clean(detail), "most_bytes": peak_bytes}
    which = {ENDED_ATTEMPT.key: claimed.attempt_id, ITS_WORKER.key: claimed.worker_id}
    connection.execute(_ending(), parameters | which)
    return True


@cache
def _ending() -> Update:
    # Built once for a process: that takes longer than to run it.
    return (
        update(ATTEMPT)
        .where(ATTEMPT.c.id == ENDED_ATTEMPT)
        .values(
            ended_at=moment(),
            end_reason=bindparam("why", type_=String),
            device_workers=workers_meanwhile(),
            detail=bindparam("said", type_=String),
            peak_bytes=func.coalesce(bindparam("most_bytes", type_=BigInteger), ATTEMPT.c.peak_bytes),
        )
    )
