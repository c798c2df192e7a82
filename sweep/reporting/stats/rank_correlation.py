"""How well cheaper scores of a search rank its trials: by fewer images, or on the way."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import kendalltau, spearmanr

from sweep.quantities import quantity
from sweep.reporting.frames.frames import StudyFrames

MIN_RANKED_TRIALS = 5


def ranks_in_words(correlations: pd.DataFrame) -> list[str]:
    """One sentence a cheaper score, of a frame of `rank_correlations`.

    Args:
        correlations: A frame of `rank_correlations`.
    """
    return [
        f"N = {row['n']:,} at {row['share']:.0%} of the training: "
        + (
            f"too few trials ({row['trials']}) for a rank correlation"
            if pd.isna(row["spearman"])
            else f"Spearman {row['spearman']:.2f}, Kendall {row['kendall']:.2f} with the deciding score, over "
            f"{quantity(int(row['trials']), 'trial')}"
        )
        for row in correlations.to_dict("records")
    ]


def rank_correlations(frames: StudyFrames) -> pd.DataFrame:
    """share (of the training), n, trials, spearman, kendall (NaN under `MIN_RANKED_TRIALS` trials); each run once.

    Args:
        frames: The tables of the study.
    """
    rungs = frames.rungs[frames.rungs["metric"] == frames.metric].drop_duplicates(["run_id", "step", "n"])
    scores = frames.scores
    final = scores.loc[scores["is_primary"] & (scores["metric"] == frames.metric), ["run_id", "value"]]
    both = rungs.merge(final.drop_duplicates("run_id"), on="run_id", suffixes=("", "_final"))
    both = both.assign(share=(both["step"] / both["steps"]).round(2))
    rows = []
    for (share, n), group in both.groupby(["share", "n"]):
        enough = len(group) >= MIN_RANKED_TRIALS
        pair = (group["value"], group["value_final"])
        row = {"share": share, "n": n, "trials": len(group)}
        row["spearman"] = float(spearmanr(*pair).statistic) if enough else np.nan
        row["kendall"] = float(kendalltau(*pair).statistic) if enough else np.nan
        rows.append(row)
    return pd.DataFrame(rows, columns=["share", "n", "trials", "spearman", "kendall"])
