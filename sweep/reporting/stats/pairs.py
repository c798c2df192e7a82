"""The scores that count, and those of one arm beside those of the baseline with the same seed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.stats.interim import InterimAnalysis
from sweep.store.states import CellStatus


def primary_values(frames: StudyFrames, metric: str) -> pd.DataFrame:
    """Primary scores that count: of the deciding phase, not excluded.

    Args:
        frames: The tables of the study.
        metric: Name of the score, such as `fid`.

    Returns:
        One row for each cell, as in `frames.scores`.
    """
    scores = frames.scores
    excluded = set(frames.cells.loc[frames.cells["status"] == CellStatus.EXCLUDED, "cell_id"])
    keep = scores["is_primary"] & (scores["metric"] == metric) & (scores["phase"] == frames.phase)
    return scores[keep & ~scores["cell_id"].isin(excluded)].drop_duplicates("cell_id")


def analysed_values(frames: StudyFrames, metric: str, analysis: InterimAnalysis | None) -> pd.DataFrame:
    """Primary scores of the seeds that an interim analysis reads; of all seeds before the first and without any.

    Args:
        frames: The tables of the study.
        metric: Name of the score, such as `fid`.
        analysis: The newest analysis of the study; None where all seeds are read once.

    Returns:
        One row for each cell, as in `frames.scores`.
    """
    values = primary_values(frames, metric)
    return values[values["replicate"] < analysis.seeds] if analysis is not None and analysis.number else values


def ever_scored(frames: StudyFrames, metric: str) -> int:
    """Arms that had a score at any time, or diverged: none of them leaves the family by being dropped or excluded.

    Args:
        frames: The tables of the study.
        metric: Name of the score, such as `fid`.

    Returns:
        Their number, without the baseline.
    """
    scores, cells = frames.scores, frames.cells
    scored = scores[(scores["phase"] == frames.phase) & (scores["metric"] == metric) & ~scores["is_baseline"]]
    diverged = cells[(cells["phase"] == frames.phase) & cells["diverged"] & ~cells["is_baseline"]]
    return len({*scored["arm_id"], *diverged["arm_id"]})


def paired_scores(values: pd.DataFrame, arms: pd.DataFrame, *, ratio: bool) -> pd.DataFrame:
    """`Comparison.pairs`, and `compared`: the difference that is judged, of logarithms where ratios are.

    Args:
        values: Scores, one row for each cell, as `primary_values` returns them.
        arms: Arms in the order of the report, with the column `arm_id`.
        ratio: Whether scores are compared by their ratio, so that differences are of logarithms.

    Returns:
        One row for each arm and replicate: both scores, their `difference`, and `compared`, which is judged.
    """
    columns = ["arm_id", "arm", "replicate", "value"]
    baseline = values.loc[values["is_baseline"], ["replicate", "value"]].rename(columns={"value": "baseline"})
    others = values.loc[~values["is_baseline"] & values["arm_id"].isin(arms["arm_id"]), columns]
    pairs = others.merge(baseline, on="replicate")
    pairs["difference"] = pairs["value"] - pairs["baseline"]
    pairs["compared"] = np.log(pairs["value"] / pairs["baseline"]) if ratio else pairs["difference"]
    return pairs


def per_arm(arms: pd.DataFrame, pairs: pd.DataFrame, column: str) -> list[pd.Series]:
    """A column of the pairs of each arm by replicate, in the order of the arms; the baseline's is empty.

    Args:
        arms: Arms in the order of the report, with the column `arm_id`.
        pairs: Pairs of scores, as `paired_scores` returns them.
        column: Name of the column that is wanted.

    Returns:
        One series by replicate for each arm.
    """
    by_arm = {arm: each.set_index("replicate")[column] for arm, each in pairs.groupby("arm_id")}
    return [by_arm.get(arm, pd.Series(dtype=np.float64)) for arm in arms["arm_id"]]
