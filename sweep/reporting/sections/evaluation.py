"""Evaluation factors: every level scored from the same checkpoints, and what sampling costs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd

from sweep.reporting.figures.lines import cost_front, factor_curves
from sweep.reporting.formatting import changes_in_words, number, value_in_words
from sweep.reporting.render.blocks import Block, figure_block, note
from sweep.reporting.render.tables import Column, TextCell, table_block, text_cells
from sweep.reporting.sections.levels import differences_by_level, of_earlier_weights
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.stats.mean_interval import mean_interval
from sweep.store.states import CellStatus

SAMPLING_WORK = ("sampler", "sampling_steps")
"""Fields of an evaluation that decide how often the net is called for an image."""


def evaluation_factors(study: ReportedStudy) -> list[Block]:
    """Every level scored from the same checkpoints: a table, a curve a factor, and the price of sampling.

    Args:
        study: The study, with its comparison.
    """
    summary = summary_by_level(study)
    if summary["evaluation_level"].nunique() < 2:
        return [note("This study has no evaluation factor: each run was scored in one way.")]
    blocks: list[Block] = [*differences_by_level(study), _summary_table(study, summary)]
    for factor in _factors(summary):
        blocks.append(_factor_picture(study, summary, factor))
    return [*blocks, *_front(study, summary)]


def summary_by_level(study: ReportedStudy) -> pd.DataFrame:
    """One row an arm and evaluation level: arm, is_baseline, evaluation_level, level, eval_config, n, mean, low, high
    (t interval over seeds), seconds (median, of sampling); the primary level first.

    Args:
        study: The study, with its comparison.
    """
    by = scores_by_level(study).groupby(["arm", "evaluation_level"], sort=False)
    summary = by[["is_baseline", "is_primary", "level", "eval_config"]].first()
    summary["n"], summary["mean"] = by["value"].count(), by["value"].mean()
    intervals = [mean_interval(values) for _, values in by["value"]]
    summary["low"], summary["high"] = [low for low, _ in intervals], [high for _, high in intervals]
    summary["seconds"] = by["sampling_seconds"].median().astype(float)
    named = ["arm", "is_baseline", "evaluation_level", "is_primary", "level", "eval_config"]
    return summary.reset_index()[[*named, "n", "mean", "low", "high", "seconds"]]


def scores_by_level(study: ReportedStudy) -> pd.DataFrame:
    """The deciding score of every run at every evaluation level: the rows of `StudyFrames.scores` that count.

    Args:
        study: The study, with its comparison.
    """
    frames = study.frames
    scores = frames.scores
    excluded = set(frames.cells.loc[frames.cells["status"] == CellStatus.EXCLUDED, "cell_id"])
    keep = (scores["metric"] == study.comparison.metric) & (scores["phase"] == frames.phase)
    keep &= ~of_earlier_weights(scores)
    return scores[keep & ~scores["cell_id"].isin(excluded)]


def _summary_table(study: ReportedStudy, summary: pd.DataFrame) -> Block:
    levels = summary.sort_values("is_primary", ascending=False, kind="stable")["evaluation_level"].unique()
    arms = summary["arm"].unique()
    means = summary.pivot_table(index="arm", columns="evaluation_level", values="mean", sort=False)
    columns = [Column("Arm", text_cells(list(arms)))]
    primary = (
        summary[summary["is_primary"]].drop_duplicates("evaluation_level").set_index("evaluation_level")["eval_config"]
    )
    for level in levels:
        cells = [TextCell(number(float(means[level][arm]), study.decimals)) for arm in arms]
        own_values = {factor: primary[level][factor] for factor in _factors(summary)} if level in primary else {}
        heading = f"{changes_in_words(own_values)} (baseline)" if own_values else level
        columns.append(Column(heading, list(cells), numeric=True))
    caption = f"{study.score} ({study.direction}) at every evaluation level, mean over seeds."
    data = summary.drop(columns=["level", "eval_config"])
    marked = [bool(summary.loc[summary["arm"] == arm, "is_baseline"].iloc[0]) for arm in arms]
    return table_block("evaluation", columns, caption=caption, data=data, marked=marked)


def _factors(summary: pd.DataFrame) -> list[str]:
    """Fields that some level changes alone, in the order of the study."""
    alone = [next(iter(level)) for level in summary["level"] if len(level) == 1]
    return list(dict.fromkeys(alone))


def _factor_picture(study: ReportedStudy, summary: pd.DataFrame, factor: str) -> Block:
    """The levels of one factor, in which the primary one stands for its own."""
    is_shown = [row["is_primary"] or set(row["level"]) == {factor} for row in summary.to_dict("records")]
    levels = summary[is_shown].copy()
    values = [_value(config, factor) for config in levels["eval_config"]]
    levels["level"] = pd.Series(values, levels.index, dtype=object)
    numeric = all(isinstance(level, int | float) for level in levels["level"])
    if numeric:
        levels = levels.sort_values("level", kind="stable")
    order = {arm: k for k, arm in enumerate(summary["arm"].unique())}
    levels = levels.sort_values("arm", key=lambda arm: arm.map(order), kind="stable")
    comparison = study.comparison
    scores = scores_by_level(study)[["arm", "evaluation_level", "value"]]
    scores = levels[["arm", "evaluation_level", "level"]].merge(scores, on=["arm", "evaluation_level"])
    title = f"{study.score} ({study.direction})"
    chosen = _chosen_on(study, levels)
    draw = partial(factor_curves, scores, study.styles, factor=factor, title=title, numeric=numeric, chosen=chosen)
    best = levels.loc[
        levels.groupby("arm", sort=False)["mean"].agg("idxmin" if comparison.lower_is_better else "idxmax")
    ]
    alt = f"{study.score} against {factor}. Best level of each arm: " + "; ".join(
        f"{row['arm']}: {row['level']} with {number(row['mean'], study.decimals)}"
        for row in best.head(12).to_dict("records")
    )
    caption = (
        f"Mean {study.score} with its 95 % t interval over seeds, against {factor.replace('_', ' ')}. Every level "
        f"is scored from the same checkpoints. {_EXPLORATORY if chosen is None else _RINGS}"
    )
    data = levels.drop(columns="eval_config")
    return figure_block(f"evaluation_{factor}", draw, alt=alt, caption=caption, data=data)


_EXPLORATORY = "This is exploratory, because the level was not tuned for each arm."
_RINGS = "Rings mark the levels that an arm chose as its best, one for each half of the noise sets."


def _chosen_on(study: ReportedStudy, levels: pd.DataFrame) -> pd.DataFrame | None:
    """The points of a curve at which an arm is at its own best: arm, level, value; None where no level is tuned."""
    if study.own_best is None:
        return None
    chosen = study.own_best.chosen[["arm", "evaluation_level"]].drop_duplicates()
    points = levels[["arm", "evaluation_level", "level", "mean"]].merge(chosen, on=["arm", "evaluation_level"])
    return points.rename(columns={"mean": "value"})


def _value(config: Mapping[str, object], factor: str) -> object:
    value = config.get(factor)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else value_in_words(value)


def _front(study: ReportedStudy, summary: pd.DataFrame) -> list[Block]:
    points = summary.dropna(subset=["seconds"])
    if points["seconds"].nunique() < 2 or not _costs_differ(study, summary):
        return []
    points = points.assign(on_front=on_front(points, lower_is_better=study.comparison.lower_is_better))
    draw = partial(cost_front, points, study.styles, label=study.score, direction=study.direction)
    front = points[points["on_front"]].sort_values("seconds")
    alt = "Score against seconds of sampling. On the front: " + "; ".join(
        f"{row['arm']}, {row['evaluation_level']}: {number(row['mean'], study.decimals)} in {row['seconds']:.0f} s"
        for row in front.to_dict("records")
    )
    caption = "Score against the cost of sampling. The line joins the points to which no other point is superior."
    data = points.drop(columns=["level", "eval_config"])
    return [figure_block("sampling_cost", draw, alt=alt, caption=caption, data=data)]


def _costs_differ(study: ReportedStudy, summary: pd.DataFrame) -> bool:
    """Whether sampling does other work somewhere: with equal nets and steps, seconds differ by noise alone."""
    cells = study.frames.cells.drop_duplicates("arm")
    nets = {row["arm"]: row["config"]["net"] for row in cells.to_dict("records")}
    work = [
        (nets.get(arm), *(config.get(field) for field in SAMPLING_WORK))
        for arm, config in zip(summary["arm"], summary["eval_config"], strict=True)
    ]
    return any(each != work[0] for each in work)


def on_front(points: pd.DataFrame, *, lower_is_better: bool) -> list[bool]:
    """Whether no other point is at least as good in score and seconds, and better in one.

    Args:
        points: A row for each point, with mean and seconds.
        lower_is_better: Whether smaller values of the score are better.
    """
    score = points["mean"].to_numpy(float) * (1 if lower_is_better else -1)
    seconds = points["seconds"].to_numpy(float)
    no_worse = (score[None] <= score[:, None]) & (seconds[None] <= seconds[:, None])
    better = (score[None] < score[:, None]) | (seconds[None] < seconds[:, None])
    return [not beaten for beaten in np.any(no_worse & better, axis=1)]
