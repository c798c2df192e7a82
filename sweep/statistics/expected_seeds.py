"""How many trainings a study that stops decided arms will take: simulated before it runs."""

from __future__ import annotations

import numpy as np

from sweep.statistics.alpha_spending import AlphaSpending
from sweep.statistics.stopping import stopping

SIMULATIONS = 20
LARGE = 3.0
"""A large effect, in standard deviations of a paired difference."""


def expected_trainings_until_decided(plan: AlphaSpending, arms: int, effect: float, margin: float) -> float:
    """Mean number of trainings, those of the baseline among them.

    Args:
        plan: When results are read.
        arms: Arms beside the baseline.
        effect: True difference of every arm from the baseline, in standard deviations of a paired difference.
        margin: Smallest effect of interest, in the same unit; 0 where nothing tells it.

    Returns:
        Mean over `SIMULATIONS` studies of normal scores with equal noise; the same at each call.
    """
    random, last, total = np.random.default_rng(0), plan.seeds[-1], 0
    for _ in range(SIMULATIONS):
        draws = random.normal(0.0, 0.5**0.5, size=(arms + 1, last))
        draws[1:] += effect
        decided = stopping(
            plan,
            dict(enumerate(draws[0].tolist())),
            {str(arm): dict(enumerate(scores.tolist())) for arm, scores in enumerate(draws[1:])},
            may_be_ratio=False,
            stated_effect=margin,
        )
        total += decided.baseline_seeds + sum(decided.seeds.values())
    return total / SIMULATIONS
