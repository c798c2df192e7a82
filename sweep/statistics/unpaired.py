"""Several arms against one baseline without pairs: replicates are items that were made independently of each other.

Pairs by their places in two lists would be arbitrary: the order of the lists would change the interval, and half of the
degrees of freedom would be lost. So each side has its own mean and spread (Welch), and p values and intervals are
adjusted for all arms by Sidak's inequality, which holds however the differences are correlated.

Where two sides have different numbers of items, Satterthwaite's degrees of freedom are too many in the tails: eight
arms of 3 items against a baseline of 20 were called different in 18 % of studies without a difference. There the
smaller number less one is used, which was wrong in 4 % at most. With equal numbers the rule was wrong in 2 to 7 %: the
7 % belong to a baseline three times less noisy than all eight arms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sweep.statistics.multiple import Family

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Replicates:
    """Scores of the items of one arm.

    Attributes:
        scores: [n] scores, in the units that are compared.
        errors: [n] standard errors of each score over its images alone, in the same units.
    """

    scores: Array
    errors: Array


# Welch 1947
def compare_unpaired(
    arms: Sequence[Replicates], baseline: Replicates, *, alpha: float, size: int = 0, rounding: float = 0.0
) -> Family:
    """Judge several arms together, each by its own spread and that of the baseline.

    With two items or more on both sides, the interval is for the means of all items that could have been made in the
    same way. With one item on a side there is no spread of items: the interval is then for these items alone, from the
    standard errors over their images, and there is no p value.

    Args:
        arms: Scores of each arm; an arm without scores has NaN in every column.
        baseline: Scores of the baseline.
        alpha: Level of the whole family.
        size: Size of the family, where more arms had a score than have one now.
        rounding: Step to which scores are known: it gives a score a twelfth of its square as variance at least.

    Returns:
        The family. `n` is the smaller number of items of the two sides, and `sd` is such that sd / sqrt(n) is the
        standard error of the difference.
    """
    judged = [_judged(arm, baseline, rounding) for arm in arms]
    n, mean, error, df = (np.array(column) for column in zip(*judged, strict=True))
    has_p = n > 1
    count = max(int(np.isfinite(mean).sum()), size, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(has_p, np.abs(mean) / error, np.nan)
    p = sidak_step_down(np.asarray(2 * stats.t.sf(t, df), dtype=np.float64), arms=count)
    half = error * stats.t.isf((1 - (1 - alpha) ** (1 / count)) / 2, df)
    above, below = (has_p & (p < alpha) & side for side in (mean > 0, mean < 0))
    return Family(
        n=n.astype(np.int64),
        mean=mean,
        sd=error * np.sqrt(np.maximum(n, 1)),
        df=df,
        noisier=np.zeros(len(judged), dtype=np.bool_),
        p=p,
        low=np.where(above, np.maximum(mean - half, 0.0), mean - half),
        high=np.where(below, np.minimum(mean + half, 0.0), mean + half),
        arms=count,
    )


# Sidak 1967, theorem 1; in steps as Holm 1979
def sidak_step_down(p: Array, *, arms: int) -> Array:
    """p values adjusted for their number, whatever the correlation of the differences.

    Args:
        p: [k] two-sided p values; NaN stays NaN.
        arms: Size of the family, at least the number of p values.

    Returns:
        [k] adjusted p values.
    """
    order = [int(index) for index in np.argsort(p, kind="stable") if np.isfinite(p[index])]
    adjusted, largest = np.full(len(p), np.nan), 0.0
    for rejected, index in enumerate(order):
        largest = max(largest, float(-np.expm1((arms - rejected) * np.log1p(-min(p[index], 1 - 1e-16)))))
        adjusted[index] = largest
    return adjusted


def _judged(arm: Replicates, baseline: Replicates, rounding: float) -> tuple[int, float, float, float]:
    """Items of the smaller side, difference of the means, its standard error, degrees of freedom."""
    sides = (arm, baseline)
    n = min(len(side.scores) for side in sides)
    if n == 0:
        return 0, np.nan, np.nan, np.nan
    mean = float(arm.scores.mean() - baseline.scores.mean())
    if n == 1:
        squares = [float((side.errors**2).sum()) / len(side.errors) ** 2 for side in sides]
        return n, mean, float(np.sqrt(sum(squares))), np.inf
    squares = [max(float(side.scores.var(ddof=1)), rounding**2 / 12) / len(side.scores) for side in sides]
    total = sum(squares)
    if total == 0.0:  # equal scores are no proof: nothing tells how noisy they are
        return n, mean, np.nan, np.nan
    if len(arm.scores) != len(baseline.scores):
        return n, mean, float(np.sqrt(total)), float(n - 1)
    # Satterthwaite 1946
    shares = [square**2 / (len(side.scores) - 1) for square, side in zip(squares, sides, strict=True)]
    return n, mean, float(np.sqrt(total)), total**2 / sum(shares)
