"""Every arm against the baseline: the frame that the table, the forest plot and the verdict sentence share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.metrics import direction_of, label_of, lower_is_better
from sweep.reporting.stats.divergence import Divergence, divergences
from sweep.reporting.stats.family import family_of
from sweep.reporting.stats.interim import InterimAnalysis, current_interim_analysis
from sweep.reporting.stats.pairs import analysed_values, paired_scores, per_arm
from sweep.reporting.stats.power import detectable_effect
from sweep.reporting.stats.stopped import arms_as_stopped, stopping_of_frames
from sweep.reporting.stats.unpaired import is_unpaired, rule_of, unpaired_scores
from sweep.scoring.metrics import Direction, metric_of
from sweep.statistics.multiple import Family, joint_sign_flip_p
from sweep.statistics.paired import ALPHA
from sweep.statistics.stopping import Stop
from sweep.statistics.verdicts import Rule, arm_verdict, smallest_effect, verdict_reason
from sweep.store.states import Phase

RULE = "dunnett"
"""Name of the rule of comparison. Another rule gets another name, so that reports say why verdicts changed."""
ROBUST_SEEDS = 7
"""Paired seeds from which joint sign flips can tell anything: with six, one arm alone reaches p = 0.031."""


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
    ratio: bool
    """Whether logarithms of the scores are compared: differences are then ratios, times the baseline's mean."""
    family: int
    """Arms that p values and intervals are adjusted for: all that ever had a score, dropped and excluded ones too."""
    analysis: InterimAnalysis | None
    """The interim analysis that decides; None for a study that is read once, and for exploratory scores."""
    arms: pd.DataFrame
    """arm_id, arm, says, is_baseline, n, mean, sd (over training seeds), pairs, difference, low, high, paired_sd (of
    the arm's own differences), df, noisier, p_adjusted (for all arms and all interim analyses), p_sign_flip (joint,
    adjusted for all arms; from `ROBUST_SEEDS` on), test, verdict, why, detectable (80 % power), lost and won (seeds
    where the arm or the baseline alone diverged: means and intervals are over the others); NaN where there are too few
    seeds. Intervals hold for all arms at once, and at an interim analysis for all analyses."""
    pairs: pd.DataFrame
    """arm_id, arm, replicate, value, baseline, difference: one row a paired seed."""
    stopped: Mapping[str, tuple[int, Stop]] = field(default_factory=dict)
    """Arm -> the analysis, from 1, after which it got no more seeds, and why."""

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
    confirmatory = frames.phase == Phase.CONFIRM and metric == frames.metric
    decided = stopping_of_frames(frames) if confirmatory else None
    analysis = current_interim_analysis(frames) if confirmatory else None
    if decided is None or analysis is None:
        return _compared_at(frames, metric, analysis)
    plan = analysis.plan
    latest = _compared_at(frames, metric, InterimAnalysis(plan=plan, number=decided.analyses))
    tables = {decided.analyses: latest.arms}
    for number, _ in decided.stopped.values():
        if number not in tables:
            tables[number] = _compared_at(frames, metric, InterimAnalysis(plan=plan, number=number)).arms
    return replace(latest, arms=arms_as_stopped(latest.arms, tables, decided, plan), stopped=decided.stopped)


def _compared_at(frames: StudyFrames, metric: str, analysis: InterimAnalysis | None) -> Comparison:
    """The comparison at one analysis; of all scores for None."""
    phase = frames.phase
    confirmatory = phase == Phase.CONFIRM and metric == frames.metric
    values = analysed_values(frames, metric, analysis)
    present = set(frames.cells.loc[frames.cells["phase"] == phase, "arm_id"])
    arms = frames.arms[frames.arms["arm_id"].isin(present) | frames.arms["is_baseline"]]
    ratio = metric_of(metric).ratio and bool((values["value"] > 0).all())
    unpaired = is_unpaired(frames, values)
    pairs = (unpaired_scores if unpaired else paired_scores)(values, arms, ratio=ratio)
    margin, baseline_mean = _margin(frames, metric, values)
    direction = direction_of(metric)
    # Of scores that decide nothing no word is said that would need it.
    better_low = lower_is_better(metric) if confirmatory else direction is Direction.LOWER
    diverged = divergences(frames, arms, values, pairs, lower_is_better=better_low)
    family = family_of(frames, values, arms, pairs, metric, ratio=ratio, analysis=analysis, diverged=diverged)
    return Comparison(
        metric=metric,
        label=label_of(metric, frames.protocol),
        direction=direction,
        confirmatory=confirmatory,
        margin=margin,
        baseline_mean=baseline_mean,
        ratio=ratio,
        family=family.arms,
        analysis=analysis,
        arms=_judged(
            _arm_table(arms, values, family, pairs, unit=baseline_mean if ratio else None, flips=not unpaired),
            family,
            diverged,
            margin=margin,
            better_low=better_low,
            waiting=_waiting(confirmatory, analysis),
            analysis=analysis,
            rule=rule_of(frames, unpaired=unpaired),
        ),
        pairs=pairs.drop(columns="compared"),
    )


def _margin(frames: StudyFrames, metric: str, values: pd.DataFrame) -> tuple[float, float]:
    baseline = values.loc[values["is_baseline"], "value"]
    stated = frames.spec.get("smallest_effect") if metric == frames.metric else None
    mean = float(baseline.mean()) if len(baseline) else np.nan
    return smallest_effect(mean, stated), mean


def _arm_table(
    arms: pd.DataFrame, values: pd.DataFrame, family: Family, pairs: pd.DataFrame, *, unit: float | None, flips: bool
) -> pd.DataFrame:
    """Means and differences in units of the score; `unit` is the baseline's mean where logarithms were compared."""
    by_arm = values.groupby("arm_id")["value"]
    table = arms[["arm_id", "arm", "says", "is_baseline"]].reset_index(drop=True)
    table["n"] = table["arm_id"].map(by_arm.count()).fillna(0).astype(int)
    table["mean"] = table["arm_id"].map(by_arm.mean()).astype(float)
    table["sd"] = table["arm_id"].map(by_arm.std(ddof=1)).astype(float)
    table["pairs"] = family.n
    for column, judged in {"difference": family.mean, "low": family.low, "high": family.high}.items():
        table[column] = judged if unit is None else unit * np.expm1(judged)
    table["paired_sd"] = family.sd if unit is None else unit * family.sd
    table["df"], table["noisier"] = family.df, family.noisier
    table["p_sign_flip"] = np.nan
    robust = flips & (family.n >= ROBUST_SEEDS) & ~table["is_baseline"].to_numpy(bool)
    if robust.any():
        joint = pd.concat(per_arm(arms, pairs, "compared"), axis=1).to_numpy(float).T
        table["p_sign_flip"] = np.where(robust, joint_sign_flip_p(joint), np.nan)
    return table


def _judged(
    table: pd.DataFrame,
    family: Family,
    diverged: list[Divergence],
    *,
    margin: float,
    better_low: bool,
    waiting: str,
    analysis: InterimAnalysis | None,
    rule: Rule,
) -> pd.DataFrame:
    """Adds test, p_adjusted, detectable, verdict, why, lost, won."""
    level = analysis.level if analysis else ALPHA
    # A p value of an unplanned reading means nothing: such scores get intervals only.
    p = np.full(len(table), np.nan) if waiting else family.p
    if analysis is not None and not waiting:
        p = np.array([analysis.plan.adjusted(each, analysis.number - 1) for each in p])
    words: list[tuple[str, str]] = []
    for row, gone, adjusted in zip(table.to_dict("records"), diverged, p, strict=True):
        if row["is_baseline"] or waiting:
            words.append(("", "") if row["is_baseline"] else ("undecided", waiting))
        elif gone.any:
            words.append((gone.verdict(adjusted), gone.reason(adjusted)))
        else:
            word = arm_verdict(row["pairs"], row["low"], row["high"], margin=margin, lower_is_better=better_low)
            why = verdict_reason(
                word, pairs=row["pairs"], p_adjusted=adjusted, arms=family.arms, noisier=row["noisier"], rule=rule
            )
            words.append((word, why))
    return table.assign(
        test=["signed-rank" if gone.any else rule.test(family.arms) for gone in diverged],
        lost=[each.lost for each in diverged],
        won=[each.won for each in diverged],
        p_adjusted=p,
        p_sign_flip=np.nan if waiting else table["p_sign_flip"],
        detectable=[
            detectable_effect(sd, n, arms=family.arms, alpha=level)
            for sd, n in zip(table["paired_sd"], table["pairs"], strict=True)
        ],
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
