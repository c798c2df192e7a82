"""Against closed forms, statsmodels' linear model and simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sweep.statistics.pooled import expected_rank, judged_variance, pooled_df, pooled_variance, rank_of_pool


def test_the_pool_is_the_upper_quartile_and_never_the_noisiest_of_three_or_more():
    assert [rank_of_pool(k) for k in range(1, 13)] == [1, 0, 2, 3, 4, 5, 6, 6, 7, 8, 9, 9]


def test_one_arm_is_its_own_pool():
    variance, df, _ = judged_variance(np.array([2.5]), np.array([4.0]))
    assert (variance[0], df[0]) == (pytest.approx(2.5), pytest.approx(4.0))


def test_two_arms_are_those_of_the_linear_model_with_seeds_as_blocks_but_for_what_they_share():
    """The mean of the two paired variances and the error variance of statsmodels' OLS with C(seed) have one
    expectation: a difference has twice the variance of a run."""
    random = np.random.default_rng(2)
    ours, theirs = [], []
    for _ in range(300):
        scores = random.normal(size=(3, 4)) + 10 * random.normal(size=4)
        differences = scores[1:] - scores[0]
        ours.append(pooled_variance(differences.var(1, ddof=1), 3.0)[0])
        arm, seed = np.indices(scores.shape)
        table = pd.DataFrame({"y": scores.ravel(), "arm": arm.ravel(), "seed": seed.ravel()})
        theirs.append(2 * smf.ols("y ~ C(arm) + C(seed)", table).fit().mse_resid)
    assert np.mean(ours) == pytest.approx(2.0, rel=0.12)
    assert np.mean(theirs) == pytest.approx(2.0, rel=0.12)
    assert np.corrcoef(ours, theirs)[0, 1] > 0.8


@pytest.mark.parametrize(("rank", "arms"), [(1, 1), (1, 4), (3, 4), (8, 10)])
def test_the_mean_of_an_order_statistic_with_two_degrees_of_freedom_is_a_harmonic_sum(rank, arms):
    """With two degrees of freedom a variance is exponential: Renyi 1953, E = sum of 1 / (k - i + 1)."""
    by_hand = sum(1 / (arms - i + 1) for i in range(1, rank + 1))
    assert expected_rank(rank, arms, 2.0) == pytest.approx(by_hand, rel=1e-3)


@pytest.mark.parametrize("arms", [2, 3, 4, 7, 10])
@pytest.mark.parametrize("df", [2.0, 7.0])
def test_the_pool_has_no_bias_where_all_are_equally_noisy(arms, df):
    draws = stats.chi2.rvs(df, size=(40_000, arms), random_state=np.random.default_rng(1)) / df
    assert pooled_variance(draws, df).mean() == pytest.approx(1.0, abs=0.015)


@pytest.mark.parametrize(("arms", "seeds"), [(2, 3), (4, 5), (10, 3)])
def test_degrees_of_freedom_are_those_of_a_mean_of_variances(arms, seeds):
    """Satterthwaite 1946: 2 E^2 / Var, over simulated studies with a shared baseline."""
    runs = np.random.default_rng(3).standard_normal((60_000, arms + 1, seeds))
    means = (runs[:, 1:] - runs[:, :1]).var(-1, ddof=1).mean(1)
    assert pooled_df(np.full(arms, seeds - 1.0)) == pytest.approx(2 * means.mean() ** 2 / means.var(), rel=0.05)


def test_a_noisy_arm_is_judged_by_its_own_seeds_and_the_others_are_not_blurred():
    variances, df = np.array([1.0, 1.1, 0.9, 100.0]), np.full(4, 2.0)
    judged, freedom, noisier = judged_variance(variances, df)
    assert judged[3] == 100.0
    assert freedom[3] == 2.0
    assert noisier.tolist() == [False, False, False, True]
    assert judged[:3].max() < 1.5
    assert (freedom[:3] == pooled_df(df)).all()


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=12), st.integers(1, 30))
def test_no_arm_is_judged_by_less_than_its_own_variance(variances, df):
    judged, freedom, _ = judged_variance(np.array(variances), np.full(len(variances), float(df)))
    assert (judged >= np.array(variances)).all()
    assert (freedom >= df).all()


def test_the_floor_holds_where_all_scores_are_equal():
    judged, _, _ = judged_variance(np.zeros(3), np.full(3, 2.0), 0.01)
    assert (judged >= 0.01).all()


def test_many_studies_at_once():
    variances = np.random.default_rng(0).chisquare(3, size=(5, 4))
    together, df, _ = judged_variance(variances, np.full(4, 3.0))
    alone = [judged_variance(each, np.full(4, 3.0)) for each in variances]
    assert together == pytest.approx(np.array([each[0] for each in alone]))
    assert df == pytest.approx(np.array([each[1] for each in alone]))
