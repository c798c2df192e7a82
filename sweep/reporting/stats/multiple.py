"""One rule for any number of seeds and arms: t of each arm, p of all together, intervals that hold at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweep.reporting.stats.dunnett import critical_values, step_down_p
from sweep.reporting.stats.pooled import judged_variance
from sweep.reporting.stats.sign_patterns import sign_patterns

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Family:
    """Arms compared with one baseline; all arrays [k], in the order of the arms, NaN below two pairs.

    Attributes:
        n: Pairs of each arm.
        mean: Mean difference, units of the score; also of one pair.
        sd: Standard deviation of the arm's own differences.
        judged_sd: Standard deviation that it is judged by: the larger of its own and the pooled one.
        df: Degrees of freedom of `judged_sd`.
        p: Two-sided, adjusted for the whole family by the step-down method.
        low: Lower end of the simultaneous interval.
        high: Upper end of it.
    """

    n: NDArray[np.int64]
    mean: Array
    sd: Array
    judged_sd: Array
    df: Array
    p: Array
    low: Array
    high: Array


def compare_family(
    differences: Sequence[Array], *, alpha: float, arms: int | None = None, rounding: float = 0.0
) -> Family:
    """Judge several arms together.

    Args:
        differences: [n_j] arm minus baseline of each arm over its paired seeds, in the units to be judged.
        alpha: Level of the whole family; intervals cover all true differences with chance 1 - alpha.
        arms: Size of the family where more arms had a score than have pairs; as many as `differences` where None.
        rounding: Step to which differences are known, in their units: their variance is at least a sixth of its square.

    Returns:
        The family. Where the step-down method alone shows a difference, the interval ends at 0.
    """
    n = np.array([len(each) for each in differences], dtype=np.int64)
    mean = np.array([each.mean() if len(each) else np.nan for each in differences])
    own = np.array([each.var(ddof=1) if len(each) > 1 else np.nan for each in differences])
    judged, df = np.full(len(n), np.nan), np.full(len(n), np.nan)
    told = n > 1
    if told.any():
        judged[told], df[told] = judged_variance(own[told], (n[told] - 1).astype(np.float64), rounding**2 / 6)
    size = max(len(n), arms or 0)
    error = np.sqrt(judged / np.maximum(n, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(mean) / error
    t[(mean == 0.0) & (error == 0.0)] = 0.0  # the same runs under two names
    p = step_down_p(t, df, arms=max(1, size))
    half = error * critical_values(alpha, arms=size, df=df)
    low, high = mean - half, mean + half
    # What the step-down method shows is that the difference is on this side of 0.
    low[(p < alpha) & (mean > 0)] = np.maximum(low, 0.0)[(p < alpha) & (mean > 0)]
    high[(p < alpha) & (mean < 0)] = np.minimum(high, 0.0)[(p < alpha) & (mean < 0)]
    return Family(n=n, mean=mean, sd=np.sqrt(own), judged_sd=np.sqrt(judged), df=df, p=p, low=low, high=high)


# Westfall & Young 1993, algorithm 4.1, with the signs of whole seeds: arms of a seed are flipped together
def joint_sign_flip_p(differences: Array) -> Array:
    """Two-sided p of each arm, adjusted for all, that assumes nothing but symmetric differences.

    Args:
        differences: [k, n] arm minus baseline, columns by seed; NaN where an arm lacks the seed.

    Returns:
        [k] p values; NaN of an arm without a pair. With n seeds none is below 2^(1 - n).
    """
    pairs = np.isfinite(differences)
    known = np.where(pairs, differences, 0.0)
    length = np.sqrt((known**2).sum(1))
    # For given |differences| the t statistic rises with the |sum|, so that this is as good as t itself.
    unit = np.divide(known, length[:, None], out=np.zeros_like(known), where=length[:, None] > 0)
    observed = np.abs(unit.sum(1))
    order = np.argsort(-observed, kind="stable")
    reached, patterns = np.zeros(len(order)), 0
    for signs in sign_patterns(known.shape[1]):
        flipped = np.abs(signs @ unit[order].T)
        largest = np.maximum.accumulate(flipped[:, ::-1], axis=1)[:, ::-1]
        reached += (largest >= observed[order] - 1e-12 * known.shape[1]).sum(0)
        patterns += len(signs)
    adjusted = np.full(len(order), np.nan)
    adjusted[order] = np.maximum.accumulate(reached / patterns)
    return np.where(pairs.any(1), adjusted, np.nan)
