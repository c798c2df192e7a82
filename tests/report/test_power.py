"""Against statsmodels, published group-sequential constants, and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from sweep.report.power import (
    attained_alpha,
    chance_of_crossing,
    detectable_effect,
    nominal_p,
    obrien_fleming_bounds,
    pocock_bounds,
    seeds_needed,
    sign_flip_power,
    t_power,
)
from sweep.report.statistics import sign_flip_p


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
    assert seeds_needed(0.001, 1.0, most=50) is None


# Jennison & Turnbull 2000, tables 2.1 and 2.3, alpha = 0.05
POCOCK = {1: 1.960, 2: 2.178, 3: 2.289, 4: 2.361, 5: 2.413, 10: 2.555}
OBRIEN_FLEMING = {1: 1.960, 2: 1.977, 3: 2.004, 4: 2.024, 5: 2.040, 10: 2.087}


@pytest.mark.parametrize("looks", POCOCK)
def test_published_constants(looks):
    assert pocock_bounds(looks) == pytest.approx(POCOCK[looks], abs=6e-4)
    bounds = obrien_fleming_bounds(looks)
    assert bounds[-1] == pytest.approx(OBRIEN_FLEMING[looks], abs=6e-4)
    assert bounds[0] == pytest.approx(bounds[-1] * looks**0.5)


def test_nominal_p_of_three_looks():
    """Notes, section 3.4: Pocock .0221; O'Brien and Fleming .0005, .014, .0451."""
    assert nominal_p(pocock_bounds(3)) == pytest.approx(0.0221, abs=5e-5)
    assert nominal_p(obrien_fleming_bounds(3)) == pytest.approx([0.0005, 0.0141, 0.0451], abs=5e-5)


def test_peeking_at_005_crosses_far_more_often():
    """Armitage, McPherson & Rowe 1969, table 2: 0.142 at five looks."""
    assert chance_of_crossing(np.full(5, 1.959964)) == pytest.approx(0.142, abs=5e-4)
