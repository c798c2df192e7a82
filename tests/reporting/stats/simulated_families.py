"""Simulated studies judged by the rule of comparison: familywise error, power, and coverage of intervals.

`python -m tests.reporting.stats.simulated_families 20000` prints the tables that docs/statistics.md quotes. Scores are
normal unless a case says otherwise; the baseline and each arm have their own noise, and no arm has an effect.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from sweep.statistics.dunnett import critical_values
from sweep.statistics.pooled import judged_variance

Array = NDArray[np.float64]
ALPHA = 0.05
EFFECTS = {3: 3.0, 5: 1.8, 8: 1.3}
"""Seeds -> planted effect in standard deviations of a paired difference."""


def equal(arms: int) -> Array:
    """[1 + k] standard deviations: of the baseline, then of each arm."""
    return np.ones(1 + arms)


def noisy(noisy_arms: Callable[[int], int], times: float) -> Callable[[int], Array]:
    def spread(arms: int) -> Array:
        sd = np.ones(1 + arms)
        sd[1 : 1 + noisy_arms(arms)] = times
        return sd

    return spread


def noisy_baseline(arms: int) -> Array:
    return np.concatenate([[3.0], np.ones(arms)])


def quiet_baseline(arms: int) -> Array:
    return np.concatenate([[0.2], np.ones(arms)])


def graded(arms: int) -> Array:
    return np.concatenate([[1.0], np.linspace(1, 3, arms)])


SPREADS: Mapping[str, Callable[[int], Array]] = {
    "equal": equal,
    "one arm x4": noisy(lambda k: 1, 4.0),
    "one arm x10": noisy(lambda k: 1, 10.0),
    "two arms x3": noisy(lambda k: min(k, 2), 3.0),
    "baseline x3": noisy_baseline,
    "baseline x0.2": quiet_baseline,
    "half x3": noisy(lambda k: k // 2, 3.0),
    "three quarters x3": noisy(lambda k: 3 * k // 4, 3.0),
    "1 to 3, graded": graded,
    "log-normal": equal,
    "t3": equal,
}


def differences(random: np.random.Generator, case: str, *, studies: int, arms: int, seeds: int) -> Array:
    """[studies, k, n] paired differences of placebo arms."""
    size = (studies, 1 + arms, seeds)
    if case == "log-normal":
        noise = np.exp(random.standard_normal(size))
    else:
        noise = random.standard_t(3, size) if case == "t3" else random.standard_normal(size)
    scores = noise * SPREADS[case](arms)[:, None]
    return np.asarray(scores[:, 1:] - scores[:, :1], dtype=np.float64)


def statistics(paired: Array, rounding: float = 0.0) -> tuple[Array, Array, Array]:
    """[studies, k] mean differences, their standard errors and degrees of freedom."""
    n = paired.shape[-1]
    variance, df, _ = judged_variance(paired.var(-1, ddof=1), np.full(paired.shape[1], n - 1.0), rounding**2 / 6)
    return paired.mean(-1), np.sqrt(variance / n), df


def rejected(mean: Array, error: Array, df: Array, alpha: float = ALPHA) -> NDArray[np.bool_]:
    """[studies, k] whether the step-down method calls the arm different."""
    arms = mean.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.nan_to_num(np.abs(mean) / error, nan=0.0)
    critical = [critical_values(alpha, arms=k, df=df) for k in range(arms, 0, -1)]
    order, rows = np.argsort(-t / critical[0], axis=1), np.arange(len(t))
    called, going = np.zeros(t.shape, dtype=bool), np.ones(len(t), dtype=bool)
    for step, index in enumerate(order.T):
        going &= t[rows, index] > critical[step][rows, index]
        called[rows, index] = going
    return called


def error_rate(case: str, *, studies: int, arms: int, seeds: int, seed: int = 11) -> float:
    """Share of studies in which any placebo is called better or worse."""
    paired = differences(np.random.default_rng(seed), case, studies=studies, arms=arms, seeds=seeds)
    return float(rejected(*statistics(paired)).any(axis=1).mean())


def power(case: str, arm: int, *, studies: int, arms: int, seeds: int, seed: int = 7) -> float:
    """Share of studies in which one arm with the effect of `EFFECTS` is found, all others being placebos."""
    paired = differences(np.random.default_rng(seed), case, studies=studies, arms=arms, seeds=seeds)
    spread = SPREADS[case](arms)
    paired[:, arm] += EFFECTS[seeds] * np.hypot(spread[0], spread[1:][arm])
    return float(rejected(*statistics(paired))[:, arm].mean())


def coverage(effects: Array, *, studies: int, seeds: int, seed: int = 5) -> tuple[float, float, float]:
    """How often intervals hold.

    Args:
        effects: [k] true differences in standard deviations of a paired difference.

    Returns:
        Coverage of the interval of the arm that looks best, of all at once, and of all where none is ended at 0.
    """
    truth = effects * 2**0.5
    paired = differences(np.random.default_rng(seed), "equal", studies=studies, arms=len(effects), seeds=seeds)
    mean, error, df = statistics(paired + truth[:, None])
    half, called = error * critical_values(ALPHA, arms=len(effects), df=df), rejected(mean, error, df)
    low = np.where(called & (mean > 0), np.maximum(mean - half, 0.0), mean - half)
    high = np.where(called & (mean < 0), np.minimum(mean + half, 0.0), mean + half)
    holds = (low <= truth) & (truth <= high) & ~(called & (truth == 0.0))
    best = mean.argmin(1)
    plain = np.abs(mean - truth) <= half
    return float(holds[np.arange(studies), best].mean()), float(holds.all(1).mean()), float(plain.all(1).mean())


def main(studies: int) -> None:
    """Print all tables, in percent."""
    arms_of = (1, 2, 3, 4, 6, 10)
    print("columns: seeds 3, 5, 8, and for each 1, 2, 3, 4, 6, 10 arms")
    for name, case, arm in (
        ("equal", "equal", 0),
        ("beside a noisy arm", "one arm x4", -1),
        ("quiet half", "half x3", -1),
        ("baseline x3", "baseline x3", 0),
    ):
        found = [power(case, arm, studies=studies, arms=k, seeds=n) for n in EFFECTS for k in arms_of]
        print(f"power  {name:20s}", " ".join(f"{100 * each:5.1f}" for each in found))
    for case in SPREADS:
        wrong = [error_rate(case, studies=studies, arms=k, seeds=n) for n in EFFECTS for k in arms_of]
        print(f"error  {case:20s}", " ".join(f"{100 * each:5.1f}" for each in wrong))
    for k in (1, 4, 10):
        for name, effects in (
            ("all at -1.5", np.full(k, -1.5)),
            ("half at -3", np.where(np.arange(k) < (k + 1) // 2, -3.0, 0.0)),
            ("spread -3..3", np.linspace(-3, 3, k)),
        ):
            for n in EFFECTS:
                held = coverage(effects, studies=studies, seeds=n)
                print(f"coverage {k:2d} arms {name:13s} n={n}", " ".join(f"{100 * each:5.1f}" for each in held))


if __name__ == "__main__":
    main(int(sys.argv[1]))
