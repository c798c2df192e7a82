"""What a design can show: detectable effects, and thresholds for reading a study before it is complete."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from sweep.report.statistics import ALPHA, Test, arms_confirmable, sign_flip_floor

Array = NDArray[np.float64]
POWER = 0.8
DRAWS = 2000


def attained_alpha(n: int, *, arms: int, test: Test, alpha: float = ALPHA) -> float:
    """Level at which one of `arms` is tested, at worst (Holm's first step); 0 where no p gets there."""
    level = alpha / arms
    if test == "t":
        return level
    floor = sign_flip_floor(n)
    return np.floor(level / floor + 1e-9) * floor if arms_confirmable(n, alpha=alpha) >= arms else 0.0


# Cohen 1988, sec. 2.2: the statistic follows a noncentral t with shift effect sqrt(n)
def t_power(effect: float, n: int, *, alpha: float = ALPHA) -> float:
    """Chance that a paired t test of n pairs rejects, on the right side.

    Args:
        effect: True mean difference in standard deviations of the differences.
    """
    # E Phi(shift - c s) over the standard deviation s: scipy's noncentral t is NaN at the shifts that n = 2 needs.
    critical = stats.t.ppf(1 - alpha / 2, n - 1)
    s = np.sqrt(stats.chi2.ppf((np.arange(DRAWS) + 0.5) / DRAWS, n - 1) / (n - 1))
    return float(stats.norm.cdf(abs(effect) * n**0.5 - critical * s).mean())


def sign_flip_power(effect: float, n: int, *, alpha: float = ALPHA) -> float:
    """Chance that an exact sign-flip test of n <= 10 normal pairs rejects, over a fixed set of draws.

    It also asks for what a verdict asks: a t interval without 0. The same draws serve every effect, so the result
    rises with it and can be solved for.
    """
    draws = np.random.default_rng(0).standard_normal((DRAWS, n)) + abs(effect)
    signs = 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1) - 1.0
    p = (np.abs(draws @ signs.T) >= np.abs(draws.sum(1, keepdims=True)) - 1e-9).mean(1)
    t = np.abs(draws.mean(1)) / (draws.std(1, ddof=1) / n**0.5)
    return float(((p <= alpha + 1e-12) & (t > stats.t.ppf(1 - ALPHA / 2, n - 1))).mean())


def detectable_effect(sd: float, n: int, *, arms: int = 1, test: Test = "t", power: float = POWER) -> float:
    """Smallest true difference that n pairs call better or worse with chance `power`; inf where none is.

    Args:
        sd: Of the paired differences, in the units of the score.
        n: Pairs of each arm.
        arms: Arms compared with the baseline; Holm's first and hardest step is assumed.
        test: The deciding test. Beyond ten pairs the sign-flip test has the power of the t test at its level.
    """
    if n < 2 or not np.isfinite(sd):
        return float("inf")
    return sd * standard_effect(n, arms, test, power)


@cache
def standard_effect(n: int, arms: int, test: Test, power: float) -> float:
    """`detectable_effect` in standard deviations of the differences."""
    alpha = attained_alpha(n, arms=arms, test=test)
    if alpha == 0.0:
        return float("inf")
    of = sign_flip_power if test == "sign-flip" and n <= 10 else t_power
    return float(optimize.brentq(lambda effect: of(effect, n, alpha=alpha) - power, 0.0, 1e6, xtol=1e-3))


def seeds_needed(effect: float, sd: float, *, arms: int = 1, power: float = POWER, most: int = 1000) -> int | None:
    """Fewest pairs at which a t test shows `effect`; None where more than `most` would be needed."""
    if not (np.isfinite(sd) and effect > 0):
        return None
    if sd == 0.0:
        return 2
    enough = (n for n in range(2, most + 1) if t_power(effect / sd, n, alpha=ALPHA / arms) >= power)
    return next(enough, None)


def chance_of_crossing(bounds: Array) -> float:
    """Chance that a standard Brownian test statistic leaves +-bounds at one of K equally spaced looks.

    Args:
        bounds: [K] critical values of the standardised statistic Z_k.
    """
    # Armitage, McPherson & Rowe 1969: densities of the partial sums S_k = sqrt(k) Z_k that have stayed inside
    nodes, weights = np.polynomial.legendre.leggauss(100)
    limits = bounds * np.sqrt(np.arange(1, len(bounds) + 1))
    at, w = limits[0] * nodes, limits[0] * weights
    density = stats.norm.pdf(at)
    for limit in limits[1:]:
        following = limit * nodes
        density = stats.norm.pdf(following[:, None] - at) @ (w * density)
        at, w = following, limit * weights
    return float(1.0 - w @ density)


# Pocock 1977
def pocock_bounds(looks: int, *, alpha: float = ALPHA) -> Array:
    """[looks] equal critical values of |Z| that keep the type I error at `alpha` over all looks."""
    c = optimize.brentq(lambda c: chance_of_crossing(np.full(looks, c)) - alpha, 1.0, 6.0)
    return np.full(looks, float(c))


# O'Brien & Fleming 1979
def obrien_fleming_bounds(looks: int, *, alpha: float = ALPHA) -> Array:
    """[looks] critical values of |Z| that fall as sqrt(looks / k): hard early, nearly alpha at the end."""
    shape = np.sqrt(looks / np.arange(1, looks + 1))
    c = optimize.brentq(lambda c: chance_of_crossing(c * shape) - alpha, 1.0, 6.0)
    return np.asarray(c * shape, dtype=np.float64)


def nominal_p(bounds: Array) -> Array:
    """[looks] two-sided p below which a look may stop."""
    return np.asarray(2 * stats.norm.sf(bounds), dtype=np.float64)
