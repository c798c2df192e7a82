"""The rule of the package against the same rule written again, and against published numbers of rule J before it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sweep.statistics.multiple import compare_family
from tests.statistics.independent_rule import NOISE, coverage, drawn, familywise_error, judged, power

STUDIES = 1000


@pytest.mark.parametrize("case", ["t3", "heteroscedastic"])
@pytest.mark.parametrize(("arms", "seeds"), [(1, 4), (4, 3), (5, 6)])
def test_verdicts_and_intervals_are_those_of_the_other_code(case: str, arms: int, seeds: int) -> None:
    paired = drawn(case, studies=60, arms=arms, seeds=seeds, effects=np.linspace(-3, 0, arms))
    theirs = judged(paired)
    ours = [compare_family(list(each), alpha=0.05) for each in paired]
    called = np.array([each.p < 0.05 for each in ours])
    # Their critical values are those of 400,000 draws: a p value at the edge may fall on either side.
    clear = np.array([np.abs(each.p - 0.05) > 0.003 for each in ours])
    assert (called == theirs.called)[clear].all()
    assert 0 < called.mean() < 1
    same = (called == theirs.called).all(axis=1)
    for low, high, each in zip(theirs.low[same], theirs.high[same], np.array(ours, dtype=object)[same], strict=True):
        width = each.high - each.low
        assert (np.abs(each.low - low) < 0.01 * width).all()
        assert (np.abs(each.high - high) < 0.01 * width).all()


@pytest.mark.slow
@pytest.mark.parametrize("case", NOISE)
def test_placebos_of_other_distributions_stay_quiet_and_intervals_hold(case: str) -> None:
    """`python -m tests.statistics.independent_rule 10000` has the whole table."""
    for arms, seeds in ((4, 3), (4, 8)):
        wrong = familywise_error(case, studies=STUDIES, arms=arms, seeds=seeds)
        assert wrong * STUDIES <= stats.binom.ppf(0.999, STUDIES, 0.05)
        for held in coverage(case, studies=STUDIES, arms=arms, seeds=seeds):
            assert held * STUDIES >= stats.binom.ppf(0.001, STUDIES, 0.95)


@pytest.mark.slow
def test_power_is_that_of_rule_j() -> None:
    for arms, seeds in ((4, 3), (4, 8)):
        ours, j = (power("normal", studies=STUDIES, arms=arms, seeds=seeds, rule=rule) for rule in ("ours", "J"))
        assert ours >= j - 0.02  # on the same draws
