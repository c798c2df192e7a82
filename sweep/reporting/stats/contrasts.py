"""Comparisons beyond those with the baseline: what a design is for, and how a score follows a number.

For each seed the arms of a comparison give one number, a weighted sum of their scores, so that the seed is the unit
here as everywhere. It is judged by the one rule of comparison: its noise is its own or that which all arms tell
together, where that is larger, and the comparisons of one question are one family.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sweep.config.designs.contrasts import Contrast
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.stats.comparison import Comparison
from sweep.reporting.stats.interactions import levels_of_arms
from sweep.reporting.stats.pairs import analysed_values
from sweep.reporting.stats.variance import Array
from sweep.statistics.multiple import compare_family, rounding_step
from sweep.statistics.paired import ALPHA
from sweep.statistics.pooled import Noise
from sweep.statistics.verdicts import arm_verdict, verdict_reason

PAIRED = 2.0
"""Sum of the squared weights of an arm minus another: contrasts are brought to it, so that their noise compares."""
COLUMNS = ["contrast", "subject", "n", "difference", "low", "high", "share", "p_adjusted", "noisier", "verdict", "why"]


def own_contrasts(frames: StudyFrames, comparison: Comparison) -> pd.DataFrame:
    """The comparisons of the design's own question.

    Args:
        frames: The tables of the study.
        comparison: The comparison of its arms with the baseline.

    Returns:
        contrast, subject, n (seeds), difference, low, high (units of the score; simultaneous interval), share
        (difference as a share of the reference's mean), p_adjusted, noisier, verdict, why; empty where there are none.
    """
    design = frames.study_ref.design
    question = design.own_question
    if question is None or not comparison.confirmatory:
        return pd.DataFrame(columns=COLUMNS)
    trained = frames.cells.loc[frames.cells["phase"] == frames.phase, "arm_id"]
    levels = levels_of_arms(frames).merge(frames.arms[["arm_id", "arm"]], on="arm_id")
    levels = levels[levels["arm_id"].isin(trained)].drop(columns="arm_id").set_index("arm")
    by_arm = {str(arm): {str(f): str(level) for f, level in row.items()} for arm, row in levels.iterrows()}
    contrasts = design.contrasts(by_arm)
    return judged_contrasts(frames, comparison, contrasts, is_ratio=question.is_ratio, correlation=question.correlation)


def judged_contrasts(
    frames: StudyFrames,
    comparison: Comparison,
    contrasts: Sequence[Contrast],
    *,
    is_ratio: bool,
    correlation: float,
) -> pd.DataFrame:
    """Judge some contrasts as one family.

    Args:
        frames: The tables of the study.
        comparison: The comparison of its arms with the baseline, which tells of their noise.
        contrasts: The family.
        is_ratio: Whether logarithms are compared where the comparison compares them.
        correlation: Of any two of the contrasts.

    Returns:
        As `own_contrasts`.
    """
    if not contrasts:
        return pd.DataFrame(columns=COLUMNS)
    values = analysed_values(frames, comparison.metric, comparison.analysis)
    table = values.pivot_table(index="replicate", columns="arm", values="value", aggfunc="mean")
    in_logs = is_ratio and comparison.ratio
    scale = np.array([(sum(w**2 for w in each.weights.values()) / PAIRED) ** 0.5 for each in contrasts])
    sums = [_per_seed(table, each, in_logs=in_logs) / s for each, s in zip(contrasts, scale, strict=True)]
    step = rounding_step(values["value"].to_numpy(float))
    analysis = comparison.analysis
    family = compare_family(
        sums,
        alpha=analysis.level if analysis else ALPHA,
        arms=len(contrasts),
        rounding=step / float(values["value"].min()) if in_logs and step else step,
        correlation=correlation,
        noise=_noise(comparison, in_logs=in_logs),
    )
    is_read = analysis is None or analysis.number > 0
    p = family.p if is_read else np.full(len(contrasts), np.nan)
    if analysis is not None and is_read:
        p = np.array([analysis.plan.adjusted(each, analysis.number - 1) for each in p])
    means = table.mean().reindex([each.reference for each in contrasts]).to_numpy(float)
    ends = {"difference": family.mean, "low": family.low, "high": family.high}
    ends = {name: np.expm1(end * scale) * means if in_logs else end * scale for name, end in ends.items()}
    rows = pd.DataFrame(
        {
            "contrast": [each.name for each in contrasts],
            "subject": [each.subject for each in contrasts],
            "n": family.n,
            **ends,
            "share": ends["difference"] / means,
            "p_adjusted": p,
            "noisier": family.noisier,
        }
    )
    return _with_verdicts(rows, comparison, is_read=is_read)


def _per_seed(table: pd.DataFrame, contrast: Contrast, *, in_logs: bool) -> Array:
    """One number a seed that has all arms of the contrast.

    Args:
        table: [replicate, arm] scores.
        contrast: The weights of its arms.
        in_logs: Whether logarithms of the scores are summed.
    """
    scores = table.reindex(columns=list(contrast.weights)).to_numpy(float)
    sums = (np.log(scores) if in_logs else scores) @ np.array(list(contrast.weights.values()))
    return np.asarray(sums[np.isfinite(sums)], dtype=np.float64)


def _noise(comparison: Comparison, *, in_logs: bool) -> Noise | None:
    """Of all arms' paired differences; None where no arm has two pairs."""
    pairs = comparison.pairs
    compared = (pairs["value"] / pairs["baseline"]).map(np.log) if in_logs else pairs["difference"]
    by_arm = compared.groupby(pairs["arm_id"])
    table = pd.DataFrame({"variance": by_arm.var(ddof=1), "df": by_arm.count() - 1.0}).dropna()
    return Noise(table["variance"].to_numpy(float), table["df"].to_numpy(float)) if len(table) else None


def _with_verdicts(rows: pd.DataFrame, comparison: Comparison, *, is_read: bool) -> pd.DataFrame:
    words, reasons = [], []
    for row in rows.to_dict("records"):
        word = arm_verdict(
            row["n"] if is_read else 0,
            row["low"],
            row["high"],
            margin=comparison.margin,
            lower_is_better=comparison.lower_is_better,
        )
        why = verdict_reason(
            word,
            pairs=row["n"],
            p_adjusted=row["p_adjusted"],
            arms=len(rows),
            noisier=row["noisier"],
            family_of="comparisons",
        )
        words.append(word)
        reasons.append(why)
    return rows.assign(verdict=words, why=reasons)[COLUMNS]
