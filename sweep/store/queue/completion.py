"""Work that was done: a training that is finished or waits at a rung, and a score that is complete."""

from __future__ import annotations

import math

from sqlalchemy import Connection, update

from sweep.diffusion.facts import ScheduleFacts
from sweep.store.queue.attempts import end_attempt
from sweep.store.queue.leases import COUNTS_RESET
from sweep.store.queue.progress import execution_columns, write_artifacts
from sweep.store.records import ArtifactRecord, Claim, ScoreResult
from sweep.store.sql.clock import moment
from sweep.store.sql.schedule_columns import schedule_columns
from sweep.store.sql.schema import ATTEMPT, MEASUREMENT, RUN
from sweep.store.sql.transaction import Store
from sweep.store.sql.upsert import insert_or_replace
from sweep.store.states import AttemptEnd, RunState, ScoreState


def finish_training(
    store: Store,
    claimed: Claim,
    *,
    weights: ArtifactRecord,
    parameters: int,
    seconds: float,
    facts: ScheduleFacts | None = None,
) -> None:
    """Record that a run is trained: its scores may be made from now on.

    Args:
        store: The open database.
        claimed: The claim of the run, as `claim` returned it.
        weights: File with the raw and averaged weights.
        parameters: Number of trainable values of the net.
        seconds: Seconds for which this attempt held the device; those of earlier attempts are added up.
        facts: Facts of the schedule, where they were not known when the run was planned; None: as they are.

    Raises:
        LeaseLost: Another worker holds the run now, or it was cancelled; nothing was written.
    """

    def work(connection: Connection) -> None:
        values = {
            "state": RunState.TRAINED,
            "parameters": parameters,
            "step": RUN.c.steps,
            "finished_at": moment(),
            "failure": None,
            "failure_reason": None,
            **({} if facts is None else schedule_columns(facts)),
        }
        if end_attempt(connection, claimed, values, AttemptEnd.TRAINED, seconds=seconds):
            write_artifacts(connection, claimed, [weights])

    store.write(work)


def pause_training(store: Store, claimed: Claim, *, weights: ArtifactRecord, seconds: float) -> None:
    """Record that a run waits at a rung: its weights there may be scored, and nobody trains it until it is promoted.

    Args:
        store: The open database.
        claimed: The claim of the run, as `claim` returned it.
        weights: File with the raw and averaged weights at the rung's step, of kind `rung`.
        seconds: Seconds for which this attempt held the device.

    Raises:
        LeaseLost: Another worker holds the run now, or it was cancelled; nothing was written.
    """

    def work(connection: Connection) -> None:
        values = {"state": RunState.PLANNED, "reached_step": weights.step, "step": weights.step, **COUNTS_RESET}
        if end_attempt(connection, claimed, values, AttemptEnd.PAUSED, seconds=seconds):
            write_artifacts(connection, claimed, [weights])

    store.write(work)


def finish_score(store: Store, claimed: Claim, result: ScoreResult) -> None:
    """Record that a score is complete, with its measurements and files.

    Args:
        store: The open database.
        claimed: The claim of the score, as `claim` returned it.
        result: Measurements, files, and the seconds of each part of the scoring.

    Raises:
        LeaseLost: Another worker holds the score now, or it was cancelled; nothing was written.
        ValueError: A measurement is not finite.
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
        execution = execution_columns(result.execution)
        if execution:
            connection.execute(update(ATTEMPT).where(ATTEMPT.c.id == claimed.attempt_id).values(execution))
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
