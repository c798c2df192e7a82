"""Against scipy's own tests, hand counts, and the floors measured in the planning notes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from sweep.statistics.paired import (
    holm,
    paired_difference,
    sign_flip_floor,
    sign_flip_p,
)

ARM = np.array([10.1, 11.4, 9.8, 12.0, 10.7, 10.2, 11.1])
BASE = np.array([10.9, 11.9, 10.5, 12.1, 11.5, 10.1, 11.9])


def test_interval_and_p_are_those_of_scipys_paired_t_test():
    ours = paired_difference(ARM, BASE)
    theirs = stats.ttest_rel(ARM, BASE)
    interval = theirs.confidence_interval(0.95)
    assert (ours.low, ours.high, ours.p) == pytest.approx((interval.low, interval.high, theirs.pvalue), rel=1e-12)
    assert ours.mean == pytest.approx((ARM - BASE).mean())


def test_unpaired_interval_would_be_another_one():
    unpaired = stats.ttest_ind(ARM, BASE).confidence_interval(0.95)
    ours = paired_difference(ARM, BASE)
    assert ours.high - ours.low < 0.5 * (unpaired.high - unpaired.low)


def test_sign_flip_is_scipys_exact_permutation_test():
    theirs = stats.permutation_test(
        (ARM, BASE),
        lambda a, b, axis: (a - b).mean(axis=axis),
        permutation_type="samples",
        n_resamples=np.inf,
        vectorized=True,
    )
    assert sign_flip_p(ARM - BASE) == pytest.approx(theirs.pvalue, rel=1e-12)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=8))
def test_sign_flip_counts_ties_exactly(numbers):
    """Integers are exact, so the count over all patterns by hand has no rounding."""
    totals = {0: 1}
    for value in numbers:
        following: dict[int, int] = {}
        for total, ways in totals.items():
            for signed in (total + value, total - value):
                following[signed] = following.get(signed, 0) + ways
        totals = following
    reached = sum(ways for total, ways in totals.items() if abs(total) >= abs(sum(numbers)))
    # In tenths, where equal sums differ in the last bit.
    assert sign_flip_p(np.array(numbers) / 10) == pytest.approx(reached / 2 ** len(numbers), rel=1e-12)


def test_sign_flip_beyond_the_exact_size_agrees_with_the_t_test():
    differences = np.random.default_rng(3).normal(0.4, 1.0, size=30)
    assert sign_flip_p(differences) == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, abs=0.01)


# n -> smallest two-sided p, also Wilcoxon's
FLOORS = {3: 0.25, 4: 0.125, 5: 0.0625, 6: 0.03125, 7: 0.015625, 8: 0.0078125, 10: 0.001953125}


@pytest.mark.parametrize("n", FLOORS)
def test_floors(n):
    floor = FLOORS[n]
    assert sign_flip_floor(n) == floor
    assert sign_flip_p(np.linspace(1, 2, n)) == floor
    assert stats.wilcoxon(np.linspace(1, 2, n)).pvalue == pytest.approx(floor)


def test_holm_by_hand_and_missing_arms_count_for_nothing():
    # Holm 1979: sorted .01, .02, .04 times 3, 2, 1, made monotone.
    assert holm(np.array([0.04, 0.01, np.nan, 0.02])) == pytest.approx([0.04, 0.03, np.nan, 0.04], nan_ok=True)
    assert np.isnan(holm(np.array([np.nan]))).all()


def test_holm_is_that_of_statsmodels():
    p = np.random.default_rng(0).uniform(0, 0.2, size=40)
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], rel=1e-12)


def test_degenerate_counts():
    empty = paired_difference(np.empty(0), np.empty(0))
    assert (empty.n, np.isnan(empty.mean), np.isnan(empty.low)) == (0, True, True)
    single = paired_difference(np.array([1.0]), np.array([2.0]))
    assert (single.mean, np.isnan(single.low), np.isnan(single.p)) == (-1.0, True, True)
    equal = paired_difference(np.full(5, 2.0), np.full(5, 2.0))
    assert (equal.low, equal.high, equal.p) == (0.0, 0.0, 1.0)
