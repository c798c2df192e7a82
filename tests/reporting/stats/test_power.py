"""Against statsmodels, closed forms and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from sweep.reporting.stats.paired import sign_flip_p
from sweep.reporting.stats.power import (
    attained_alpha,
    detectable_effect,
    seeds_needed,
    sign_flip_power,
    t_power,
)


@pytest.mark.parametrize(
    ("effect", "n", "alpha"), [(1.2, 8, 0.05), (0.9, 12, 0.0125), (2.5, 5, 0.025), (0.8, 20, 0.05)]
)
def test_t_power_is_that_of_statsmodels(effect, n, alpha):
    theirs = TTestPower().power(effect, n, alpha)  # counts the wrong side too, which is nothing here
    assert t_power(effect, n, alpha=alpha) == pytest.approx(theirs, abs=1e-4)


def test_sign_flip_power_at_six_pairs_is_the_chance_of_equal_signs():
    """p <= .05 needs all six signs equal: Phi(effect)^6, and then an interval without 0."""
    assert sign_flip_power(1.5, 6, alpha=0.05) == pytest.approx(stats.norm.cdf(1.5) ** 6, abs=0.035)
    assert sign_flip_power(1.5, 6, alpha=0.05) <= stats.norm.cdf(1.5) ** 6 + 0.02


def test_sign_flip_power_counts_as_the_test_itself():
    draws = np.random.default_rng(0).standard_normal((2000, 7)) + 1.3
    p = np.array([sign_flip_p(row) for row in draws[:300]])
    t = stats.ttest_1samp(draws[:300], 0, axis=1).pvalue
    by_hand = ((p <= 0.05 / 3) & (t < 0.05)).mean()
    assert sign_flip_power(1.3, 7, alpha=0.05 / 3) == pytest.approx(by_hand, abs=0.07)


def test_detectable_effect_closes_the_circle():
    for n, arms in ((3, 1), (5, 4), (10, 2), (40, 6)):
        effect = detectable_effect(2.0, n, arms=arms) / 2.0
        assert t_power(effect, n, alpha=0.05 / arms) == pytest.approx(0.8, abs=2e-3)


def test_nothing_is_detectable_where_no_p_gets_there():
    assert detectable_effect(1.0, 5, test="sign-flip") == np.inf
    assert attained_alpha(5, arms=1, test="sign-flip") == 0.0
    assert attained_alpha(8, arms=3, test="sign-flip") == 2 * 2**-7
    assert detectable_effect(float("nan"), 5) == np.inf


def test_seeds_needed_is_the_first_that_suffices():
    n = seeds_needed(1.0, 1.2, arms=2)
    assert n is not None
    assert t_power(1.0 / 1.2, n, alpha=0.025) >= 0.8 > t_power(1.0 / 1.2, n - 1, alpha=0.025)
    assert seeds_needed(0.001, 1.0, max_seeds=50) is None
