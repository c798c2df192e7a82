"""Arms of given items, whose replicates belong to no replicate of the baseline."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.stats.pairs import per_arm
from sweep.statistics.multiple import Family
from sweep.statistics.unpaired import Replicates, compare_unpaired
from sweep.statistics.verdicts import PAIRED_ITEMS, PAIRED_SEEDS, UNPAIRED_ITEMS, Rule


def is_unpaired(frames: StudyFrames, values: pd.DataFrame) -> bool:
    """Whether arms are compared by their means, and not seed by seed.

    Args:
        frames: The tables of the study.
        values: Scores, one row for each cell, as `primary_values` returns them.
    """
    design = frames.study_ref.design
    if design.trains:
        return False
    replicates = values.groupby("arm_id").size().max() if len(values) else 0
    return not design.has_paired_replicates or replicates < 2  # one pair has no spread


def rule_of(frames: StudyFrames, *, unpaired: bool) -> Rule:
    """The rule that decides, as reports name it.

    Args:
        frames: The tables of the study.
        unpaired: Whether arms are compared by their means.
    """
    if unpaired:
        return UNPAIRED_ITEMS
    return PAIRED_SEEDS if frames.study_ref.design.trains else PAIRED_ITEMS


def unpaired_scores(values: pd.DataFrame, arms: pd.DataFrame, *, ratio: bool) -> pd.DataFrame:
    """The table of `paired_scores`, each score beside the mean of the baseline.

    Args:
        values: Scores, one row for each cell, as `primary_values` returns them.
        arms: Arms in the order of the report, with the column `arm_id`.
        ratio: Whether logarithms are compared.
    """
    baseline = values.loc[values["is_baseline"], "value"].to_numpy(float)
    columns = ["arm_id", "arm", "replicate", "value"]
    others = values.loc[~values["is_baseline"] & values["arm_id"].isin(arms["arm_id"]), columns]
    if not len(baseline):
        others = others.head(0)
    mean = np.exp(np.log(baseline).mean()) if ratio and len(baseline) else baseline.mean() if len(baseline) else np.nan
    pairs = others.assign(baseline=mean, difference=others["value"] - mean)
    pairs["compared"] = np.log(pairs["value"] / mean) if ratio else pairs["difference"]
    return pairs


def unpaired_family(
    values: pd.DataFrame, arms: pd.DataFrame, *, ratio: bool, alpha: float, size: int, rounding: float
) -> Family:
    """Every arm against the baseline, in the order of the arms; the baseline's own row has no number.

    Args:
        values: Scores, one row for each cell, as `primary_values` returns them.
        arms: Arms in the order of the report, with the columns `arm_id` and `is_baseline`.
        ratio: Whether logarithms are compared.
        alpha: Level of the whole family.
        size: Size of the family, where more arms had a score than have one now.
        rounding: Step to which scores are known, in the units that are compared.
    """
    compared = values.assign(
        compared=np.log(values["value"]) if ratio else values["value"],
        error=values["standard_error"] / values["value"] if ratio else values["standard_error"],
    )
    scores, errors = (per_arm(arms, compared, column) for column in ("compared", "error"))
    sides = [
        Replicates(scores=score.to_numpy(float), errors=error.to_numpy(float))
        for score, error in zip(scores, errors, strict=True)
    ]
    empty = Replicates(scores=np.empty(0), errors=np.empty(0))
    is_baseline = arms["is_baseline"].tolist()
    baseline = next((side for side, own in zip(sides, is_baseline, strict=True) if own), empty)
    others = [empty if own else side for side, own in zip(sides, is_baseline, strict=True)]
    return compare_unpaired(others, baseline, alpha=alpha, size=size, rounding=rounding)
