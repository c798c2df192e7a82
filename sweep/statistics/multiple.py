"""One rule for any number of seeds and arms: t of each arm, p of all together, intervals that hold at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweep.statistics.dunnett import CORRELATION, critical_values, step_down_p
from sweep.statistics.pooled import Noise, judged_variance
from sweep.statistics.sign_patterns import sign_patterns

Array = NDArray[np.float64]


MAX_DECIMALS = 9
"""A score with more decimals was not rounded by anybody."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """Arms compared with one baseline; all arrays [k], in the order of the arms, NaN below two pairs.

    Attributes:
        n: Pairs of each arm.
        mean: Mean difference, in the units of the differences; also of one pair.
        sd: Standard deviation of the arm's own differences.
        df: Degrees of freedom of the standard deviation that it is judged by.
        noisier: Whether the arm is so much noisier than the others that its own seeds alone judge it.
        p: Two-sided p value, adjusted for the whole family by the step-down method.
        low: Lower end of the simultaneous interval.
        high: Upper end of it.
        arms: Size of the family.
    """

    n: NDArray[np.int64]
    mean: Array
    sd: Array
    df: Array
    noisier: NDArray[np.bool_]
    p: Array
    low: Array
    high: Array
    arms: int


def compare_family(
    differences: Sequence[Array],
    *,
    alpha: float,
    arms: int = 0,
    rounding: float = 0.0,
    exact_p: Array | None = None,
    correlation: float = CORRELATION,
    noise: Noise | None = None,
) -> Family:
    """Judge several arms together.

    Args:
        differences: [n_j] arm minus baseline of each arm over its paired seeds, in the units to be judged.
        alpha: Level of the whole family; intervals cover all true differences with chance 1 - alpha.
        arms: Size of the family, where more arms had a score than have two pairs now.
        rounding: Step to which scores are known, in the same units: it gives a difference a sixth of its square as
            variance at least.
        exact_p: [k] p value of another test that decides on an arm instead of its t; NaN where t does.
        correlation: Of any two differences: 1/2 with a common baseline, 0 where nothing is known.
        noise: What the noise is pooled from, in the same units; these differences themselves where None.

    Returns:
        The family. Where the step-down method alone shows a difference, the interval ends at 0.
    """
    n = np.array([len(each) for each in differences], dtype=np.int64)
    mean = np.array([each.mean() if len(each) else np.nan for each in differences], dtype=np.float64)
    own = np.array([each.var(ddof=1) if len(each) > 1 else np.nan for each in differences], dtype=np.float64)
    judged, df = np.full(len(n), np.nan), np.full(len(n), np.nan)
    noisier = np.zeros(len(n), dtype=bool)
    enough, by_t = n > 1, np.isnan(exact_p) if exact_p is not None else np.ones(len(n), dtype=bool)
    if enough.any():
        judged[enough], df[enough], noisier[enough] = judged_variance(
            own[enough], (n[enough] - 1).astype(np.float64), rounding**2 / 6, noise
        )
    size = max(int((enough | ~by_t).sum()), arms, 1)
    error = np.sqrt(judged / np.maximum(n, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(mean) / error
    t[(mean == 0.0) & (error == 0.0)] = 0.0  # the same runs under two names
    p = step_down_p(t, df, arms=size, exact_p=exact_p, correlation=correlation)
    half = error * critical_values(alpha, arms=size, df=df, correlation=correlation)
    # What the step-down method shows is that the difference is on this side of 0.
    above, below = (by_t & (p < alpha) & side for side in (mean > 0, mean < 0))
    return Family(
        n=n,
        mean=mean,
        sd=np.sqrt(own),
        df=df,
        noisier=noisier & (enough.sum() > 1),
        p=p,
        low=np.where(above, np.maximum(mean - half, 0.0), mean - half),
        high=np.where(below, np.minimum(mean + half, 0.0), mean + half),
        arms=size,
    )


def rounding_step(scores: Array) -> float:
    """The step to which scores were rounded.

    Args:
        scores: All scores that are compared, any shape.

    Returns:
        A power of ten, 1 at most; 0 where they have more decimals than anybody would round to.
    """
    for decimals in range(MAX_DECIMALS + 1):
        if np.allclose(scores, np.round(scores, decimals), rtol=1e-13, atol=0.0):
            return float(10.0**-decimals)
    return 0.0


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
