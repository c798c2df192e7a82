"""What a search claimed of the settings that it found, and what fresh seeds say."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.stats.comparison import Comparison
from sweep.reporting.stats.pairs import analysed_values
from sweep.statistics.paired import ALPHA
from sweep.store.states import Phase


def search_claims(frames: StudyFrames, comparison: Comparison) -> pd.DataFrame:
    """The settings that a search chose, best confirmed mean first.

    Args:
        frames: The tables of the study.
        comparison: The comparison of the confirmed arms with the baseline.

    Returns:
        arm, says, claimed (its score as a trial), n (fresh seeds), confirmed (their mean), change, change_low,
        change_high (confirmed mean minus claimed score, with its t interval over fresh seeds), claimed_gain (claimed
        score minus the baseline's mean over fresh seeds), gain, gain_low, gain_high (difference from the baseline over
        paired fresh seeds, simultaneous interval), verdict; empty before anything is confirmed. Units of the score.
    """
    scores = frames.scores
    is_trial = scores["is_primary"] & (scores["metric"] == comparison.metric) & (scores["phase"] == Phase.SEARCH)
    claimed = scores[is_trial].drop_duplicates("arm_id").set_index("arm_id")["value"]
    values = analysed_values(frames, comparison.metric, comparison.analysis)
    rows = []
    for row in comparison.compared.to_dict("records") if comparison.confirmatory else []:
        fresh = values.loc[values["arm_id"] == row["arm_id"], "value"].to_numpy(float)
        if row["arm_id"] not in claimed.index or not len(fresh):
            continue
        claim, n = float(claimed[row["arm_id"]]), len(fresh)
        change = float(fresh.mean()) - claim
        half = float(stats.t.isf(ALPHA / 2, n - 1) * fresh.std(ddof=1) / n**0.5) if n > 1 else np.nan
        rows.append(
            {
                "arm": row["arm"],
                "says": row["says"],
                "claimed": claim,
                "n": n,
                "confirmed": float(fresh.mean()),
                "change": change,
                "change_low": change - half,
                "change_high": change + half,
                "claimed_gain": claim - comparison.baseline_mean,
                "gain": row["difference"],
                "gain_low": row["low"],
                "gain_high": row["high"],
                "verdict": row["verdict"],
            }
        )
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    return table.sort_values("confirmed", ascending=comparison.lower_is_better, kind="stable").reset_index(drop=True)
