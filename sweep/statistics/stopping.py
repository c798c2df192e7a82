"""Which arms need no more seeds: those that an interim analysis has decided, and those that no later one would decide.

The same function tells workers which seeds to train next, and reports at which analysis an arm was decided. It depends
on the scores alone, so that nothing has to be stored and a killed worker loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sweep.statistics.alpha_spending import AlphaSpending
from sweep.statistics.dunnett import critical_t
from sweep.statistics.multiple import Family, compare_family, rounding_step
from sweep.statistics.pooled import pooled_df
from sweep.statistics.verdicts import excludes_zero, smallest_effect

Array = NDArray[np.float64]
Scores = Mapping[int, float | None]
"""Replicate -> score; None of one that ended without a score. A replicate that has not ended is missing."""

FUTILE = 0.1
"""Chance of a decision by the last analysis below which an arm gets no more seeds."""
OPTIMISM = float(stats.norm.ppf(0.8))
"""Standard errors by which the true difference is taken to be larger than what was measured so far."""


class Stop(StrEnum):
    """Why an arm gets no more seeds."""

    DIFFERENT = "different"
    EQUIVALENT = "equivalent"
    FUTILE = "futile"


@dataclass(frozen=True)
class Stopping:
    """What the scores so far decide.

    Attributes:
        analyses: Analyses that are complete, from 0.
        seeds: Name of each arm -> seeds that it gets by now.
        baseline_seeds: Those of the baseline: as many as the arm with the most has.
        stopped: Arm -> number of the analysis, from 1, that stopped it, and why.
    """

    analyses: int
    seeds: Mapping[str, int]
    baseline_seeds: int
    stopped: Mapping[str, tuple[int, Stop]] = field(default_factory=dict)


def stopping(
    plan: AlphaSpending,
    baseline: Scores,
    arms: Mapping[str, Scores],
    *,
    may_be_ratio: bool,
    stated_effect: float | None,
    family: int = 0,
) -> Stopping:
    """Go through the analyses in turn, as far as they are complete.

    Args:
        plan: When results are read, and at which levels.
        baseline: Scores of the baseline.
        arms: Scores of all other arms.
        may_be_ratio: Whether logarithms are compared where all scores are positive.
        stated_effect: Smallest effect of interest as the study states it, in units of the score; None for the default.
        family: Arms that p values are adjusted for, where more arms had a score than are compared now.

    Returns:
        Seeds of each arm, and what stopped it.
    """
    stopped: dict[str, tuple[int, Stop]] = {}
    seeds = dict.fromkeys(arms, plan.seeds[0])
    for index, reached in enumerate(plan.seeds):
        open_arms = [arm for arm in arms if arm not in stopped]
        seeds |= dict.fromkeys(open_arms, reached)
        sides = [baseline, *(arms[arm] for arm in open_arms)]
        if not open_arms or any(replicate not in side for side in sides for replicate in range(reached)):
            return Stopping(index, seeds, max(seeds.values(), default=plan.seeds[0]), stopped)
        if reached < plan.seeds[-1]:
            trained = {arm: {r: v for r, v in arms[arm].items() if r < seeds[arm]} for arm in arms}
            read = {r: v for r, v in baseline.items() if r < reached}
            judged = _judged(plan, index, read, trained, may_be_ratio, stated_effect, max(family, len(arms)))
            stopped |= {arm: (index + 1, why) for arm, why in judged.items() if arm in open_arms}
    return Stopping(len(plan.seeds), seeds, max(seeds.values(), default=plan.seeds[0]), stopped)


def _judged(
    plan: AlphaSpending,
    index: int,
    baseline: Scores,
    arms: Mapping[str, Scores],
    may_be_ratio: bool,
    stated_effect: float | None,
    family: int,
) -> dict[str, Stop]:
    """The arms that one analysis decides. One with a seed without a score goes on: t does not decide on it."""
    sides = [baseline, *arms.values()]
    known = np.array([value for side in sides for value in side.values() if value is not None], dtype=np.float64)
    in_logs = may_be_ratio and bool((known > 0).all())
    base = np.array([value for value in sides[0].values() if value is not None], dtype=np.float64)
    if not len(base):
        return {}
    differences = [_differences(side, sides[0], in_logs=in_logs) for side in sides[1:]]
    level, step = float(plan.levels()[index]), rounding_step(known)
    judged = compare_family(
        differences, alpha=level, arms=family, rounding=step / float(known.min()) if in_logs and step else step
    )
    low, high = _margin(float(base.mean()), stated_effect, in_logs=in_logs)
    reasons = {}
    for position, (arm, side) in enumerate(zip(arms, sides[1:], strict=True)):
        if any(value is None for value in (*side.values(), *sides[0].values())) or not np.isfinite(
            judged.low[position]
        ):
            continue
        if low < judged.low[position] and judged.high[position] < high:
            reasons[arm] = Stop.EQUIVALENT
        elif excludes_zero(float(judged.low[position]), float(judged.high[position])):
            reasons[arm] = Stop.DIFFERENT
        elif decision_chance(plan, judged, position, level=level, margin=min(-low, high)) < FUTILE:
            reasons[arm] = Stop.FUTILE
    return reasons


def _differences(side: Scores, baseline: Scores, *, in_logs: bool) -> Array:
    pairs = [(v, b) for r, v in sorted(side.items()) if v is not None and (b := baseline.get(r)) is not None]
    return np.array([np.log(v / b) if in_logs else v - b for v, b in pairs], dtype=np.float64)


def _margin(baseline_mean: float, stated_effect: float | None, *, in_logs: bool) -> tuple[float, float]:
    """The smallest effect of interest on both sides of 0, in the units that are compared."""
    margin = smallest_effect(baseline_mean, stated_effect)
    if not in_logs:
        return -margin, margin
    share = margin / baseline_mean
    return (float(np.log1p(-share)) if share < 1 else -np.inf), float(np.log1p(share))


# Lan, Simon & Halperin 1982, with an optimistic drift in place of the hypothesis
def decision_chance(plan: AlphaSpending, judged: Family, position: int, *, level: float, margin: float) -> float:
    """The larger of two chances: that the last analysis shows a difference, if the true one is `OPTIMISM` standard
    errors beyond the mean so far; and that it shows equivalence, if the true one is 0.

    Args:
        plan: When results are read.
        judged: The family at this analysis.
        position: Of the arm in it.
        level: Of this analysis.
        margin: Smallest effect of interest, in the units that are compared.

    Returns:
        The chance, in the normal approximation; 1 of an arm without any noise.
    """
    n, last = int(judged.n[position]), plan.seeds[-1]
    df = float(judged.df[position])
    error = float(judged.high[position] - judged.low[position]) / 2 / critical_t(level, arms=judged.arms, df=df)
    if error == 0.0:
        return 1.0
    sd, mean = error * n**0.5, abs(float(judged.mean[position]))
    later_df = pooled_df(np.full(max(1, int((judged.n > 1).sum())), last - 1.0))
    critical = critical_t(float(plan.levels()[-1]), arms=judged.arms, df=later_df)
    final_error, spread = sd / last**0.5, sd * (last - n) ** 0.5 / last
    optimistic = mean + OPTIMISM * error
    expected = (mean * n + optimistic * (last - n)) / last
    different = float(stats.norm.sf((critical * final_error - expected) / spread))
    room = margin - critical * final_error
    known_part = mean * n / last
    equivalent = stats.norm.cdf((room - known_part) / spread) - stats.norm.cdf((-room - known_part) / spread)
    return max(different, float(equivalent) if room > 0 else 0.0)
