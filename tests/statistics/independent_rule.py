"""The rule of comparison written again from docs/statistics.md, with nothing of `sweep`, and the rule J before it.

Both are judged on studies whose scores are drawn from several distributions. Critical values and expectations of order
statistics come from random draws, as no table has them for every number of arms.

`python -m tests.statistics.independent_rule 20000` prints familywise error, power and coverage, in percent.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
MEAN, CV = 12.0, 0.03
"""Of the baseline's FIDs."""
DRAWS = 400_000
EFFECTS = {3: 3.0, 5: 1.8, 8: 1.3}
"""Seeds -> planted effect in standard deviations of a paired difference, as the plan of the rule states it."""


def _unit(draw: Callable[[np.random.Generator, tuple[int, ...]], Array], mean: float, sd: float):
    return lambda random, size: (draw(random, size) - mean) / sd


NOISE: Mapping[str, Callable[[np.random.Generator, tuple[int, ...]], Array]] = {
    "normal": lambda random, size: random.standard_normal(size),
    "t3": _unit(lambda random, size: random.standard_t(3, size), 0.0, 3**0.5),
    "log-normal": _unit(lambda random, size: random.lognormal(0, 0.7, size), np.exp(0.245), stats.lognorm(0.7).std()),
    "gamma": _unit(lambda random, size: random.gamma(1.5, 1.0, size), 1.5, 1.5**0.5),
    "uniform": _unit(lambda random, size: random.uniform(0, 1, size), 0.5, 12**-0.5),
}
"""Name -> noise of mean 0 and variance 1."""


def drawn(case: str, *, studies: int, arms: int, seeds: int, effects: Array | None = None, seed: int = 0) -> Array:
    """[studies, k, n] paired differences of logarithms of FIDs.

    Args:
        case: A key of `NOISE`, or `heteroscedastic`: normal noise whose size rises from one to two over the arms.
        studies: Number of studies.
        arms: Arms beside the baseline.
        seeds: Seeds of each.
        effects: [k] true differences, in standard deviations of a paired difference of the first arm; None for 0.
        seed: Of the draws.
    """
    random = np.random.default_rng((31, seed))
    noise = NOISE["normal" if case == "heteroscedastic" else case](random, (studies, 1 + arms, seeds))
    sd = np.concatenate([[1.0], np.linspace(1, 2, arms)]) if case == "heteroscedastic" else np.ones(1 + arms)
    hard = random.normal(0, 0.05, (studies, 1, seeds))  # some seeds are harder than others, in all arms
    shift = np.zeros(arms) if effects is None else effects * CV * 2**0.5
    means = MEAN * np.exp(np.concatenate([[0.0], shift])[:, None])
    scores = means * np.exp(hard) * (1 + CV * sd[:, None] * noise)
    logs = np.log(np.maximum(scores, 1e-3))
    return np.asarray(logs[:, 1:] - logs[:, :1])


@cache
def _largest_t(arms: int, df: float) -> Array:
    """Sorted draws of the largest |t| of arms that share a baseline and a variance."""
    random = np.random.default_rng((32, arms))
    normal = random.standard_normal((DRAWS, arms + 1))
    z = np.abs(normal[:, 1:] - normal[:, :1]).max(1) / 2**0.5
    return np.sort(z / np.sqrt(random.chisquare(df, DRAWS) / df))


def critical(arms: int, df: Array) -> Array:
    """Two-sided critical value of so many arms, for each number of degrees of freedom."""
    return np.vectorize(lambda each: np.quantile(_largest_t(arms, round(float(each), 6)), 0.95))(df)


@cache
def _mean_of_rank(rank: int, arms: int, df: float) -> float:
    random = np.random.default_rng((33, rank, arms))
    return float(np.sort(random.chisquare(df, (DRAWS, arms)) / df, axis=1)[:, rank - 1].mean())


def _ours(variance: Array, n: int) -> tuple[Array, Array]:
    """The upper quartile of the arms' variances, or an arm's own where that is larger; alone where it is far larger."""
    arms = variance.shape[1]
    shared = (n - 1) * arms / (1 + (arms - 1) / 4)
    if arms == 2:
        pool = variance.mean(1, keepdims=True)
    else:
        rank = max(1, min(-(-3 * arms // 4), arms - 1))
        pool = np.sort(variance, 1)[:, rank - 1 : rank] / (_mean_of_rank(rank, arms, n - 1.0) if arms > 1 else 1.0)
    alone = variance / pool > stats.f.ppf(0.9, n - 1, shared)
    return np.maximum(variance, pool), np.where(alone, n - 1.0, shared)


def _rule_j(variance: Array, n: int) -> tuple[Array, Array]:
    """The median of the arms' variances, or an arm's own where that is larger."""
    arms = variance.shape[1]
    ranks = {(arms + 1) // 2, arms // 2 + 1}
    middle = np.median(variance, axis=1, keepdims=True)
    pool = middle / np.mean([_mean_of_rank(rank, arms, n - 1.0) for rank in ranks])
    return np.maximum(variance, pool), np.full(variance.shape, (n - 1) * arms / (1 + (arms - 1) / 4))


RULES = {"ours": _ours, "J": _rule_j}


@dataclass(frozen=True)
class Judged:
    """[studies, k] each: whether an arm is called different, and its simultaneous interval."""

    called: NDArray[np.bool_]
    low: Array
    high: Array
    mean: Array


def judged(paired: Array, rule: str = "ours") -> Judged:
    """Dunnett's test in steps: the clearest arm among all, the next among those left."""
    studies, arms, n = paired.shape
    variance, df = RULES[rule](paired.var(-1, ddof=1), n)
    mean, error = paired.mean(-1), np.sqrt(variance / n)
    distinct, where = np.unique(df, return_inverse=True)
    table = {k: critical(k, distinct)[where].reshape(df.shape) for k in range(1, arms + 1)}
    t = np.abs(mean) / error
    called, left = np.zeros(t.shape, bool), np.ones(len(t), bool)
    rows = np.arange(studies)
    # By the p value among all arms: the ratio to the critical value has the same order where df are equal.
    order = np.argsort(-t / table[arms], axis=1)
    for step, k in zip(order.T, range(arms, 0, -1), strict=True):
        left &= t[rows, step] > table[k][rows, step]
        called[rows, step] = left
    half = error * table[arms]
    low = np.where(called & (mean > 0), np.maximum(mean - half, 0), mean - half)
    high = np.where(called & (mean < 0), np.minimum(mean + half, 0), mean + half)
    return Judged(called, low, high, mean)


def familywise_error(case: str, *, studies: int, arms: int, seeds: int, rule: str = "ours") -> float:
    """Share of placebo studies in which any arm is called different."""
    return float(judged(drawn(case, studies=studies, arms=arms, seeds=seeds), rule).called.any(1).mean())


def power(case: str, *, studies: int, arms: int, seeds: int, rule: str = "ours") -> float:
    """Share of studies in which the one arm with an effect is found."""
    effects = np.zeros(arms)
    effects[0] = -EFFECTS[seeds]
    paired = drawn(case, studies=studies, arms=arms, seeds=seeds, effects=effects)
    return float(judged(paired, rule).called[:, 0].mean())


def coverage(case: str, *, studies: int, arms: int, seeds: int) -> tuple[float, float]:
    """How often the interval of the arm that looks best holds its truth, and all intervals theirs; all arms at -1.5 sd.

    The truth is the expected difference of logarithms, which noise of a positive score moves by less than a hundredth.
    """
    effects = np.full(arms, -1.5)
    truth = drawn(case, studies=200_000, arms=1, seeds=1, effects=effects[:1], seed=1).mean()
    result = judged(drawn(case, studies=studies, arms=arms, seeds=seeds, effects=effects))
    holds = (result.low <= truth) & (truth <= result.high)
    return float(holds[np.arange(studies), result.mean.argmin(1)].mean()), float(holds.all(1).mean())


def main(studies: int) -> None:
    """Print all tables, in percent."""
    cells = [(n, k) for n in EFFECTS for k in (1, 4, 10)]
    print("columns: n = 3: 1, 4, 10 arms; 5: 1, 4, 10; 8: 1, 4, 10")
    for case in (*NOISE, "heteroscedastic"):
        for rule in RULES:
            for what, measure in (("error", familywise_error), ("power", power)):
                found = [measure(case, studies=studies, arms=k, seeds=n, rule=rule) for n, k in cells]
                print(f"{what:8s} {rule:4s} {case:16s}", " ".join(f"{100 * each:5.1f}" for each in found), flush=True)
        if case != "heteroscedastic":
            for name, part in (("headline", 0), ("all", 1)):
                found = [coverage(case, studies=studies, arms=k, seeds=n)[part] for n, k in cells]
                print(f"covered  {name:8s} {case:12s}", " ".join(f"{100 * each:5.1f}" for each in found), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
