"""How noisy the difference of each arm is: what all arms tell together, unless an arm is noisier than the others.

Three seeds tell little of a standard deviation: with two degrees of freedom a 95 % interval is 4.3 standard errors
wide on either side. The other arms were trained on the same seeds and tell of the same noise. An arm may use their
estimate where it is larger than its own, and never to look less noisy than it is.

All functions take many studies at once: leading axes, written `...`, are studies.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

QUARTILE = 0.75
SHARED = 0.25
"""Correlation of two arms' estimated variances: that of their differences, 1/2, squared."""
OUTLIER_LEVEL = 0.1
"""An arm whose variance is beyond this upper tail of the F distribution is judged by its own seeds alone."""
QUANTILES = 4000
"""Points of the integral over an order statistic."""


def rank_of_pool(arms: int) -> int:
    """Which of all variances is used: the upper quartile, and never the largest of three or more.

    Half of the arms may be noisy without the others hiding it, and one noisy arm does not blur all others.

    Args:
        arms: Number of arms with a variance, at least 1.

    Returns:
        Rank from 1; of two arms 0, which stands for their mean.
    """
    if arms == 2:
        return 0
    return max(1, min(int(np.ceil(QUARTILE * arms)), arms - 1))


# David & Nagaraja 2003, sec. 2.1: the r-th of k uniform numbers has the Beta(r, k - r + 1) distribution
@cache
def expected_rank(rank: int, arms: int, df: float) -> float:
    """Mean of one order statistic of the variances of equally noisy arms, as a multiple of the true variance.

    Args:
        rank: Rank from 1.
        arms: Number of variances.
        df: Degrees of freedom of each.

    Returns:
        Above 1 for high ranks; tends to 1 with df.
    """
    if arms == 1:
        return 1.0
    levels = stats.beta.ppf((np.arange(QUANTILES) + 0.5) / QUANTILES, rank, arms - rank + 1)
    return float(np.mean(stats.chi2.ppf(levels, df)) / df)


def pooled_variance(variances: Array, df: float) -> Array:
    """One variance for all arms: an order statistic of theirs, without its bias where all are equally noisy.

    Args:
        variances: [..., k] variance of the paired differences of each arm, squared units of the score.
        df: Degrees of freedom of each; their mean where they differ.

    Returns:
        [..., 1] variance, squared units of the score.
    """
    arms = variances.shape[-1]
    rank = rank_of_pool(arms)
    if rank == 0:
        return np.asarray(variances.mean(-1, keepdims=True), dtype=np.float64)
    chosen = np.sort(variances, axis=-1)[..., rank - 1 : rank]
    return np.asarray(chosen / expected_rank(rank, arms, df), dtype=np.float64)


# Satterthwaite 1946: the mean of k variances whose correlation is 1/4
def pooled_df(df: Array) -> float:
    """Degrees of freedom of a variance that several arms tell together.

    Args:
        df: [k] degrees of freedom of each arm's variance.

    Returns:
        Their sum, less what the arms know from the same baseline.
    """
    return float(df.sum() / (1 + (len(df) - 1) * SHARED))


@dataclass(frozen=True)
class Noise:
    """Variances that tell of the noise of others.

    Attributes:
        variances: [..., k] variance of the paired differences of each arm, squared units of the score.
        df: [k] degrees of freedom of each, at least 1.
    """

    variances: Array
    df: Array


def judged_variance(
    variances: Array, df: Array, floor: Array | float = 0.0, pool_of: Noise | None = None
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """The variance that each arm is judged by, and its degrees of freedom.

    Args:
        variances: [..., k] variance of the paired differences of each arm, squared units of the score.
        df: [k] degrees of freedom of each, at least 1.
        floor: Variance due to the rounding of scores, [..., k] or one number; no variance is below it.
        pool_of: Variances that are pooled instead of these.

    Returns:
        Variance, the larger of the arm's own and the pooled one; its degrees of freedom, those of the pool unless the
        arm is much noisier; and whether it is. All [..., k].
    """
    known = np.maximum(variances, floor)
    telling = Noise(known, df) if pool_of is None else Noise(np.maximum(pool_of.variances, floor), pool_of.df)
    pool, shared = pooled_variance(telling.variances, float(telling.df.mean())), pooled_df(telling.df)
    with np.errstate(divide="ignore", invalid="ignore"):  # equal scores without any noise
        noisier = np.asarray(known > pool * stats.f.isf(OUTLIER_LEVEL, df, shared), dtype=np.bool_)
    return np.maximum(known, pool), np.where(noisier, df, np.maximum(df, shared)), noisier
