"""Interim analyses that a study file declares: their boundaries, their levels, and the one in force.

A study that is read after every seed, and stopped when a difference seems large, finds effects that do not exist. With
`interim_analyses` in the study file, verdicts come from the seeds of the last declared analysis that was reached, at
the level that alpha spending leaves to it, however often the report is built. The study may stop at any analysis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sweep.config.old_names import with_new_names
from sweep.reporting.frames.frames import StudyFrames
from sweep.statistics.alpha_spending import AlphaSpending
from sweep.store.states import CellStatus, Phase


@dataclass(frozen=True, kw_only=True)
class InterimAnalysis:
    """The interim analysis that a study has reached."""

    plan: AlphaSpending
    number: int
    """From 1; 0 before the first."""

    @property
    def seeds(self) -> int:
        """Replicates 0 to this one, exclusive, are read; 0 before the first analysis."""
        return self.plan.seeds[self.number - 1] if self.number else 0

    @property
    def level(self) -> float:
        """Level of the family of arms, to which p values and intervals are held; the first analysis's before it."""
        return float(self.plan.levels()[max(0, self.number - 1)])

    @property
    def following(self) -> int | None:
        """Seeds of the next analysis; None at the last one."""
        return self.plan.seeds[self.number] if self.number < len(self.plan.seeds) else None


def alpha_spending(spec: Mapping[str, Any]) -> AlphaSpending | None:
    """The interim analyses that a study declares.

    Args:
        spec: The study file as stored.

    Returns:
        Their plan; None for a study that is read once, when it is complete.
    """
    declared = with_new_names(spec).get("interim_analyses")
    return AlphaSpending(seeds=tuple(declared["at"]), shape=declared["shape"]) if declared else None


def current_interim_analysis(frames: StudyFrames) -> InterimAnalysis | None:
    """The last analysis whose seeds have ended in every arm.

    Args:
        frames: The tables of the study.

    Returns:
        The analysis; None where the study declares none.
    """
    plan = alpha_spending(frames.spec)
    if plan is None:
        return None
    cells = frames.cells[frames.cells["phase"] == Phase.CONFIRM]
    open_ones = cells.loc[cells["status"] == CellStatus.MISSING, "replicate"]
    first_open = int(open_ones.min()) if len(open_ones) else int(cells["replicate"].max()) + 1 if len(cells) else 0
    return InterimAnalysis(plan=plan, number=sum(seeds <= first_open for seeds in plan.seeds))
