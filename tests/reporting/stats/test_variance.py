"""Against statsmodels' analysis of variance, and against planted components."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from sweep.reporting.stats.variance import variance_split


def planted(random: np.random.Generator, runs: int, sets: int, *, seed: float, noise: float, rest: float):
    return random.normal(0, seed, (runs, 1)) + random.normal(0, noise, (1, sets)) + random.normal(0, rest, (runs, sets))


def test_mean_squares_are_those_of_anova():
    score_requests = planted(np.random.default_rng(1), 7, 4, seed=1.0, noise=0.5, rest=0.3)
    long = pd.DataFrame(score_requests).melt(ignore_index=False, var_name="noise").reset_index(names="run")
    squares = anova_lm(ols("value ~ C(run) + C(noise)", long).fit())
    by_run, by_set, rest = squares["mean_sq"]
    split = variance_split([score_requests], [])
    assert split.residual == pytest.approx(rest)
    assert split.training_seed == pytest.approx((by_run - rest) / 4)
    assert split.noise_set == pytest.approx((by_set - rest) / 7)


def test_planted_components_come_back():
    random = np.random.default_rng(2)
    arms = [planted(random, 10, 6, seed=1.0, noise=0.5, rest=0.2) for _ in range(60)]
    split = variance_split(arms, [np.full(5, 0.54)])
    assert split.training_seed == pytest.approx(1.0, rel=0.15)
    assert split.noise_set == pytest.approx(0.25, rel=0.2)
    assert split.residual == pytest.approx(0.04, rel=0.1)
    assert split.finite_n == pytest.approx(0.54**2)
    assert split.training_share == pytest.approx(1 / 1.29, abs=0.05)


def test_what_cannot_be_known_is_nan():
    one_set = variance_split([np.array([[1.0], [2.0], [4.0]])], [])
    assert one_set.training_seed == pytest.approx(np.var([1, 2, 4], ddof=1))
    assert np.isnan(one_set.noise_set)
    assert np.isnan(one_set.finite_n)
    assert np.isnan(variance_split([np.array([[1.0, 2.0]])], []).training_seed)
    assert np.isnan(variance_split([], []).training_share)
