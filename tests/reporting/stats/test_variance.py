"""Against statsmodels' analysis of variance, and against planted components."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from sweep.reporting.stats.variance import per_seed_noise_split, shared_noise_split


def planted(random: np.random.Generator, runs: int, sets: int, *, seed: float, noise: float, rest: float):
    return random.normal(0, seed, (runs, 1)) + random.normal(0, noise, (1, sets)) + random.normal(0, rest, (runs, sets))


def test_mean_squares_are_those_of_anova():
    scores = planted(np.random.default_rng(1), 7, 4, seed=1.0, noise=0.5, rest=0.3)
    long = pd.DataFrame(scores).melt(ignore_index=False, var_name="noise").reset_index(names="run")
    squares = anova_lm(ols("value ~ C(run) + C(noise)", long).fit())
    by_run, by_set, rest = squares["mean_sq"]
    split = shared_noise_split([scores], [])
    assert split.residual == pytest.approx(rest)
    assert split.training_seed == pytest.approx((by_run - rest) / 4)
    assert split.noise_set == pytest.approx((by_set - rest) / 7)


def test_planted_components_come_back():
    random = np.random.default_rng(2)
    arms = [planted(random, 10, 6, seed=1.0, noise=0.5, rest=0.2) for _ in range(60)]
    split = shared_noise_split(arms, [np.full(5, 0.54)])
    assert split.training_seed == pytest.approx(1.0, rel=0.15)
    assert split.noise_set == pytest.approx(0.25, rel=0.2)
    assert split.residual == pytest.approx(0.04, rel=0.1)
    assert split.finite_n == pytest.approx(0.54**2)
    assert split.training_share == pytest.approx(1 / 1.29, abs=0.05)


def test_what_cannot_be_known_is_nan():
    one_set = shared_noise_split([np.array([[1.0], [2.0], [4.0]])], [])
    assert one_set.training_seed == pytest.approx(np.var([1, 2, 4], ddof=1))
    assert np.isnan(one_set.noise_set)
    assert np.isnan(one_set.finite_n)
    assert np.isnan(shared_noise_split([np.array([[1.0, 2.0]])], []).training_seed)
    assert np.isnan(shared_noise_split([], []).training_share)


def per_seed(random: np.random.Generator, arms: int, runs: int, sets: int, *, seed: float, noise: float, rest: float):
    """Of each arm, replicate -> scores: noise is the same in all arms of a replicate and another one in the next."""
    of_noise = random.normal(0, noise, (runs, sets))
    of_seed = random.normal(0, seed * 0.6, runs)  # what training with that seed does in every arm
    scores = of_seed[:, None] + of_noise + random.normal(0, seed * 0.8, (arms, runs, 1))
    return [dict(enumerate(arm)) for arm in scores + random.normal(0, rest, (arms, runs, sets))]


def test_within_a_seed_mean_squares_are_those_of_anova():
    arms = per_seed(np.random.default_rng(4), 5, 3, 4, seed=1.0, noise=0.5, rest=0.3)
    rows = [(a, r, s, x) for a, arm in enumerate(arms) for r, scores in arm.items() for s, x in enumerate(scores)]
    long = pd.DataFrame(rows, columns=["arm", "seed", "noise", "value"])
    squares = anova_lm(ols("value ~ C(seed) + C(arm):C(seed) + C(noise):C(seed)", long).fit())["mean_sq"]
    rest, by_set = squares["Residual"], squares["C(noise):C(seed)"]
    split = per_seed_noise_split(arms, [])
    assert split.residual == pytest.approx(rest)
    assert split.noise_set == pytest.approx((by_set - rest) / 5)
    between = long.groupby(["arm", "seed"])["value"].mean().groupby("arm").var().mean()
    assert split.training_seed == pytest.approx(between - (split.noise_set + rest) / 4)


def test_planted_components_of_each_seeds_noise_come_back_without_bias():
    random = np.random.default_rng(3)
    studies = [per_seed_noise_split(per_seed(random, 4, 5, 3, seed=1.0, noise=0.5, rest=0.4), []) for _ in range(800)]
    for name, truth in (("training_seed", 1.0), ("noise_set", 0.25), ("residual", 0.16)):
        found = np.array([getattr(split, name) for split in studies])
        assert abs(found.mean() - truth) < 4 * found.std() / len(found) ** 0.5, name


def test_so_they_do_where_runs_are_missing():
    random, found = np.random.default_rng(5), []
    for _ in range(800):
        arms = per_seed(random, 4, 5, 3, seed=1.0, noise=0.5, rest=0.4)
        del arms[1][0], arms[2][0], arms[3][0], arms[1][4]
        found.append(per_seed_noise_split(arms, []).noise_set)
    assert abs(np.mean(found) - 0.25) < 4 * np.std(found) / len(found) ** 0.5


# Reading each arm by itself, as where all runs have the same noise sets, calls all of this noise a reaction to noise.
def test_columns_of_one_arm_are_no_noise_sets_where_each_seed_has_its_own():
    arms = per_seed(np.random.default_rng(6), 6, 40, 3, seed=1.0, noise=1.0, rest=0.1)
    wrong = shared_noise_split([np.stack(list(arm.values())) for arm in arms], [])
    assert wrong.noise_set < 0.1
    assert wrong.residual > 0.8
    right = per_seed_noise_split(arms, [])
    assert right.residual < 0.02
    assert right.noise_set > 0.8


def test_what_the_noise_of_each_seed_cannot_tell_is_nan():
    alone = per_seed_noise_split([{0: np.array([1.0, 2.0]), 1: np.array([4.0, 6.0])}], [])
    assert np.isnan(alone.noise_set)
    assert alone.residual == pytest.approx((0.5 + 2.0) / 2)
    assert alone.training_seed == pytest.approx((5.0 - 1.5) ** 2 / 2 - alone.residual / 2)
    one_set = per_seed_noise_split([{0: np.array([1.0]), 1: np.array([3.0])}], [np.array([np.nan])])
    assert (one_set.training_seed, np.isnan(one_set.residual), np.isnan(one_set.finite_n)) == (2.0, True, True)
    assert np.isnan(per_seed_noise_split([{}], []).training_seed)
