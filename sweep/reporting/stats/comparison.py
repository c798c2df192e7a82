"""Every arm against the baseline: the frame that the table, the forest plot and the verdict sentence share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.metrics import direction_of, label_of, lower_is_better
from sweep.reporting.stats.divergence import Divergence, divergences
from sweep.reporting.stats.interim import InterimAnalysis, current_interim_analysis
from sweep.reporting.stats.paired import (
    ALPHA,
    PairedDifference,
    arm_verdict,
    deciding_test,
    holm,
    paired_difference,
    smallest_effect,
    verdict_reason,
)
from sweep.reporting.stats.power import detectable_effect
from sweep.reporting.stats.variance import Array, VarianceSplit, variance_split
from sweep.scoring.metrics import Direction
from sweep.store.states import CellStatus, Phase


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One score of all arms."""

    metric: str
    label: str
    direction: Direction
    confirmatory: bool
    """Whether these cells may decide: never in the search phase."""
    margin: float
    """Smallest effect of interest, units of the score; NaN without a baseline."""
    baseline_mean: float
    analysis: InterimAnalysis | None
    """The interim analysis that decides; None for a study that is read once, and for exploratory scores."""
    arms: pd.DataFrame
    """arm_id, arm, says, is_baseline, n, mean, sd (over training seeds), pairs, difference, low, high, paired_sd, p,
    test (the deciding one), p_holm, verdict, why, detectable (80 % power), lost and won (seeds where the arm or the
    baseline alone diverged: means and intervals are over the others); NaN where there are too few seeds. At a
    interim analysis p is adjusted for all analyses, and the interval is wide enough to hold at all of them."""
    pairs: pd.DataFrame
    """arm_id, arm, replicate, value, baseline, difference: one row a paired seed."""

    @property
    def lower_is_better(self) -> bool:
        """Whether smaller values are better.

        Raises:
            StoreMismatch: The score has no better end.
        """
        return lower_is_better(self.metric)

    @property
    def compared(self) -> pd.DataFrame:
        """All arms but the baseline."""
        return self.arms[~self.arms["is_baseline"]]

    @property
    def decimals_at(self) -> float:
        """The size whose second digit is the last worth printing: the median standard error, or 1 % of the mean."""
        errors = (self.arms["paired_sd"] / np.sqrt(self.arms["pairs"])).replace(0.0, np.nan).dropna()
        if len(errors):
            return float(errors.median())
        means = self.arms["mean"].abs().dropna()
        return float(means.median()) / 100 if len(means) else np.nan


def compare_arms(frames: StudyFrames, metric: str | None = None) -> Comparison:
    """Compare one score of every arm with the baseline, over paired seeds.

    Args:
        frames: The tables of the study.
        metric: Name of the score; None for the deciding one, which alone gets verdicts.
    """
    metric = metric or frames.metric
    phase = frames.phase
    confirmatory = phase == Phase.CONFIRM and metric == frames.metric
    analysis = current_interim_analysis(frames) if confirmatory else None
    values = primary_values(frames, metric)
    if analysis is not None and analysis.number:
        values = values[values["replicate"] < analysis.seeds]
    present = set(frames.cells.loc[frames.cells["phase"] == phase, "arm_id"])
    arms = frames.arms[frames.arms["arm_id"].isin(present) | frames.arms["is_baseline"]]
    pairs = _pairs(values, arms)
    margin, baseline_mean = _margin(frames, metric, values)
    differences = _differences(arms, pairs, level=analysis.level if analysis else ALPHA, exact=confirmatory)
    table = _arm_table(arms, values, differences)
    direction = direction_of(metric)
    # Of scores that decide nothing no word is said that would need it.
    better_low = lower_is_better(metric) if confirmatory else direction is Direction.LOWER
    return Comparison(
        metric=metric,
        label=label_of(metric, frames.protocol),
        direction=direction,
        confirmatory=confirmatory,
        margin=margin,
        baseline_mean=baseline_mean,
        analysis=analysis,
        arms=_judged(
            table,
            differences,
            divergences(frames, arms, values, pairs, lower_is_better=better_low),
            margin=margin,
            better_low=better_low,
            confirmatory=confirmatory,
            analysis=analysis,
        ),
        pairs=pairs,
    )


def primary_values(frames: StudyFrames, metric: str) -> pd.DataFrame:
    """Primary scores of the deciding phase, without those of excluded cells.

    Args:
        frames: The tables of the study.
        metric: Name of the score.
    """
    scores = frames.scores
    excluded = set(frames.cells.loc[frames.cells["status"] == CellStatus.EXCLUDED, "cell_id"])
    keep = scores["is_primary"] & (scores["metric"] == metric) & (scores["phase"] == frames.phase)
    return scores[keep & ~scores["cell_id"].isin(excluded)].drop_duplicates("cell_id")


def _margin(frames: StudyFrames, metric: str, values: pd.DataFrame) -> tuple[float, float]:
    baseline = values.loc[values["is_baseline"], "value"]
    stated = frames.spec.get("smallest_effect") if metric == frames.metric else None
    mean = float(baseline.mean()) if len(baseline) else np.nan
    return smallest_effect(mean, stated), mean


def _pairs(values: pd.DataFrame, arms: pd.DataFrame) -> pd.DataFrame:
    columns = ["arm_id", "arm", "replicate", "value"]
    baseline = values.loc[values["is_baseline"], ["replicate", "value"]].rename(columns={"value": "baseline"})
    others = values.loc[~values["is_baseline"] & values["arm_id"].isin(arms["arm_id"]), columns]
    pairs = others.merge(baseline, on="replicate")
    pairs["difference"] = pairs["value"] - pairs["baseline"]
    return pairs


def _differences(arms: pd.DataFrame, pairs: pd.DataFrame, *, level: float, exact: bool) -> list[PairedDifference]:
    """Of each arm, in their order; the baseline's has no pairs."""
    values = {
        arm: (each["value"].to_numpy(float), each["baseline"].to_numpy(float)) for arm, each in pairs.groupby("arm_id")
    }
    nothing = (np.empty(0), np.empty(0))
    return [paired_difference(*values.get(arm, nothing), confidence=1 - level, exact=exact) for arm in arms["arm_id"]]


def _arm_table(arms: pd.DataFrame, values: pd.DataFrame, differences: list[PairedDifference]) -> pd.DataFrame:
    by_arm = values.groupby("arm_id")["value"]
    table = arms[["arm_id", "arm", "says", "is_baseline"]].reset_index(drop=True)
    table["n"] = table["arm_id"].map(by_arm.count()).fillna(0).astype(int)
    table["mean"] = table["arm_id"].map(by_arm.mean()).astype(float)
    table["sd"] = table["arm_id"].map(by_arm.std(ddof=1)).astype(float)
    table["pairs"] = [each.n for each in differences]
    table["difference"] = [each.mean for each in differences]
    table["low"] = [each.low for each in differences]
    table["high"] = [each.high for each in differences]
    table["paired_sd"] = [each.sd for each in differences]
    return table


def _judged(
    table: pd.DataFrame,
    differences: list[PairedDifference],
    diverged: list[Divergence],
    *,
    margin: float,
    better_low: bool,
    confirmatory: bool,
    analysis: InterimAnalysis | None,
) -> pd.DataFrame:
    """Adds test, p, p_holm, detectable, verdict, why, lost, won."""
    is_baseline = table["is_baseline"].to_numpy(bool)
    arms = len(table) - int(is_baseline.sum())
    level = analysis.level if analysis else ALPHA
    tests = [deciding_test(each.n, arms=arms, alpha=level) for each in differences]
    p = np.array(
        [each.p_sign_flip if test == "sign-flip" else each.p_t for each, test in zip(differences, tests, strict=True)]
    )
    p = np.where([each.any for each in diverged], [each.p for each in diverged], p)
    waiting = _waiting(confirmatory, analysis)
    # A p value of an unplanned reading, means nothing: such scores get intervals only.
    p[is_baseline | bool(waiting)] = np.nan
    if analysis is not None and not waiting:
        p = np.array([analysis.plan.adjusted(each, analysis.number - 1) for each in p])
    p_holm = holm(p)
    words: list[tuple[str, str]] = []
    for baseline, each, gone, test, adjusted in zip(is_baseline, differences, diverged, tests, p_holm, strict=True):
        if baseline or waiting:
            words.append(("", "") if baseline else ("undecided", waiting))
            continue
        if gone.any:
            words.append((gone.verdict(adjusted), gone.reason(adjusted)))
            continue
        word = arm_verdict(each, p_adjusted=adjusted, margin=margin, lower_is_better=better_low)
        words.append((word, verdict_reason(each, word, p_adjusted=adjusted, test=test)))
    detectable = [
        detectable_effect(each.sd, each.n, arms=arms, test=test, alpha=level) if arms else np.inf
        for each, test in zip(differences, tests, strict=True)
    ]
    return table.assign(
        test=["signed-rank" if gone.any else test for gone, test in zip(diverged, tests, strict=True)],
        lost=[each.lost for each in diverged],
        won=[each.won for each in diverged],
        p=p,
        p_holm=p_holm,
        detectable=detectable,
        verdict=[word for word, _ in words],
        why=[why for _, why in words],
    )


def _waiting(confirmatory: bool, analysis: InterimAnalysis | None) -> str:
    """Why no arm can be judged yet; empty where they can."""
    if not confirmatory:
        return "these scores are exploratory and allow no verdict"
    if analysis is not None and not analysis.number:
        return f"the first interim analysis is after {analysis.following} seeds"
    return ""


def split_of(frames: StudyFrames) -> VarianceSplit:
    """Sources of the variance of the deciding score, pooled over arms.

    Args:
        frames: The tables of the study.
    """
    values = primary_values(frames, frames.metric)
    scores: list[Array] = []
    errors: list[Array] = []
    for _, arm in values.groupby("arm_id"):
        table = pd.DataFrame(arm["noise_values"].tolist(), index=arm["replicate"]).dropna(axis="columns", how="all")
        scores.append(table.dropna().to_numpy(float))
        errors += [np.array(list(each.values()), dtype=float) for each in arm["noise_errors"]]
    return variance_split(scores, errors)
