"""One word for each arm, and why this word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from sweep.config.interim_analyses import MIN_SEEDS

SMALLEST_P = 1e-4
"""p values below are not told apart in words: so far out in a tail they rest on its being normal."""
Verdict = Literal["better", "worse", "no difference", "diverged", "undecided"]
"""On an arm, and on a study."""
NEGLIGIBLE = 0.013
"""Smallest effect of interest where a study names none, as a share of the baseline: the coefficient of variation that
retraining with another seed alone gives published FIDs. Two standard errors are deliberately no part of it: a margin
that grows with the noise would let a noisy study claim that there is no difference."""


@dataclass(frozen=True)
class Rule:
    """A rule of comparison, as reports name it.

    Attributes:
        one_arm: The test of a single arm, in words.
        many_arms: The test of several arms, in words.
        replicates: What it counts, in the plural.
        names: Its short names in tables, for one arm and for several.
    """

    one_arm: str
    many_arms: str
    replicates: str
    names: tuple[str, str]

    def test(self, arms: int) -> str:
        """Its short name in tables.

        Args:
            arms: Arms that are compared with the baseline.
        """
        return self.names[arms > 1]


PAIRED_SEEDS = Rule("paired t", "step-down Dunnett", "paired seeds", ("t", "dunnett"))
PAIRED_ITEMS = Rule("paired t", "step-down Dunnett", "paired items", ("t", "dunnett"))
UNPAIRED_ITEMS = Rule("Welch's t", "Welch's t, adjusted in steps by Sidak,", "items of each", ("welch", "welch-sidak"))


def smallest_effect(baseline_mean: float, stated: float | None) -> float:
    """Differences below this do not matter.

    Args:
        baseline_mean: Mean score of the baseline.
        stated: As the study file states it, in units of the score; None where it does not.

    Returns:
        The stated one, or `NEGLIGIBLE` of the baseline.
    """
    return stated if stated is not None else NEGLIGIBLE * abs(baseline_mean)


def excludes_zero(low: float, high: float) -> bool:
    """Whether a difference is shown to lie on one side of 0.

    Args:
        low: Lower end of its interval; NaN without one.
        high: Upper end. An end at 0 itself is that of an arm that only the step-down method shows to differ.
    """
    return (low >= 0) != (high <= 0)


# Schuirmann 1987 for `no difference`: with intervals that hold for all arms at once, so does the word
def arm_verdict(pairs: int, low: float, high: float, *, margin: float, lower_is_better: bool) -> Verdict:
    """One word for one arm, from its simultaneous interval alone.

    `no difference` needs the whole interval within the margin; `better` and `worse` need an interval on one side of 0;
    everything else is `undecided`, and so is anything with fewer than three seeds.

    Args:
        pairs: Paired seeds of the arm.
        low: Lower end of its interval, in units of the score.
        high: Upper end.
        margin: Smallest effect of interest, in units of the score.
        lower_is_better: Whether smaller scores are better.
    """
    if pairs < MIN_SEEDS or not np.isfinite(low):
        return "undecided"
    if -margin < low and high < margin:
        return "no difference"
    if not excludes_zero(low, high):
        return "undecided"
    return "better" if (high <= 0) == lower_is_better else "worse"


def verdict_reason(
    word: Verdict,
    *,
    pairs: int,
    p_adjusted: float,
    arms: int,
    noisier: bool,
    family_of: str = "arms",
    rule: Rule = PAIRED_SEEDS,
) -> str:
    """Why this word, in one clause.

    Args:
        word: The verdict.
        pairs: Paired seeds of the arm.
        p_adjusted: Its p value, adjusted for all arms and analyses.
        arms: Arms that it is adjusted for.
        noisier: Whether the arm is judged by its own noise alone.
        family_of: What the family consists of, in the plural.
        rule: The rule of comparison.
    """
    if pairs < MIN_SEEDS:
        return f"a verdict needs at least {MIN_SEEDS} {rule.replicates}"
    noise = "; much noisier than the other arms, so its own seeds alone tell its noise" if noisier else ""
    if word == "no difference":
        return f"the whole interval lies within the smallest effect of interest{noise}"
    if word == "undecided":
        return f"the interval includes 0{noise}"
    test = rule.one_arm if arms == 1 else f"{rule.many_arms} over {arms} {family_of}:"
    shown = f"p = {p_adjusted:.2g}" if p_adjusted >= SMALLEST_P else f"p < {SMALLEST_P:.4f}"
    return f"{test} {shown}{noise}"
