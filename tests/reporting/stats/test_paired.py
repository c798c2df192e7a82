"""Against scipy's own tests, hand counts, and the floors measured in the planning notes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from sweep.reporting.stats.paired import (
    PairedDifference,
    arm_verdict,
    arms_confirmable,
    deciding_test,
    holm,
    paired_difference,
    sign_flip_floor,
    sign_flip_p,
    smallest_effect,
    verdict_reason,
)

ARM = np.array([10.1, 11.4, 9.8, 12.0, 10.7, 10.2, 11.1])
BASE = np.array([10.9, 11.9, 10.5, 12.1, 11.5, 10.1, 11.9])


def test_interval_and_p_are_those_of_scipys_paired_t_test():
    ours = paired_difference(ARM, BASE)
    theirs = stats.ttest_rel(ARM, BASE)
    interval = theirs.confidence_interval(0.95)
    assert (ours.low, ours.high, ours.p_t) == pytest.approx((interval.low, interval.high, theirs.pvalue), rel=1e-12)
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


# Notes, section 3.2, measured: n -> smallest two-sided p (also Wilcoxon's), arms Holm can confirm at 0.05
FLOORS = {
    3: (0.25, 0),
    4: (0.125, 0),
    5: (0.0625, 0),
    6: (0.03125, 1),
    7: (0.015625, 3),
    8: (0.0078125, 6),
    10: (0.001953125, 25),
}


@pytest.mark.parametrize("n", FLOORS)
def test_floors(n):
    floor, arms = FLOORS[n]
    assert sign_flip_floor(n) == floor
    assert sign_flip_p(np.linspace(1, 2, n)) == floor
    assert stats.wilcoxon(np.linspace(1, 2, n)).pvalue == pytest.approx(floor)
    assert arms_confirmable(n) == arms
    assert holm(np.full(max(arms, 1), floor)).max() <= 0.05 or arms == 0
    assert holm(np.full(arms + 1, floor)).max() > 0.05


def test_holm_by_hand_and_missing_arms_count_for_nothing():
    # Holm 1979: sorted .01, .02, .04 times 3, 2, 1, made monotone.
    assert holm(np.array([0.04, 0.01, np.nan, 0.02])) == pytest.approx([0.04, 0.03, np.nan, 0.04], nan_ok=True)
    assert np.isnan(holm(np.array([np.nan]))).all()


def test_holm_is_that_of_statsmodels():
    p = np.random.default_rng(0).uniform(0, 0.2, size=40)
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1], rel=1e-12)


def test_the_test_is_chosen_by_counts_alone():
    assert deciding_test(5, arms=1) == "t"
    assert deciding_test(6, arms=1) == "sign-flip"
    assert deciding_test(6, arms=2) == "t"
    assert deciding_test(8, arms=6) == "sign-flip"


def difference(low: float, high: float, n: int = 8) -> PairedDifference:
    return PairedDifference(n=n, mean=(low + high) / 2, sd=1.0, low=low, high=high, p_t=0.001, p_sign_flip=0.01)


@pytest.mark.parametrize(
    ("low", "high", "n", "p", "word"),
    [
        (-2.0, -1.0, 8, 0.01, "better"),
        (1.0, 2.0, 8, 0.01, "worse"),
        (-2.0, -1.0, 8, 0.06, "undecided"),  # Holm took it away
        (-2.0, 0.1, 8, 0.01, "undecided"),  # interval holds 0
        (-2.0, -1.0, 2, 0.001, "undecided"),  # two seeds never decide
        (-0.4, 0.4, 8, 0.9, "no difference"),
        (-0.4, -0.1, 8, 0.001, "no difference"),  # real, and too small to matter
        (-0.4, 0.6, 8, 0.9, "undecided"),  # only partly inside
    ],
)
def test_verdicts(low, high, n, p, word):
    assert arm_verdict(difference(low, high, n), p_adjusted=p, margin=0.5, lower_is_better=True) == word


def test_direction_turns_better_into_worse_and_nothing_else():
    told = difference(-2.0, -1.0)
    assert arm_verdict(told, p_adjusted=0.01, margin=0.5, lower_is_better=False) == "worse"


def test_a_noisy_study_cannot_buy_no_difference():
    """A margin of two standard errors would call any three noisy seeds `no difference` sooner or later."""
    noisy = paired_difference(np.array([14.0, 8.0, 11.0]), np.array([10.0, 12.0, 11.0]))
    assert arm_verdict(noisy, p_adjusted=1.0, margin=smallest_effect(12.0, None), lower_is_better=True) == "undecided"


def test_reasons_say_when_seeds_are_too_few():
    told = difference(-2.0, -1.0, 4)
    word = arm_verdict(told, p_adjusted=0.01, margin=0.5, lower_is_better=True)
    assert "too few for a distribution-free test" in verdict_reason(told, word, p_adjusted=0.01, test="t")
    assert "at least 3 paired seeds" in verdict_reason(difference(-2, -1, 2), "undecided", p_adjusted=0.01, test="t")


def test_degenerate_counts():
    empty = paired_difference(np.empty(0), np.empty(0))
    assert (empty.n, np.isnan(empty.mean), np.isnan(empty.low)) == (0, True, True)
    single = paired_difference(np.array([1.0]), np.array([2.0]))
    assert (single.mean, np.isnan(single.low), single.p_sign_flip) == (-1.0, True, 1.0)
    equal = paired_difference(np.full(5, 2.0), np.full(5, 2.0))
    assert (equal.low, equal.high, equal.p_t, equal.p_sign_flip) == (0.0, 0.0, 1.0, 1.0)


def test_smallest_effect():
    assert smallest_effect(-200.0, None) == pytest.approx(2.6)
    assert smallest_effect(200.0, 0.5) == 0.5
