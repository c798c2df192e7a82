"""Paired comparison of an arm with the baseline: difference, interval, exact test, verdict.

The unit is the training seed: replicate r of an arm and of the baseline share initialisation, data order and noise, so
their difference is one observation. Samples are nested in it and never counted as replicates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sweep.config.interim_analyses import MIN_SEEDS
from sweep.reporting.formatting import Verdict
from sweep.reporting.stats.sign_patterns import EXACT_PAIRS, sign_patterns

Array = NDArray[np.float64]
Test = Literal["sign-flip", "t", "signed-rank"]

ALPHA = 0.05
NEGLIGIBLE = 0.013
"""Default smallest effect of interest, a share of the baseline: the coefficient of variation of published FIDs between
training seeds. It does not grow with the noise, which would let a noisy study claim that there is no difference."""


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
    p_t: float
    """Paired t test, two-sided; NaN below two pairs."""
    p_sign_flip: float
    """Exact sign-flip test, two-sided; NaN without a pair."""


def paired_difference(
    arm: Array, baseline: Array, *, confidence: float = 1 - ALPHA, exact: bool = True
) -> PairedDifference:
    """Compare two sets of scores, index r of both being replicate r.

    Args:
        arm: [n] scores.
        baseline: [n] scores of the same replicates.
        confidence: Coverage of the interval.
        exact: Also the sign-flip test, which takes half a second at a thousand pairs; its p is NaN without.
    """
    assert arm.shape == baseline.shape, (arm.shape, baseline.shape)
    differences = arm - baseline
    n = len(differences)
    mean = float(differences.mean()) if n else np.nan
    p_sign_flip = sign_flip_p(differences) if exact else np.nan
    if n < 2:
        return PairedDifference(n=n, mean=mean, sd=np.nan, low=np.nan, high=np.nan, p_t=np.nan, p_sign_flip=p_sign_flip)
    sd = float(differences.std(ddof=1))
    if sd == 0.0:  # scipy warns of lost precision; the answer is plain
        p_t = 1.0 if mean == 0.0 else 0.0
        return PairedDifference(n=n, mean=mean, sd=0.0, low=mean, high=mean, p_t=p_t, p_sign_flip=p_sign_flip)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * sd / n**0.5
    p_t = float(2 * stats.t.sf(abs(mean) / (sd / n**0.5), n - 1))
    return PairedDifference(n=n, mean=mean, sd=sd, low=mean - half, high=mean + half, p_t=p_t, p_sign_flip=p_sign_flip)


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


def arms_confirmable(n: int, *, alpha: float = ALPHA) -> int:
    """How many arms Holm's method can confirm by the sign-flip test.

    Args:
        n: Number of pairs of each arm.
        alpha: Level of the family of arms.
    """
    return int(alpha / sign_flip_floor(n) + 1e-9)


def deciding_test(pairs: int, *, arms: int, alpha: float = ALPHA) -> Test:
    """The test whose p decides for one arm, from the counts alone, so that no score can choose its own test.

    The sign-flip test assumes nothing about the differences, but below six pairs it cannot reach 0.05 at all, and each
    further arm needs more pairs. Where it could confirm every arm it decides; elsewhere the paired t test does, which
    leans on normal differences, and the report says so.

    Args:
        pairs: Number of pairs of this arm.
        arms: Number of arms that are compared with the baseline.
        alpha: Level of the family of arms.
    """
    return "sign-flip" if arms_confirmable(pairs, alpha=alpha) >= max(1, arms) else "t"


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


def smallest_effect(baseline_mean: float, stated: float | None) -> float:
    """The smallest effect of interest, in the units of the score.

    Args:
        baseline_mean: Mean score of the baseline.
        stated: `smallest_effect` of the study file; None for `NEGLIGIBLE` times the baseline.
    """
    return stated if stated is not None else NEGLIGIBLE * abs(baseline_mean)


def arm_verdict(
    difference: PairedDifference, *, p_adjusted: float, margin: float, lower_is_better: bool, alpha: float = ALPHA
) -> Verdict:
    """One word for one arm.

    `no difference` needs the whole interval inside +-margin; `better` and `worse` need an interval without 0 and an
    adjusted p below alpha; everything else is `undecided`, and so is anything with fewer than three seeds.

    Args:
        difference: The paired difference with its interval.
        p_adjusted: p of the deciding test after Holm's correction.
        margin: Smallest effect of interest, in the units of the score.
        lower_is_better: Whether smaller values of the score are better.
        alpha: Level of the family of arms.
    """
    if difference.n < MIN_SEEDS or not np.isfinite(difference.low):
        return "undecided"
    if -margin < difference.low and difference.high < margin:
        return "no difference"
    if not (difference.low > 0 or difference.high < 0) or not p_adjusted < alpha:
        return "undecided"
    return "better" if (difference.mean < 0) == lower_is_better else "worse"


def verdict_reason(difference: PairedDifference, word: Verdict, *, p_adjusted: float, test: Test) -> str:
    """The reason for a verdict, in one clause.

    Args:
        difference: The paired difference with its interval.
        word: The verdict (`arm_verdict`).
        p_adjusted: p of the deciding test after Holm's correction.
        test: The deciding test.
    """
    if difference.n < MIN_SEEDS:
        return f"a verdict needs at least {MIN_SEEDS} paired seeds"
    if word == "no difference":
        return "the whole interval lies within the smallest effect of interest"
    named = "exact sign-flip" if test == "sign-flip" else "paired t"
    stated = f"{named} p = {p_adjusted:.2g} after Holm"
    if word == "undecided":
        return (
            "the interval includes 0" if difference.low <= 0 <= difference.high else f"{stated} is not below {ALPHA:g}"
        )
    if test == "t":
        return f"{stated}; {difference.n} seeds are too few for a distribution-free test of all arms"
    return stated
