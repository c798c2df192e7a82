"""How the score follows a numeric factor: its trend, and which level is best with what certainty."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sweep.config.designs.arms import BASELINE
from sweep.config.designs.contrasts import Contrast
from sweep.config.factors import value_of_field
from sweep.config.study import Study
from sweep.config.values import shortest
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.stats.comparison import Comparison
from sweep.reporting.stats.contrasts import judged_contrasts

MIN_LEVELS = 3
"""The baseline's level among them: two levels are one difference, which the ablation table has."""
LOG_SPAN = 4.0
"""Levels of which the largest is so many times the smallest are spaced by doublings."""


@dataclass(frozen=True, kw_only=True)
class DoseResponse:
    """The answer for one numeric factor.

    Attributes:
        factor: Its name.
        points: level (number), arm, n (seeds), mean, low, high (the baseline's mean plus the simultaneous interval of
            the difference from the baseline; NaN for the baseline itself); by rising level.
        baseline: The baseline's level.
        is_log: Whether the trend is for each doubling; else it is from the lowest level to the highest.
        trend: A row of `own_contrasts`: the change of the score for each doubling, or over all levels.
        best: The level with the best mean score.
        not_worse: Levels that no other one is shown to beat, the best among them; the level that is best in truth is
            one of them with chance 0.95 at least.
    """

    factor: str
    points: pd.DataFrame
    baseline: float
    is_log: bool
    trend: Mapping[Hashable, Any]
    best: float
    not_worse: tuple[float, ...]


def dose_responses(frames: StudyFrames, comparison: Comparison) -> list[DoseResponse]:
    """One for each numeric factor with enough levels, where the design changes one factor at a time.

    Args:
        frames: The tables of the study.
        comparison: The comparison of its arms with the baseline.

    Returns:
        In the order of the study file. The trends of all factors are one family.
    """
    design = frames.study_ref.design
    if (
        design.combines_levels
        or design.arms_are_trials
        or not comparison.confirmatory
        or not frames.spec.get("factors")
    ):
        return []
    study = Study.model_validate(frames.spec)
    by_factor = {factor: _points(comparison, study, factor) for factor in study.factors_of("scientific")}
    by_factor = {factor: points for factor, points in by_factor.items() if len(points) >= MIN_LEVELS}
    trends = [_trend(factor, points) for factor, points in by_factor.items()]
    judged = judged_contrasts(frames, comparison, trends, is_ratio=True, correlation=0.0)
    responses = []
    for (factor, points), trend in zip(by_factor.items(), judged.to_dict("records"), strict=True):
        means = points["mean"].to_numpy(float)
        responses.append(
            DoseResponse(
                factor=factor,
                points=points,
                baseline=float(points.loc[points["arm"] == BASELINE, "level"].iloc[0]),
                is_log=_is_log(points),
                trend=trend,
                best=float(points["level"].iloc[means.argmin() if comparison.lower_is_better else means.argmax()]),
                not_worse=_not_worse(frames, comparison, points),
            )
        )
    return responses


def _points(comparison: Comparison, study: Study, factor: str) -> pd.DataFrame:
    """Levels with a score by rising level, with the baseline's; empty where a level is no number."""
    levels = study.levels_of(factor)
    # As the setting has them: `16k` in the study file is a number, too.
    values = {
        f"{factor}={name}": value_of_field(study.setting(sets), factor)
        for name, sets in levels.items()
        if list(sets) == [factor]
    }
    if len(values) < len(levels):
        return pd.DataFrame()
    values[BASELINE] = value_of_field(study.baseline, factor)
    numbers = {
        arm: float(value)
        for arm, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    if len(numbers) < len(values):
        return pd.DataFrame()
    arms = comparison.arms
    table = arms.loc[arms["arm"].isin(numbers), ["arm", "n", "mean", "low", "high"]].dropna(subset="mean")
    table.insert(0, "level", [numbers[arm] for arm in table["arm"]])
    table[["low", "high"]] += comparison.baseline_mean
    if BASELINE not in set(table["arm"]):
        return pd.DataFrame()
    return table.sort_values("level", kind="stable").reset_index(drop=True)


def _is_log(points: pd.DataFrame) -> bool:
    lowest, highest = float(points["level"].min()), float(points["level"].max())
    return lowest > 0 and highest / lowest >= LOG_SPAN


def _trend(factor: str, points: pd.DataFrame) -> Contrast:
    """The least-squares slope: of each seed against the logarithm of the level to base 2, or against its share of the
    way from the lowest level to the highest."""
    level = points["level"].to_numpy(float)
    x = np.log2(level) if _is_log(points) else (level - level.min()) / (level.max() - level.min())
    centred = x - x.mean()
    weights = dict(zip(points["arm"], (centred / (centred**2).sum()).tolist(), strict=True))
    ends = f"{factor} from {shortest(float(level.min()))} to {shortest(float(level.max()))}"
    subject = f"Each doubling of {ends}" if _is_log(points) else f"Raising {ends}, along a straight line,"
    return Contrast(factor, subject, weights)


# Hsu 1984: a level is among the best unless another one is shown to beat it; each level is the control of one family
def _not_worse(frames: StudyFrames, comparison: Comparison, points: pd.DataFrame) -> tuple[float, ...]:
    """Levels that no other one beats. Only the family of the truly best level can wrongly leave it out, so that the
    number of families needs no adjustment."""
    remaining = []
    for level, arm in zip(points["level"], points["arm"], strict=True):
        others = [Contrast(other, other, {other: 1.0, arm: -1.0}) for other in points["arm"] if other != arm]
        judged = judged_contrasts(frames, comparison, others, is_ratio=True, correlation=0.5)
        beaten = (judged["high"] <= 0) if comparison.lower_is_better else (judged["low"] >= 0)
        if not (beaten & (judged["low"] != judged["high"])).any():
            remaining.append(float(level))
    return tuple(remaining)
