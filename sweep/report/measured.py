"""What was measured of each run: scores under the protocol that decides, and by cheaper ones on the way."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Engine, select

from sweep.report.query import frame_of
from sweep.report.words import changes_in_words
from sweep.store.schema import CellRow, MeasurementRow, ReadingRow, RunRow, ScoreRow

MEAN = -1
"""`measurement.noise_set` of the mean over noise sets."""


def readings_of(engine: Engine, mine: ColumnElement[bool]) -> pd.DataFrame:
    """One row a cell and score asked for, under any protocol."""
    readings = frame_of(
        engine,
        select(
            *(CellRow.id.label("cell_id"), CellRow.arm_id, CellRow.phase, CellRow.replicate, CellRow.run_id),
            *(ReadingRow.score_id, ReadingRow.level, ReadingRow.is_primary, ScoreRow.config.label("eval_config")),
            *(ScoreRow.protocol_key, ScoreRow.state.label("score_state"), ScoreRow.failure.label("score_failure")),
            *(ScoreRow.failure_reason.label("score_reason"), ScoreRow.sampling_seconds, ScoreRow.features_seconds),
            ScoreRow.statistics_seconds,
        )
        .join(CellRow, CellRow.id == ReadingRow.cell_id)
        .join(ScoreRow, ScoreRow.id == ReadingRow.score_id)
        .where(mine, ScoreRow.step.is_(None)),
    )
    readings["reading"] = [changes_in_words(level) or "baseline level" for level in readings["level"]]
    return readings.astype({"is_primary": bool})


def rungs_of(engine: Engine, mine: ColumnElement[bool]) -> pd.DataFrame:
    """Scores by cheaper protocols and on the way: cell_id, arm_id, run_id, step, steps, images, n, metric, value."""
    found = frame_of(
        engine,
        select(
            *(CellRow.id.label("cell_id"), CellRow.arm_id, CellRow.run_id, ScoreRow.step, RunRow.steps),
            *(RunRow.config, ScoreRow.protocol, MeasurementRow.name.label("metric"), MeasurementRow.value),
        )
        .join(ReadingRow, ReadingRow.cell_id == CellRow.id)
        .join(ScoreRow, ScoreRow.id == ReadingRow.score_id)
        .join(RunRow, RunRow.id == CellRow.run_id)
        .join(MeasurementRow, MeasurementRow.score_id == ScoreRow.id)
        .where(mine, ScoreRow.step.is_not(None), MeasurementRow.noise_set == MEAN, CellRow.excluded_reason.is_(None))
        .order_by(ScoreRow.step, ScoreRow.id),
    )
    batches = pd.Series([config["batch"] for config in found["config"]], found.index, dtype=int)
    found = found.assign(images=found["step"] * batches, n=[protocol["n"] for protocol in found["protocol"]])
    return found.drop(columns=["config", "protocol"]).astype({"value": float})


def scores_of(engine: Engine, mine: ColumnElement[bool], readings: pd.DataFrame) -> pd.DataFrame:
    """One row a reading and metric: the finite mean over noise sets, and what each set gave."""
    measured = frame_of(
        engine,
        select(
            *(MeasurementRow.score_id, MeasurementRow.name.label("metric"), MeasurementRow.noise_set),
            *(MeasurementRow.value, MeasurementRow.standard_error),
        )
        .join(ReadingRow, ReadingRow.score_id == MeasurementRow.score_id)
        .join(CellRow, CellRow.id == ReadingRow.cell_id)
        .where(mine)
        .distinct()
        .order_by(MeasurementRow.score_id, MeasurementRow.name, MeasurementRow.noise_set),
    )
    measured = measured.astype({"value": float, "standard_error": float})
    measured = measured[np.isfinite(measured["value"])]
    mean = measured[measured["noise_set"] == MEAN].drop(columns="noise_set")
    sets: dict[tuple[int, str], dict[int, tuple[float, float]]] = {}
    single = measured[measured["noise_set"] != MEAN]
    for score, metric, noise_set, value, error in single.itertuples(index=False):
        sets.setdefault((score, metric), {})[int(noise_set)] = (value, error)
    found = [sets.get(key, {}) for key in zip(mean["score_id"], mean["metric"], strict=True)]
    mean["noise_values"] = pd.Series([{k: v[0] for k, v in each.items()} for each in found], mean.index, dtype=object)
    mean["noise_errors"] = pd.Series([{k: v[1] for k, v in each.items()} for each in found], mean.index, dtype=object)
    return readings.drop(columns=["score_state", "score_failure", "score_reason"]).merge(mean, on="score_id")
