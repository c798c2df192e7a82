"""What a design asks of its arms beyond their difference from the baseline: weighted sums of arms that should be 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sweep.config.designs.arms import BASELINE

ArmLevels = Mapping[str, Mapping[str, str]]
"""Name of an arm -> the level of each factor in it, `baseline` where the arm leaves the factor alone."""


@dataclass(frozen=True)
class Contrast:
    """One comparison.

    Attributes:
        name: What is compared, as a row of a table names it.
        subject: The same as the subject of a sentence.
        weights: Name of an arm -> its weight; the weights add up to 0.
    """

    name: str
    subject: str
    weights: Mapping[str, float]

    @property
    def reference(self) -> str:
        """The arm that shares are of: the one that is subtracted, or the baseline where several are."""
        subtracted = [arm for arm, weight in self.weights.items() if weight < 0]
        return subtracted[0] if len(self.weights) == 2 else BASELINE


@dataclass(frozen=True)
class OwnQuestion:
    """What a design is for, and how its answer is judged.

    Attributes:
        heading: Of its section in the report.
        family: Which comparisons are made, and with what they are judged together; a full sentence.
        correlation: Of any two contrasts of equally noisy arms; 0 where it differs from pair to pair.
        is_ratio: Whether contrasts are ratios of two arms where scores are compared as ratios; else they are sums in
            the units of the score.
        conclusions: Verdict on the only contrast -> the answer in a sentence; empty where each contrast is an answer.
    """

    heading: str
    family: str
    correlation: float
    is_ratio: bool
    conclusions: Mapping[str, str] = field(default_factory=dict)


def main_effects(levels: ArmLevels) -> list[Contrast]:
    """Each level against the baseline's level, as means over the arms that have them.

    Args:
        levels: Of the arms of a factorial, or of a fraction of one.
    """
    factors = list(dict.fromkeys(factor for each in levels.values() for factor in each))
    contrasts = []
    for factor in factors:
        at_baseline = [arm for arm, each in levels.items() if each[factor] == BASELINE]
        for level in dict.fromkeys(each[factor] for each in levels.values()):
            at_level = [arm for arm, each in levels.items() if each[factor] == level]
            if level != BASELINE and at_baseline:
                contrasts.append(_difference_of_means(f"{factor}={level}", at_level, at_baseline))
    return contrasts


def _difference_of_means(name: str, arms: Sequence[str], others: Sequence[str]) -> Contrast:
    weights = {arm: 1 / len(arms) for arm in arms} | {arm: -1 / len(others) for arm in others}
    return Contrast(name, f"{name}, on average over the other factors,", weights)
