"""The whole rule: closed forms, agreement of intervals and p values, ties, joint sign flips, simulated studies."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sweep.statistics.multiple import compare_family, joint_sign_flip_p
from tests.reporting.stats.simulated_families import coverage, differences, error_rate, power, rejected, statistics

STUDIES = 2000


def drawn(arms: int, seeds: int, effects: float = 0.0, seed: int = 0) -> list[np.ndarray]:
    paired = differences(np.random.default_rng(seed), "equal", studies=1, arms=arms, seeds=seeds)[0]
    return list(paired + effects)


def test_one_arm_is_scipys_paired_t_test():
    (values,) = drawn(1, 6, 1.0)
    family, theirs = compare_family([values], alpha=0.05), stats.ttest_1samp(values, 0.0)
    interval = theirs.confidence_interval(0.95)
    assert family.p[0] == pytest.approx(theirs.pvalue, rel=1e-6)
    assert (family.low[0], family.high[0]) == pytest.approx((interval.low, interval.high), rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8), st.integers(3, 9), st.floats(-4, 4), st.integers(0, 10_000))
def test_an_interval_excludes_0_exactly_where_p_is_below_alpha(arms, seeds, effect, seed):
    family = compare_family(drawn(arms, seeds, effect, seed), alpha=0.05)
    excludes = (family.low >= 0) | (family.high <= 0)
    assert (excludes == (family.p < 0.05)).all()
    assert (family.low <= family.mean).all()
    assert (family.mean <= family.high).all()


def test_the_vectorised_twin_of_the_simulations_gives_the_same_verdicts():
    paired = differences(np.random.default_rng(8), "half x3", studies=60, arms=4, seeds=5) + 1.5
    twin = rejected(*statistics(paired))
    alone = np.array([compare_family(list(each), alpha=0.05).p < 0.05 for each in paired])
    assert (twin == alone).all()
    assert 0 < twin.mean() < 1


def test_arms_with_other_numbers_of_seeds_and_without_pairs():
    family = compare_family(
        [np.array([1.0, 1.2, 0.9, 1.1]), np.array([0.1, -0.2]), np.array([0.5]), np.empty(0)], alpha=0.05
    )
    assert family.n.tolist() == [4, 2, 1, 0]
    assert np.isfinite(family.p).tolist() == [True, True, False, False]
    assert family.mean[2] == 0.5
    assert np.isnan(family.low[2:]).all()


def test_arms_that_were_dropped_make_intervals_wider_and_p_larger():
    values = drawn(2, 4, 2.0)
    few, many = compare_family(values, alpha=0.05), compare_family(values, alpha=0.05, arms=6)
    assert (many.high - many.low > few.high - few.low).all()
    assert (many.p > few.p).all()


def test_equal_scores_of_all_seeds_are_no_proof():
    """Three rounded scores that differ by one step each time: known to half a step, so not with certainty."""
    (p,) = compare_family([np.full(3, -0.1)], alpha=0.05, rounding=0.1).p
    assert p > 0.04
    same = compare_family([np.zeros(3), np.zeros(3)], alpha=0.05)
    assert same.p == pytest.approx(1.0)
    assert (same.low == 0.0).all()


@pytest.mark.parametrize("sd", [0.02, 0.1])
def test_rounded_scores_find_no_placebos(sd):
    random = np.random.default_rng(3)
    scores = np.round(random.standard_normal((STUDIES, 5, 3)) * sd + random.uniform(0, 0.1, (STUDIES, 1, 1)), 1)
    wrong = rejected(*statistics(scores[:, 1:] - scores[:, :1], rounding=0.1)).any(1).sum()
    assert wrong <= stats.binom.ppf(0.999, STUDIES, 0.05)


def test_joint_sign_flips_by_hand():
    """All patterns of four seeds, and the largest standardised sum of two arms."""
    paired = np.array([[1.0, 2.0, 1.5, 0.5], [0.3, -0.2, 0.4, 0.1]])
    unit = paired / np.sqrt((paired**2).sum(1, keepdims=True))
    sums = np.array([np.abs((unit * signs).sum(1)) for signs in product((-1, 1), repeat=4)])
    first = (sums.max(1) >= unit[0].sum() - 1e-9).mean()
    second = max(first, (sums[:, 1] >= abs(unit[1].sum()) - 1e-9).mean())
    assert joint_sign_flip_p(paired) == pytest.approx([first, second])


def test_joint_sign_flips_of_one_arm_are_scipys_permutation_test():
    (values,) = drawn(1, 8, 0.7)
    theirs = stats.permutation_test(
        (values, np.zeros(8)),
        lambda a, b, axis: (a - b).mean(axis=axis),
        permutation_type="samples",
        n_resamples=np.inf,
        vectorized=True,
    )
    assert joint_sign_flip_p(values[None])[0] == pytest.approx(theirs.pvalue)


def test_joint_sign_flips_without_pairs():
    p = joint_sign_flip_p(np.array([[1.0, 2.0, np.nan], [np.nan, np.nan, np.nan]]))
    assert p[0] == 0.5
    assert np.isnan(p[1])


# Measured with 6,000 studies: `python -m tests.reporting.stats.simulated_families 6000`
@pytest.mark.parametrize(("arms", "seeds", "least"), [(4, 3, 0.77), (10, 3, 0.74), (4, 8, 0.73), (10, 8, 0.65)])
def test_planted_effects_are_found(arms, seeds, least):
    found = power("equal", 0, studies=STUDIES, arms=arms, seeds=seeds)
    assert found >= least - 3 * (least * (1 - least) / STUDIES) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize("arms", [1, 3, 10])
@pytest.mark.parametrize("case", ["equal", "baseline x0.2", "log-normal", "t3"])
def test_placebos_stay_quiet(case, arms):
    for seeds in (3, 5, 8):
        wrong = error_rate(case, studies=STUDIES, arms=arms, seeds=seeds)
        assert wrong * STUDIES <= stats.binom.ppf(0.999, STUDIES, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["one arm x4", "one arm x10", "two arms x3", "baseline x3", "half x3"])
def test_unequal_noise_costs_little(case):
    """Up to 7.2 % with three seeds and four arms; half of ten arms three times as noisy: 5 %."""
    for arms in (4, 10):
        for seeds in (3, 8):
            wrong = error_rate(case, studies=STUDIES, arms=arms, seeds=seeds)
            assert wrong * STUDIES <= stats.binom.ppf(0.999, STUDIES, 0.075)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 8])
def test_intervals_hold_together_and_for_the_arm_that_looks_best(seeds):
    best, together, plain = coverage(np.full(10, -1.5), studies=STUDIES, seeds=seeds)
    assert min(best, together, plain) >= 0.95
