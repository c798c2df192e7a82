"""Diverged runs as results: they rank as worse than any score.

Without them an arm would be compared over the seeds on which it happened not to diverge, and look better than it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from sweep.config.interim_analyses import MIN_SEEDS
from sweep.reporting.frames.frames import StudyFrames
from sweep.statistics.paired import ALPHA, Array, sign_flip_p
from sweep.statistics.verdicts import Verdict


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """Seeds where one of arm and baseline diverged and the other has a score; where both did, they are even."""

    pairs: int
    """Seeds where both have a score."""
    lost: int
    """The arm diverged."""
    won: int
    """The baseline did."""
    toward: float
    """Sum of the signed ranks of all seeds; above 0 the arm is worse."""
    p: float
    """Exact sign-flip test of that sum, two-sided; NaN where nothing diverged."""

    @property
    def any(self) -> bool:
        """Whether the mean difference has no value."""
        return self.lost + self.won > 0

    @property
    def everywhere(self) -> bool:
        """Whether the arm has no score at all because it diverged, in two seeds or more: a fact that needs no test."""
        return self.lost >= 2 and not self.pairs + self.won

    def verdict(self, p_adjusted: float) -> Verdict:
        """The verdict on an arm. One that diverges where the baseline does not is never better, and vice versa.

        Args:
            p_adjusted: p of the signed-rank test after Holm's correction.
        """
        if self.everywhere:
            return "diverged"
        if self.pairs + self.lost + self.won < MIN_SEEDS or not p_adjusted < ALPHA:
            return "undecided"
        if self.toward > 0 and not self.won:
            return "worse"
        return "better" if self.toward < 0 and not self.lost else "undecided"

    def reason(self, p_adjusted: float) -> str:
        """The reason for the verdict, in one clause.

        Args:
            p_adjusted: p of the signed-rank test after Holm's correction.
        """
        if self.everywhere:
            return f"every one of its {self.lost} seeds diverged, where the baseline did not"
        seeds = self.pairs + self.lost + self.won
        clauses = [f"diverged in {self.lost} of {seeds} seeds, where the baseline did not"] if self.lost else []
        clauses += [f"the baseline diverged in {self.won} of {seeds} seeds, where this arm did not"] if self.won else []
        return f"{'; '.join(clauses)}; exact signed-rank p = {p_adjusted:.2g}, adjusted for all arms"


# Wilcoxon 1945, with the sign-flip test's exact count and ties at mean ranks
def divergence(differences: Array, *, lost: int = 0, won: int = 0, lower_is_better: bool = True) -> Divergence:
    """Rank the seeds by how much they differ; those that diverged differ most.

    Args:
        differences: [n] arm minus baseline where both have a score.
        lost: Number of seeds where only the arm diverged.
        won: Number of seeds where only the baseline diverged.
        lower_is_better: Whether smaller values of the score are better.
    """
    worse = differences if lower_is_better else -differences
    every = np.concatenate([worse, np.full(lost, np.inf), np.full(won, -np.inf)])
    ranks = np.sign(every) * rankdata(np.abs(every))
    p = sign_flip_p(ranks) if lost + won else np.nan
    return Divergence(pairs=len(differences), lost=lost, won=won, toward=float(ranks.sum()), p=p)


def divergences(
    frames: StudyFrames, arms: pd.DataFrame, values: pd.DataFrame, pairs: pd.DataFrame, *, lower_is_better: bool
) -> list[Divergence]:
    """The divergences of each arm, in the order of `arms`.

    Args:
        frames: The tables of the study.
        arms: The arms, with arm_id and is_baseline.
        values: The valid scores of the seeds that are read.
        pairs: Their paired differences (`Comparison.pairs`).
        lower_is_better: Whether smaller values of the score are better.
    """
    if not frames.cells["diverged"].any():  # the usual case, and thousands of simulated studies are compared
        counts = pairs["arm_id"].value_counts()
        return [
            Divergence(pairs=int(counts.get(arm, 0)), lost=0, won=0, toward=0.0, p=np.nan) for arm in arms["arm_id"]
        ]
    cells = frames.cells[(frames.cells["phase"] == frames.phase) & frames.cells["diverged"]]
    gone = {arm: set(each["replicate"]) for arm, each in cells.groupby("arm_id")}
    scored = {arm: set(each["replicate"]) for arm, each in values.groupby("arm_id")}
    between = {arm: each["difference"].to_numpy(float) for arm, each in pairs.groupby("arm_id")}
    base = arms.loc[arms["is_baseline"], "arm_id"]
    base_gone, base_scored = (set().union(*(each.get(arm, ()) for arm in base)) for each in (gone, scored))
    return [
        divergence(
            between.get(arm, np.empty(0)),
            lost=len(gone.get(arm, set()) & base_scored),
            won=len(scored.get(arm, set()) & base_gone),
            lower_is_better=lower_is_better,
        )
        for arm in arms["arm_id"]
    ]
