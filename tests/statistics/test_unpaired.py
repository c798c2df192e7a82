"""Arms whose items were made independently: Welch's rule, adjusted for all arms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sweep.statistics.multiple import compare_family
from sweep.statistics.unpaired import Replicates, compare_unpaired

NO_ERRORS = np.empty(0)


def items(*scores: float, error: float = 0.1) -> Replicates:
    return Replicates(scores=np.array(scores), errors=np.full(len(scores), error))


def test_one_arm_is_judged_as_by_scipys_welch_test():
    arm, baseline = items(3.0, 3.4, 2.7), items(1.9, 2.6, 2.2)
    family = compare_unpaired([arm], baseline, alpha=0.05)
    expected = stats.ttest_ind(arm.scores, baseline.scores, equal_var=False)
    low, high = expected.confidence_interval(0.95)
    assert family.p[0] == pytest.approx(expected.pvalue, rel=1e-6)
    assert family.df[0] == pytest.approx(expected.df, rel=1e-9)
    assert (family.low[0], family.high[0]) == pytest.approx((low, high), rel=1e-6)
    assert family.n[0] == 3


def test_several_arms_are_adjusted_as_by_sidak():
    arms, baseline = [items(3.0, 3.4, 2.7), items(2.4, 2.0, 2.9)], items(1.9, 2.6, 2.2)
    family = compare_unpaired(arms, baseline, alpha=0.05)
    single = [stats.ttest_ind(arm.scores, baseline.scores, equal_var=False).pvalue for arm in arms]
    assert family.p[0] == pytest.approx(1 - (1 - min(single)) ** 2, rel=1e-6)


def test_one_item_has_an_interval_over_its_images_and_no_p():
    family = compare_unpaired([items(3.0, error=0.3)], items(2.0, error=0.4), alpha=0.05)
    assert family.high[0] - family.mean[0] == pytest.approx(1.959964 * 0.5, rel=1e-4)
    assert np.isnan(family.p[0])
    assert family.n[0] == 1


def test_the_order_of_the_items_does_not_matter_as_it_does_in_pairs():
    baseline, scores = items(1.0, 2.0, 3.0, 4.0), [1.5, 2.6, 3.4, 4.9]
    one, other = (compare_unpaired([items(*order)], baseline, alpha=0.05) for order in (scores, scores[::-1]))
    assert one.low == pytest.approx(other.low, rel=1e-12)
    paired = [compare_family([np.array(order) - baseline.scores], alpha=0.05) for order in (scores, scores[::-1])]
    assert paired[0].low[0] > 0 > paired[1].low[0]  # the order alone would decide


def test_equal_scores_prove_nothing_and_missing_ones_leave_no_number():
    family = compare_unpaired(
        [items(3.0, 3.0), Replicates(scores=NO_ERRORS, errors=NO_ERRORS)], items(2.0, 2.0), alpha=0.05
    )
    assert np.isnan(family.p).all()
    assert np.isnan(family.low).all()
    assert list(family.n) == [2, 0]


def test_sides_of_different_numbers_are_judged_by_the_smaller_one():
    family = compare_unpaired([items(3.0, 3.4, 2.7)], items(1.9, 2.6, 2.2, 2.4, 2.1, 2.0), alpha=0.05)
    assert (family.n[0], family.df[0]) == (3, 2.0)


@pytest.mark.parametrize("spread", [(1.0, 1.0, 1.0, 1.0), (3.0, 1.0, 1.0, 1.0), (1.0, 3.0, 1.0, 0.3)])
@pytest.mark.parametrize("counts", [(3, 3, 3, 3), (5, 5, 5, 5), (20, 3, 3, 3)])
def test_a_family_is_wrong_in_at_most_five_percent_of_studies(spread, counts):
    """1,000 studies of three arms that do not differ; 0.05 + three standard errors of the share are allowed."""
    random, studies = np.random.default_rng(1), 1000
    wrong = covered = 0
    for _ in range(studies):
        sides = [
            Replicates(scores=random.normal(0.0, sd, n), errors=np.full(n, 0.1))
            for sd, n in zip(spread, counts, strict=True)
        ]
        family = compare_unpaired(sides[1:], sides[0], alpha=0.05)
        wrong += bool((family.p < 0.05).any())
        covered += bool(((family.low <= 0) & (family.high >= 0)).all())
    assert wrong / studies <= 0.05 + 3 * (0.05 * 0.95 / studies) ** 0.5
    assert covered / studies >= 0.95 - 3 * (0.05 * 0.95 / studies) ** 0.5
