"""Each arm at its own best evaluation level, chosen on other noise than it is scored on.

The best of several levels is the best partly by chance of the noise that images were drawn from. So an arm's level is
chosen on one half of the noise sets, by the mean over its seeds, and its scores are those of the other half; then the
halves change places, and the two scores of a seed are averaged (cross-fitting). What choosing gains by chance on one
half is not in the scores of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from sweep.config.factors import Changes, Factor, levels_of
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.metrics import lower_is_better
from sweep.reporting.stats.comparison import Comparison, compare_arms
from sweep.store.states import CellStatus


@dataclass(frozen=True, kw_only=True)
class OwnBest:
    """The comparison of all arms, each at its own best level.

    Attributes:
        comparison: As of the deciding scores, but of those at the chosen levels.
        chosen: arm_id, arm, half (0 or 1, on which it was chosen), evaluation_level, level (dict), eval_config, mean
            (over its seeds, on the half that scores).
    """

    comparison: Comparison
    chosen: pd.DataFrame


def own_best(frames: StudyFrames) -> OwnBest | None:
    """The arms at their own best levels; None where the study does not ask for it, or has no such scores yet.

    Args:
        frames: The tables of the study.
    """
    tuned = tuned_levels(frames.spec)
    if not tuned:
        return None
    scores = candidate_scores(frames, tuned)
    halves = [_half(scores, number) for number in (0, 1)]
    lower = lower_is_better(frames.metric)
    rows: list[dict[str, Any]] = []
    chosen: list[dict[str, Any]] = []
    for arm, of_arm in scores.groupby("arm_id", sort=False):
        both = [each[scores["arm_id"] == arm] for each in halves]
        tables = [_table(of_arm, values) for values in both]
        if any(table.empty for table in tables):
            continue
        picks = [table.mean().idxmin() if lower else table.mean().idxmax() for table in tables]
        for half, level in enumerate(picks):
            row = of_arm[of_arm["evaluation_level"] == level].iloc[0]
            mean = float(tables[1 - half][level].mean())
            named = {name: row[name] for name in ("arm_id", "arm", "evaluation_level", "level", "eval_config")}
            chosen.append(named | {"half": half, "mean": mean})
        # Chosen on the first half and scored on the second, and the other way round.
        cross = (tables[1][picks[0]] + tables[0][picks[1]]) / 2
        rows += [{"arm_id": arm, "replicate": seed, "value": value} for seed, value in cross.items()]
    if not rows:
        return None
    values = pd.DataFrame(rows)
    primary = scores[scores["is_primary"]].drop(columns="value")
    at_best = replace(frames, scores=primary.merge(values, on=["arm_id", "replicate"]))
    return OwnBest(comparison=compare_arms(at_best), chosen=pd.DataFrame(chosen))


def tuned_levels(spec: Mapping[str, Any]) -> list[Changes]:
    """What the levels of the tuned factors of a study change; empty where it tunes none.

    Args:
        spec: The study as it is stored.
    """
    evaluation = spec.get("evaluation") or {}
    factors = spec.get("factors", {})
    return [
        changes
        for name in evaluation.get("tune", ())
        for changes in levels_of(name, Factor.model_validate(factors[name])).values()
    ]


def candidate_scores(frames: StudyFrames, tuned: list[Changes]) -> pd.DataFrame:
    """The deciding score at every level that an arm may choose, that of the baseline's setting among them.

    Args:
        frames: The tables of the study.
        tuned: What the levels of the tuned factors change.

    Returns:
        Rows of `StudyFrames.scores` that count.
    """
    scores = frames.scores
    excluded = set(frames.cells.loc[frames.cells["status"] == CellStatus.EXCLUDED, "cell_id"])
    counts = (scores["metric"] == frames.metric) & (scores["phase"] == frames.phase)
    is_candidate = scores["is_primary"] | scores["level"].map(lambda level: dict(level) in tuned)
    counted = scores[counts & is_candidate & ~scores["cell_id"].isin(excluded)]
    return counted.drop_duplicates(["cell_id", "evaluation_level"]).reset_index(drop=True)


def _half(scores: pd.DataFrame, number: int) -> pd.Series[float]:
    """Mean score of every second noise set, from the first or from the second on."""

    def mean(values: Mapping[int, float]) -> float:
        of_half = [values[noise_set] for noise_set in sorted(values)[number::2]]
        return float(np.mean(of_half)) if of_half else np.nan

    return scores["noise_values"].map(mean).astype(float)


def _table(scores: pd.DataFrame, values: pd.Series[float]) -> pd.DataFrame:
    """Seeds by levels of one arm; without the levels that some seed has no score at."""
    table = scores.assign(value=values).pivot(index="replicate", columns="evaluation_level", values="value")
    order = list(dict.fromkeys(scores["evaluation_level"]))
    return table[order].dropna(axis="columns")
