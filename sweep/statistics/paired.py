"""Paired comparison of one arm with the baseline: difference, interval, exact test.

The unit is the training seed: replicate r of an arm and of the baseline share initialisation, data order and noise, so
their difference is one observation. Samples are nested in it and never counted as replicates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sweep.statistics.sign_patterns import EXACT_PAIRS, sign_patterns

Array = NDArray[np.float64]

ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """Arm minus baseline over paired replicates, in the units of the score."""

    n: int
    mean: float  # NaN without a pair
    sd: float
    """Of the differences; NaN below two pairs."""
    low: float
    high: float
    """Two-sided t interval for the mean; NaN below two pairs."""
    p: float
    """Paired t test, two-sided; NaN below two pairs, and where all differences are equal and not 0."""


def paired_difference(arm: Array, baseline: Array, *, confidence: float = 1 - ALPHA) -> PairedDifference:
    """Compare two sets of scores, index r of both being replicate r.

    Args:
        arm: [n] scores.
        baseline: [n] scores of the same replicates.
        confidence: Coverage of the interval.
    """
    assert arm.shape == baseline.shape, (arm.shape, baseline.shape)
    differences = arm - baseline
    n = len(differences)
    mean = float(differences.mean()) if n else np.nan
    if n < 2:
        return PairedDifference(n=n, mean=mean, sd=np.nan, low=np.nan, high=np.nan, p=np.nan)
    sd = float(differences.std(ddof=1))
    if sd == 0.0:  # equal differences are no proof: nothing tells how noisy they are
        p = 1.0 if mean == 0.0 else np.nan
        return PairedDifference(n=n, mean=mean, sd=0.0, low=mean, high=mean, p=p)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * sd / n**0.5
    p = float(2 * stats.t.sf(abs(mean) / (sd / n**0.5), n - 1))
    return PairedDifference(n=n, mean=mean, sd=sd, low=mean - half, high=mean + half, p=p)


@dataclass(frozen=True, kw_only=True)
class WelchDifference:
    """Arm minus baseline without pairs, in the units of the score; interval NaN below two scores on either side."""

    mean: float
    low: float
    high: float


Difference = PairedDifference | WelchDifference


# Welch 1947
def welch_difference(arm: Array, baseline: Array, *, confidence: float = 1 - ALPHA) -> WelchDifference:
    """Difference of two means whose spreads may differ, with its t interval.

    Args:
        arm: [n >= 1] scores.
        baseline: [m >= 1] scores.
        confidence: Coverage of the interval.
    """
    mean = float(arm.mean() - baseline.mean())
    if min(len(arm), len(baseline)) < 2:
        return WelchDifference(mean=mean, low=np.nan, high=np.nan)
    if arm.std() == baseline.std() == 0.0:  # scipy divides by it
        return WelchDifference(mean=mean, low=mean, high=mean)
    low, high = stats.ttest_ind(arm, baseline, equal_var=False).confidence_interval(confidence)
    return WelchDifference(mean=mean, low=float(low), high=float(high))


# Fisher 1935, sec. 21
def sign_flip_p(differences: Array) -> float:
    """Two-sided p of the mean under exchange of arm and baseline within each pair.

    Args:
        differences: [n] arm minus baseline, in the units of the score.

    Returns:
        p, from 65,536 random sign patterns for more than 16 pairs; NaN without a pair.
    """
    n = len(differences)
    if n == 0:
        return np.nan
    scale = np.abs(differences).max()
    if scale == 0.0:
        return 1.0
    observed = abs(differences.sum())
    # Sums of the same numbers in another order differ in the last bits: a tie is a tie.
    tie = observed - 1e-12 * scale * n
    reached = sum(int((np.abs(signs @ differences) >= tie).sum()) for signs in sign_patterns(n))
    if n <= EXACT_PAIRS:
        return reached / float(2**n)
    return (reached + 1) / float(2**EXACT_PAIRS + 1)


def sign_flip_floor(n: int) -> float:
    """Smallest p that the sign-flip test can reach: 2^(1-n).

    Args:
        n: Number of pairs.
    """
    return float(min(1.0, 2.0 ** (1 - n)))


# Holm 1979
def holm(p: Array) -> Array:
    """p values adjusted for their number by Holm's method.

    Args:
        p: [k] p values; NaN stays NaN and does not count.

    Returns:
        [k] adjusted p values.
    """
    # statsmodels has it, too, but collects all garbage of the process in every call: 0.2 s.
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    adjusted = np.full_like(p, np.nan)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)))
    return adjusted
