"""What a design can show: the effects it would find, and the seeds that an effect needs."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from sweep.statistics.dunnett import critical_t, critical_values
from sweep.statistics.paired import ALPHA
from sweep.statistics.pooled import judged_variance, pooled_df

Array = NDArray[np.float64]
POWER = 0.8
DRAWS = 2000
SIMULATED_SEEDS = 60
"""Beyond so many the pooled variance is as good as known, and an arm's own is near it."""
LARGEST = 1e6
"""Standard deviations; no larger effect is looked for."""


# Cohen 1988, sec. 2.2: the statistic follows a noncentral t with shift effect sqrt(n)
def power_of_rule(effect: float, n: int, *, arms: int = 1, alpha: float = ALPHA) -> float:
    """Chance that an arm is called different, on the right side, if all arms are equally noisy.

    Args:
        effect: True mean difference in standard deviations of a paired difference.
        n: Pairs of each arm, at least 2.
        arms: Arms compared with the baseline; the first and hardest step of the method is assumed.
        alpha: Level of the family of arms.
    """
    # The mean of normal differences does not depend on their standard deviation: E Phi(shift - c s) over s.
    return float(stats.norm.cdf(abs(effect) * n**0.5 - _critical_shifts(n, arms, alpha)).mean())


@cache
def _critical_shifts(n: int, arms: int, alpha: float) -> Array:
    """[DRAWS] standard errors that a mean must reach: critical value times the estimated standard deviation.

    Args:
        n: Pairs of each arm.
        arms: Arms compared with the baseline.
        alpha: Level of the family of arms.
    """
    if arms > 1 and n <= SIMULATED_SEEDS:
        runs = np.random.default_rng(0).standard_normal((DRAWS, 1 + arms, n))
        own = (runs[:, 1:] - runs[:, :1]).var(-1, ddof=1) / 2  # of a paired difference with variance 1
        variance, freedom, _ = judged_variance(own, np.full(arms, n - 1.0))
        critical = critical_values(alpha, arms=arms, df=freedom[:, 0])
        return np.asarray(np.sqrt(variance[:, 0]) * critical, dtype=np.float64)
    df = pooled_df(np.full(arms, n - 1.0))
    # scipy's noncentral t is NaN at the shifts that n = 2 needs.
    s = np.sqrt(stats.chi2.ppf((np.arange(DRAWS) + 0.5) / DRAWS, df) / df)
    return np.asarray(critical_t(alpha, arms=arms, df=df) * s, dtype=np.float64)


def detectable_effect(sd: float, n: int, *, arms: int = 1, power: float = POWER, alpha: float = ALPHA) -> float:
    """Smallest true difference that n pairs call better or worse with chance `power`; inf where none is.

    Args:
        sd: Of the paired differences, in the units of the score.
        n: Pairs of each arm.
        arms: Arms compared with the baseline.
        power: The chance.
        alpha: Level of the family of arms; an interim analysis leaves less than 0.05.
        power: Chance of detection.
    """
    if n < 2 or not np.isfinite(sd):
        return float("inf")
    return sd * standard_effect(n, arms, power, alpha)


@cache
def standard_effect(n: int, arms: int, power: float = POWER, alpha: float = ALPHA) -> float:
    """`detectable_effect` in standard deviations of the differences.

    Args:
        n: Pairs of each arm, at least 2.
        arms: Arms compared with the baseline.
        power: The chance.
        alpha: Level of the family of arms.
    """
    return float(
        optimize.brentq(
            lambda effect: power_of_rule(effect, n, arms=arms, alpha=alpha) - power, 0.0, LARGEST, xtol=1e-3
        )
    )


def seeds_needed(effect: float, sd: float, *, arms: int = 1, power: float = POWER, max_seeds: int = 1000) -> int | None:
    """Fewest pairs at which the rule shows an effect; None where more than `max_seeds` would be needed.

    Args:
        effect: True mean difference, in the units of the score.
        sd: Of the paired differences, in the same units.
        arms: Arms compared with the baseline.
        power: Chance with which it is to be shown.
        max_seeds: Largest number of pairs that is tried.
    """
    if not (np.isfinite(sd) and effect > 0):
        return None
    if sd == 0.0:
        return 2
    few, enough = 1, max_seeds
    if power_of_rule(effect / sd, max_seeds, arms=arms) < power:
        return None
    while enough - few > 1:
        n = (few + enough) // 2
        few, enough = (few, n) if power_of_rule(effect / sd, n, arms=arms) >= power else (n, enough)
    return enough
