"""What a design can show: the effects it would find, and the seeds that an effect needs."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from sweep.reporting.stats.paired import ALPHA, Test, arms_confirmable, sign_flip_floor

Array = NDArray[np.float64]
POWER = 0.8
DRAWS = 2000


def attained_alpha(n: int, *, arms: int, test: Test, alpha: float = ALPHA) -> float:
    """Level at which an arm is tested in Holm's first and strictest step.

    Args:
        n: Number of pairs.
        arms: Number of arms that are compared with the baseline.
        test: The deciding test.
        alpha: Level of the family of arms.

    Returns:
        The level; 0 where no p can reach it.
    """
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
        n: Number of pairs.
        alpha: Two-sided level of the test.
    """
    # E Phi(shift - c s) over the standard deviation s: scipy's noncentral t is NaN at the shifts that n = 2 needs.
    critical = stats.t.ppf(1 - alpha / 2, n - 1)
    s = np.sqrt(stats.chi2.ppf((np.arange(DRAWS) + 0.5) / DRAWS, n - 1) / (n - 1))
    return float(stats.norm.cdf(abs(effect) * n**0.5 - critical * s).mean())


def sign_flip_power(effect: float, n: int, *, alpha: float = ALPHA) -> float:
    """Chance that an exact sign-flip test of n <= 10 normal pairs rejects, over a fixed set of draws.

    As for a verdict, the t interval must exclude 0 too. The same draws serve every effect, so that the result rises
    with it and an equation for it can be solved.

    Args:
        effect: True mean difference in standard deviations of the differences.
        n: Number of pairs, at most 10.
        alpha: Two-sided level of the test.
    """
    draws = np.random.default_rng(0).standard_normal((DRAWS, n)) + abs(effect)
    signs = 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1) - 1.0
    p = (np.abs(draws @ signs.T) >= np.abs(draws.sum(1, keepdims=True)) - 1e-9).mean(1)
    t = np.abs(draws.mean(1)) / (draws.std(1, ddof=1) / n**0.5)
    return float(((p <= alpha + 1e-12) & (t > stats.t.ppf(1 - ALPHA / 2, n - 1))).mean())


def detectable_effect(
    sd: float, n: int, *, arms: int = 1, test: Test = "t", power: float = POWER, alpha: float = ALPHA
) -> float:
    """Smallest true difference that n pairs call better or worse with chance `power`; inf where none is.

    Args:
        sd: Of the paired differences, in the units of the score.
        n: Pairs of each arm.
        arms: Arms compared with the baseline; Holm's first and hardest step is assumed.
        test: The deciding test. Beyond ten pairs the sign-flip test has the power of the t test at its level.
        alpha: Level of the family of arms; an interim analysis leaves less than 0.05.
        power: Chance of detection.
    """
    if n < 2 or not np.isfinite(sd):
        return float("inf")
    return sd * standard_effect(n, arms, test, power, alpha)


@cache
def standard_effect(n: int, arms: int, test: Test, power: float, alpha: float = ALPHA) -> float:
    """`detectable_effect` in standard deviations of the differences.

    Args:
        n: Number of pairs of each arm.
        arms: Number of arms that are compared with the baseline.
        test: The deciding test.
        power: Chance of detection.
        alpha: Level of the family of arms.
    """
    attained = attained_alpha(n, arms=arms, test=test, alpha=alpha)
    if attained == 0.0:
        return float("inf")
    of = sign_flip_power if test == "sign-flip" and n <= 10 else t_power
    return float(optimize.brentq(lambda effect: of(effect, n, alpha=attained) - power, 0.0, 1e6, xtol=1e-3))


def seeds_needed(effect: float, sd: float, *, arms: int = 1, power: float = POWER, max_seeds: int = 1000) -> int | None:
    """Fewest pairs at which a t test shows `effect`; None where more than `max_seeds` would be needed.

    Args:
        effect: True difference, in the units of the score.
        sd: Standard deviation of the paired differences.
        arms: Number of arms that are compared with the baseline.
        power: Chance of detection.
        max_seeds: The most pairs that are considered.
    """
    if not (np.isfinite(sd) and effect > 0):
        return None
    if sd == 0.0:
        return 2
    enough = (n for n in range(2, max_seeds + 1) if t_power(effect / sd, n, alpha=ALPHA / arms) >= power)
    return next(enough, None)
