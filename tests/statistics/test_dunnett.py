"""Against published tables, scipy's multivariate t and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sweep.statistics.dunnett import critical_t, critical_values, largest_t_p, step_down_p

# Dunnett 1964, tables II and III (two-sided, equal numbers): (level, degrees of freedom) -> 1, 2, 3, 4, 5, 9 arms
PUBLISHED = {
    (0.05, 5): (2.57, 3.03, 3.29, 3.48, 3.62, 3.97),
    (0.05, 10): (2.23, 2.57, 2.76, 2.89, 2.99, 3.24),
    (0.05, 20): (2.09, 2.38, 2.54, 2.65, 2.73, 2.95),
    (0.05, np.inf): (1.96, 2.21, 2.35, 2.44, 2.51, 2.69),
    (0.01, 10): (3.17, 3.53, 3.74, 3.88, 3.99, 4.28),
}


@pytest.mark.parametrize(("alpha", "df"), PUBLISHED)
def test_critical_values_are_those_of_the_published_tables(alpha, df):
    ours = [critical_t(alpha, arms=k, df=df) for k in (1, 2, 3, 4, 5, 9)]
    assert ours == pytest.approx(PUBLISHED[alpha, df], abs=0.0101)  # the tables round up


@pytest.mark.parametrize("df", [1, 2, 3.7, 10, 60])
@pytest.mark.parametrize("t", [0.3, 2.0, 6.0])
def test_one_arm_is_the_t_distribution(t, df):
    assert largest_t_p(t, arms=1, df=df) == pytest.approx(2 * stats.t.sf(t, df), rel=1e-7)
    assert critical_t(0.05, arms=1, df=df) == pytest.approx(stats.t.isf(0.025, df), rel=1e-7)


@pytest.mark.parametrize(("arms", "df", "t"), [(2, 2, 4.0), (3, 5, 2.5), (4, 7, 3.1), (6, 30, 2.2)])
def test_several_arms_are_scipys_multivariate_t(arms, df, t):
    shape = np.full((arms, arms), 0.5) + 0.5 * np.eye(arms)
    box = stats.multivariate_t(shape=shape, df=df)
    limit = np.full(arms, t)
    inside = box.cdf(limit, lower_limit=-limit, maxpts=200_000, random_state=np.random.default_rng(0))
    assert largest_t_p(t, arms=arms, df=df) == pytest.approx(1 - inside, abs=3e-4)


def test_p_values_of_scipys_dunnett_test():
    """Unpaired, three groups of six: the same distribution with 20 degrees of freedom."""
    random = np.random.default_rng(4)
    control, *groups = (random.normal(shift, 1.0, size=6) for shift in (0.0, 0.9, -0.4, 1.6))
    theirs = stats.dunnett(*groups, control=control, random_state=np.random.default_rng(1))
    ours = [largest_t_p(float(t), arms=3, df=20) for t in np.abs(theirs.statistic)]
    assert ours == pytest.approx(theirs.pvalue, abs=1e-3)


def test_a_known_variance_is_the_normal_limit():
    assert largest_t_p(2.0, arms=1, df=np.inf) == pytest.approx(2 * stats.norm.sf(2.0), rel=1e-9)
    assert largest_t_p(2.5, arms=5, df=15_000) == pytest.approx(largest_t_p(2.5, arms=5, df=np.inf), rel=2e-3)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.1, 30), st.integers(1, 40), st.floats(2, 300))
def test_p_lies_between_that_of_one_arm_and_bonferronis(t, arms, df):
    alone = float(2 * stats.t.sf(t, df))
    p = largest_t_p(t, arms=arms, df=df)
    assert alone * (1 - 1e-5) - 1e-12 <= p <= min(1.0, arms * alone) * (1 + 1e-5) + 1e-12


def test_p_and_critical_value_are_inverse():
    for arms, df in ((1, 2.0), (4, 4.6), (10, 6.2), (30, 50.0)):
        assert largest_t_p(critical_t(0.05, arms=arms, df=df), arms=arms, df=df) == pytest.approx(0.05, abs=1e-8)


def test_critical_values_of_an_array():
    df = np.array([[2.0, 5.0], [5.0, np.nan]])
    expected = [[critical_t(0.05, arms=3, df=2.0), critical_t(0.05, arms=3, df=5.0)]]
    expected.append([expected[0][1], np.nan])
    assert critical_values(0.05, arms=3, df=df) == pytest.approx(np.array(expected), nan_ok=True)


def test_step_down_by_hand():
    """The clearest arm is judged among three, the next among two; a p value is never below an earlier one."""
    t, df = np.array([2.0, 5.0, np.nan, 2.6]), np.full(4, 8.0)
    p = step_down_p(t, df, arms=3)
    assert p[1] == pytest.approx(largest_t_p(5.0, arms=3, df=8))
    assert p[3] == pytest.approx(largest_t_p(2.6, arms=2, df=8))
    assert p[0] == pytest.approx(largest_t_p(2.0, arms=1, df=8))
    assert np.isnan(p[2])
    equal = step_down_p(np.full(3, 2.4), np.full(3, 8.0), arms=3)
    assert equal == pytest.approx(np.full(3, largest_t_p(2.4, arms=3, df=8)))


def test_arms_that_lost_their_scores_still_count():
    few = step_down_p(np.array([3.0]), np.array([6.0]), arms=1)
    assert step_down_p(np.array([3.0]), np.array([6.0]), arms=5) > few


def test_degenerate_values():
    assert np.isnan(largest_t_p(float("nan"), arms=2, df=4))
    assert largest_t_p(float("inf"), arms=2, df=4) == 0.0
    assert largest_t_p(0.0, arms=2, df=4) == pytest.approx(1.0)
