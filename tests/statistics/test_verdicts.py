"""The words for one arm, from its simultaneous interval."""

from __future__ import annotations

import numpy as np
import pytest

from sweep.statistics.multiple import compare_family
from sweep.statistics.verdicts import arm_verdict, excludes_zero, smallest_effect, verdict_reason


@pytest.mark.parametrize(
    ("low", "high", "pairs", "word"),
    [
        (-2.0, -1.0, 8, "better"),
        (1.0, 2.0, 8, "worse"),
        (-2.0, 0.0, 8, "better"),  # only the step-down method shows it
        (0.0, 2.0, 8, "worse"),
        (-2.0, 0.1, 8, "undecided"),
        (-2.0, -1.0, 2, "undecided"),  # two seeds never decide
        (np.nan, np.nan, 8, "undecided"),
        (-0.4, 0.4, 8, "no difference"),
        (-0.4, -0.1, 8, "no difference"),  # real, and too small to matter
        (-0.4, 0.6, 8, "undecided"),  # only partly inside
        (0.0, 0.0, 8, "no difference"),  # the same runs
    ],
)
def test_verdicts(low, high, pairs, word):
    assert arm_verdict(pairs, low, high, margin=0.5, lower_is_better=True) == word


def test_direction_turns_better_into_worse_and_nothing_else():
    assert arm_verdict(8, -2.0, -1.0, margin=0.5, lower_is_better=False) == "worse"
    assert arm_verdict(8, -2.0, 1.0, margin=0.5, lower_is_better=False) == "undecided"


def test_an_interval_that_ends_at_0_excludes_it_and_one_that_is_0_does_not():
    assert excludes_zero(-1.0, 0.0)
    assert excludes_zero(0.0, 1.0)
    assert not excludes_zero(0.0, 0.0)
    assert not excludes_zero(-1.0, 1.0)
    assert not excludes_zero(np.nan, np.nan)


def test_a_noisy_study_cannot_buy_no_difference():
    """A margin of two standard errors would call any three noisy seeds `no difference` sooner or later."""
    family = compare_family([np.array([4.0, -4.0, 0.0])], alpha=0.05)
    margin = smallest_effect(12.0, None)
    assert (
        arm_verdict(3, float(family.low[0]), float(family.high[0]), margin=margin, lower_is_better=True) == "undecided"
    )


def test_reasons():
    assert "at least 3 paired seeds" in verdict_reason("undecided", pairs=2, p_adjusted=0.01, arms=1, noisier=False)
    assert verdict_reason("better", pairs=8, p_adjusted=0.012, arms=1, noisier=False) == "paired t p = 0.012"
    told = verdict_reason("worse", pairs=8, p_adjusted=0.012, arms=4, noisier=True)
    assert told.startswith("step-down Dunnett over 4 arms: p = 0.012; much noisier than the other arms")


def test_smallest_effect():
    assert smallest_effect(-200.0, None) == pytest.approx(2.6)
    assert smallest_effect(200.0, 0.5) == 0.5
