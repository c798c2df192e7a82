"""Many arms against one baseline: p values and critical values of the largest |t|.

The differences of k arms from one baseline share its noise: any two of them have the correlation 1/2 where all runs are
equally noisy. Holm's method ignores that. Dunnett's takes it into account, so it needs smaller differences.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

Array = NDArray[np.float64]

CORRELATION = 0.5
"""Of two differences from one baseline."""
Z_NODES, S_NODES = 64, 64
"""Points of the two integrals: above 1e-12, p values of one arm agree with the t distribution to seven digits."""
FARTHEST = 8.5
"""Standard deviations beyond which the normal density is taken for 0."""
KNOWN_VARIANCE = 20_000.0
"""Degrees of freedom from which the standard deviation is taken as known."""


# Dunnett 1955, eq. 9: given the baseline's noise z and the estimated standard deviation s, the arms are independent
def largest_t_p(t: float, *, arms: int, df: float, correlation: float = CORRELATION) -> float:
    """Chance that the largest |t| of some arms reaches a value, if none differs from the baseline.

    Args:
        t: Value of |t|, no unit.
        arms: Number of arms, at least 1.
        df: Degrees of freedom of the standard deviation, above 0; infinite where it is known.
        correlation: Of any two differences, from 0 to 1. Without a common baseline, 0 is never too small (Sidak 1967).

    Returns:
        Two-sided p value, adjusted for all arms; NaN where t or df is.
    """
    if np.isnan(t) or np.isnan(df):
        return float("nan")
    if np.isinf(t):
        return 0.0
    z, z_weights = _normal_nodes()
    s, s_weights = _spread_nodes(min(df, KNOWN_VARIANCE))
    shared, own = correlation**0.5, (1 - correlation) ** 0.5
    reached = abs(t) * s[:, None]
    outside = special.ndtr((shared * z - reached) / own) + special.ndtr((-reached - shared * z) / own)
    # 1 - (1 - outside)^k, without losing the digits of small p.
    any_outside = -np.expm1(arms * np.log1p(-np.minimum(outside, 1 - 1e-16)))
    return float(min(1.0, s_weights @ any_outside @ z_weights))


@cache
def _normal_nodes() -> tuple[Array, Array]:
    """Nodes and weights of an integral over the standard normal distribution, [Z_NODES] each."""
    x, weights = np.polynomial.legendre.leggauss(Z_NODES)
    z = np.asarray(FARTHEST * x, dtype=np.float64)
    weights = FARTHEST * weights * stats.norm.pdf(z)
    return z, np.asarray(weights / weights.sum(), dtype=np.float64)


@cache
def _spread_nodes(df: float) -> tuple[Array, Array]:
    """Nodes and weights of an integral over s, where df s^2 has the chi-squared distribution; [S_NODES] each.

    Args:
        df: Degrees of freedom.
    """
    if df >= KNOWN_VARIANCE:
        return np.ones(1), np.ones(1)
    x, weights = np.polynomial.legendre.leggauss(S_NODES)
    low, high = (np.sqrt(quantile / df) for quantile in (stats.chi2.ppf(1e-15, df), stats.chi2.isf(1e-15, df)))
    s = np.asarray(low + (x + 1) / 2 * (high - low), dtype=np.float64)
    weights = weights * 2 * s * df * stats.chi2.pdf(df * s**2, df)
    return s, np.asarray(weights / weights.sum(), dtype=np.float64)


@cache
def critical_t(alpha: float, *, arms: int, df: float, correlation: float = CORRELATION) -> float:
    """The |t| that the largest of some arms reaches with a given chance, if none differs from the baseline.

    Args:
        alpha: The chance, between 0 and 1.
        arms: Number of arms, at least 1.
        df: Degrees of freedom of the standard deviation.
        correlation: Of any two differences, from 0 to 1.

    Returns:
        Critical value; with one arm that of the two-sided t test.
    """
    bonferroni = float(stats.t.isf(alpha / (2 * arms), df)) + 1e-6  # never smaller

    def excess(t: float) -> float:
        return largest_t_p(t, arms=arms, df=df, correlation=correlation) - alpha

    return float(optimize.brentq(excess, 0.0, bonferroni, xtol=1e-10))


def critical_values(alpha: float, *, arms: int, df: Array, correlation: float = CORRELATION) -> Array:
    """`critical_t` of an array of degrees of freedom.

    Args:
        alpha: The chance, between 0 and 1.
        arms: Number of arms, at least 1.
        df: Degrees of freedom, of any shape; NaN gives NaN. A few different values are expected, not thousands.
        correlation: Of any two differences, from 0 to 1.

    Returns:
        Critical values of the same shape.
    """
    values = np.full(df.shape, np.nan)
    for each in np.unique(df[np.isfinite(df)]):
        values[df == each] = critical_t(alpha, arms=arms, df=float(each), correlation=correlation)
    return values


# Dunnett & Tamhane 1991, sec. 3: from the clearest arm on, each is judged among those that are left
def step_down_p(
    t: Array, df: Array, *, arms: int, exact_p: Array | None = None, correlation: float = CORRELATION
) -> Array:
    """Two-sided p values of several arms, adjusted for all of them.

    Args:
        t: [k] |t| of each arm; NaN where it has none.
        df: [k] degrees of freedom of each arm's standard deviation.
        arms: Size of the family, at least the arms that have a t: others count as arms without a difference.
        exact_p: [k] p value of another test that is to be used instead of an arm's t, multiplied by the arms that are
            left; NaN where t is used.
        correlation: Of any two differences, from 0 to 1.

    Returns:
        [k] p values that may be compared with the level of the whole family; NaN where an arm has neither.
    """
    other = np.full(len(t), np.nan) if exact_p is None else exact_p

    def among(index: int, left: int) -> float:
        if np.isfinite(other[index]):
            return min(1.0, float(other[index]) * left)
        return largest_t_p(float(t[index]), arms=left, df=float(df[index]), correlation=correlation)

    alone = np.array([among(index, arms) for index in range(len(t))])
    order = [int(index) for index in np.argsort(alone, kind="stable") if np.isfinite(alone[index])]
    adjusted, largest = np.full(len(t), np.nan), 0.0
    for rejected, index in enumerate(order):
        largest = max(largest, among(index, max(1, arms - rejected)))
        adjusted[index] = largest
    return adjusted
