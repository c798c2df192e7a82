"""All arms of a study judged together: in pairs, or where items are given by their means."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.stats.divergence import Divergence
from sweep.reporting.stats.interim import InterimAnalysis
from sweep.reporting.stats.pairs import ever_scored, per_arm
from sweep.reporting.stats.unpaired import is_unpaired, unpaired_family
from sweep.statistics.multiple import Family, compare_family, rounding_step
from sweep.statistics.paired import ALPHA


def family_of(
    frames: StudyFrames,
    values: pd.DataFrame,
    arms: pd.DataFrame,
    pairs: pd.DataFrame,
    metric: str,
    *,
    ratio: bool,
    analysis: InterimAnalysis | None,
    diverged: list[Divergence],
) -> Family:
    """Judge every arm together with the others.

    Args:
        frames: The tables of the study.
        values: Scores, one row for each cell, as `primary_values` returns them.
        arms: Arms in the order of the report.
        pairs: Their scores beside those of the baseline.
        metric: Name of the score.
        ratio: Whether logarithms are compared.
        analysis: The interim analysis that decides; None for a study that is read once.
        diverged: Of each arm, the runs that diverged.
    """
    size, rounding = ever_scored(frames, metric), _rounding(values["value"], ratio=ratio)
    if is_unpaired(frames, values):
        return unpaired_family(values, arms, ratio=ratio, alpha=ALPHA, size=size, rounding=rounding)
    return compare_family(
        [each.to_numpy(float) for each in per_arm(arms, pairs, "compared")],
        alpha=analysis.level if analysis else ALPHA,
        arms=size,
        rounding=rounding,
        exact_p=np.array([each.p for each in diverged]),
    )


def _rounding(scores: pd.Series[float], *, ratio: bool) -> float:
    """The step to which scores were rounded, in the unit that is compared: of logarithms, where ratios are."""
    step = rounding_step(np.asarray(scores, dtype=np.float64))
    return step / float(scores.min()) if ratio and step else step
