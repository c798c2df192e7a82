"""Against statsmodels and simulation."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from sweep.reporting.stats.power import detectable_effect, power_of_rule, seeds_needed, standard_effect
from tests.reporting.stats.simulated_families import differences, rejected, statistics


@pytest.mark.parametrize(
    ("effect", "n", "alpha"), [(1.2, 8, 0.05), (0.9, 12, 0.0125), (2.5, 5, 0.025), (0.8, 20, 0.05)]
)
def test_power_of_one_arm_is_that_of_statsmodels(effect, n, alpha):
    theirs = TTestPower().power(effect, n, alpha)  # counts the wrong side too, which is nothing here
    assert power_of_rule(effect, n, alpha=alpha) == pytest.approx(theirs, abs=1e-4)


@pytest.mark.parametrize(("arms", "n", "effect"), [(4, 3, 3.0), (10, 3, 3.0), (4, 8, 1.3), (3, 61, 0.4)])
def test_power_of_several_arms_is_that_of_simulated_studies(arms, n, effect):
    paired = differences(np.random.default_rng(2), "equal", studies=3000, arms=arms, seeds=n)
    paired[:, 0] += effect * 2**0.5
    found = rejected(*statistics(paired))[:, 0].mean()
    assert power_of_rule(effect, n, arms=arms) == pytest.approx(found, abs=0.025)


@pytest.mark.parametrize("arms", [1, 4, 10])
def test_one_more_seed_never_costs_power(arms):
    effects = [standard_effect(n, arms) for n in (3, 4, 5, 6, 7, 8, 10, 12, 20, 60, 61, 100)]
    assert all(later < earlier * 1.01 for earlier, later in pairwise(effects))


def test_detectable_effect_closes_the_circle():
    for n, arms in ((3, 1), (5, 4), (10, 2), (70, 6)):
        effect = detectable_effect(2.0, n, arms=arms) / 2.0
        assert power_of_rule(effect, n, arms=arms) == pytest.approx(0.8, abs=2e-3)
    assert detectable_effect(float("nan"), 5) == np.inf
    assert detectable_effect(1.0, 1) == np.inf


def test_seeds_needed_is_the_first_that_suffices():
    n = seeds_needed(1.0, 1.2, arms=2)
    assert n is not None
    assert power_of_rule(1.0 / 1.2, n, arms=2) >= 0.8 > power_of_rule(1.0 / 1.2, n - 1, arms=2)
    assert seeds_needed(0.001, 1.0, max_seeds=50) is None
