"""The scores of each run: under the deciding protocol, and under cheaper ones at the rungs of a search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Engine, func, select

from sweep.config.conditioning import with_defaults
from sweep.config.earlier_weights import CheckpointSettings
from sweep.reporting.formatting import changes_in_words
from sweep.reporting.frames.query import frame_of
from sweep.store.records import OVER_NOISE_SETS
from sweep.store.sql.schema import CELL, MEASUREMENT, RUN, SCORE, SCORE_REQUEST
from sweep.store.states import ScoreState


def requested_scores_of(engine: Engine, is_included: ColumnElement[bool]) -> pd.DataFrame:
    """One row for each cell and requested score, under any protocol.

    Args:
        engine: Connection to the store.
        is_included: Condition on CELL that selects the cells.
    """
    requested = frame_of(
        engine,
        select(
            *(CELL.c.id.label("cell_id"), CELL.c.arm_id, CELL.c.phase, CELL.c.replicate, CELL.c.run_id),
            *(
                SCORE_REQUEST.c.score_id,
                SCORE_REQUEST.c.level,
                SCORE_REQUEST.c.is_primary,
                SCORE.c.config.label("eval_config"),
            ),
            *(SCORE.c.protocol_key, SCORE.c.state.label("score_state"), SCORE.c.failure.label("score_failure")),
            *(SCORE.c.failure_reason.label("score_reason"), SCORE.c.sampling_seconds, SCORE.c.features_seconds),
            SCORE.c.statistics_seconds,
        )
        .join(CELL, CELL.c.id == SCORE_REQUEST.c.cell_id)
        .join(SCORE, SCORE.c.id == SCORE_REQUEST.c.score_id)
        .where(is_included, SCORE.c.step.is_(None)),
    )
    configs = [with_defaults(CheckpointSettings, config) for config in requested["eval_config"]]
    requested["eval_config"] = pd.Series(configs, requested.index, dtype=object)
    requested["evaluation_level"] = [changes_in_words(level) or "baseline level" for level in requested["level"]]
    return requested.astype({"is_primary": bool})


def left_out_scores(engine: Engine, is_included: ColumnElement[bool], protocol_keys: Sequence[str]) -> int:
    """Complete scores of these cells' runs under protocols that the study had before; those at rungs do not count.

    A new protocol replaces what cells ask for, so that no request leads to the earlier scores.

    Args:
        engine: Connection to the store.
        is_included: Condition on CELL that selects the cells.
        protocol_keys: Keys of the protocols of all revisions, oldest first; the last one decides.
    """
    earlier = set(protocol_keys) - {protocol_keys[-1]}
    counted = frame_of(
        engine,
        select(func.count().label("scores")).where(
            SCORE.c.run_id.in_(select(CELL.c.run_id).where(is_included)),
            SCORE.c.protocol_key.in_(earlier),
            SCORE.c.state == ScoreState.COMPLETE,
            SCORE.c.step.is_(None),
        ),
    )
    return int(counted["scores"].iloc[0])


def rung_scores_of(engine: Engine, is_included: ColumnElement[bool]) -> pd.DataFrame:
    """Scores at rungs, under cheaper protocols: cell_id, arm_id, run_id, step, steps, images, n, metric, value.

    Args:
        engine: Connection to the store.
        is_included: Condition on CELL that selects the cells.
    """
    by_noise_set = frame_of(
        engine,
        select(
            *(CELL.c.id.label("cell_id"), CELL.c.arm_id, CELL.c.run_id, SCORE.c.step, RUN.c.steps),
            *(RUN.c.config, SCORE.c.protocol, MEASUREMENT.c.name.label("metric"), MEASUREMENT.c.value),
        )
        .join(SCORE_REQUEST, SCORE_REQUEST.c.cell_id == CELL.c.id)
        .join(SCORE, SCORE.c.id == SCORE_REQUEST.c.score_id)
        .join(RUN, RUN.c.id == CELL.c.run_id)
        .join(MEASUREMENT, MEASUREMENT.c.score_id == SCORE.c.id)
        .where(
            is_included,
            SCORE.c.step.is_not(None),
            MEASUREMENT.c.noise_set == OVER_NOISE_SETS,
            CELL.c.excluded_reason.is_(None),
        )
        .order_by(SCORE.c.step, SCORE.c.id),
    )
    batches = pd.Series([config["batch"] for config in by_noise_set["config"]], by_noise_set.index, dtype=int)
    by_noise_set = by_noise_set.assign(
        images=by_noise_set["step"] * batches, n=[protocol["n"] for protocol in by_noise_set["protocol"]]
    )
    return by_noise_set.drop(columns=["config", "protocol"]).astype({"value": float})


def scores_of(engine: Engine, is_included: ColumnElement[bool], requested: pd.DataFrame) -> pd.DataFrame:
    """One row for each requested score and metric: the finite mean over noise sets, and the value of each set.

    Args:
        engine: Connection to the store.
        is_included: Condition on CELL that selects the cells.
        requested: The requested scores (`requested_scores_of`), of one protocol.
    """
    measured = frame_of(
        engine,
        select(
            *(MEASUREMENT.c.score_id, MEASUREMENT.c.name.label("metric"), MEASUREMENT.c.noise_set),
            *(MEASUREMENT.c.value, MEASUREMENT.c.standard_error),
        )
        .join(SCORE_REQUEST, SCORE_REQUEST.c.score_id == MEASUREMENT.c.score_id)
        .join(CELL, CELL.c.id == SCORE_REQUEST.c.cell_id)
        .where(is_included)
        .distinct()
        .order_by(MEASUREMENT.c.score_id, MEASUREMENT.c.name, MEASUREMENT.c.noise_set),
    )
    measured = measured.astype({"value": float, "standard_error": float})
    measured = measured[np.isfinite(measured["value"])]
    mean = measured[measured["noise_set"] == OVER_NOISE_SETS].drop(columns="noise_set")
    sets: dict[tuple[int, str], dict[int, tuple[float, float]]] = {}
    single = measured[measured["noise_set"] != OVER_NOISE_SETS]
    for score, metric, noise_set, value, error in single.itertuples(index=False):
        sets.setdefault((score, metric), {})[int(noise_set)] = (value, error)
    by_noise_set = [sets.get(key, {}) for key in zip(mean["score_id"], mean["metric"], strict=True)]
    mean["noise_values"] = pd.Series(
        [{k: v[0] for k, v in each.items()} for each in by_noise_set], mean.index, dtype=object
    )
    mean["noise_errors"] = pd.Series(
        [{k: v[1] for k, v in each.items()} for each in by_noise_set], mean.index, dtype=object
    )
    return requested.drop(columns=["score_state", "score_failure", "score_reason"]).merge(mean, on="score_id")
