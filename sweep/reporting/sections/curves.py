"""Sections drawn over something: evaluation factors, training, cost of sampling."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd

from sweep.reporting.figures.lines import MAX_THIN_LINES, cost_front, factor_curves, learning
from sweep.reporting.figures.style import MAX_NAMED
from sweep.reporting.formatting import changes_in_words, number, value_in_words
from sweep.reporting.render.blocks import Block, figure_block, note
from sweep.reporting.render.tables import Column, TextCell, table_block, text_cells
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.stats.mean_interval import mean_interval
from sweep.reporting.text.setting_fields import LOSS_FIELDS
from sweep.store.states import CellStatus

CURVES = {"train_loss": "Training loss", "validation_loss": "Validation loss"}
POINTS = 60


def evaluation_factors(study: ReportedStudy) -> list[Block]:
    """Every level scored from the same checkpoints: a table, a curve a factor, and the price of sampling.

    Args:
        study: The study, with its comparison.
    """
    summary = summary_by_level(study)
    if summary["evaluation_level"].nunique() < 2:
        return [note("This study has no evaluation factor: each run was scored in one way.")]
    blocks: list[Block] = [_summary_table(study, summary)]
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
    caption = f"{study.comparison.label} ({study.direction}) at every evaluation level, mean over seeds."
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
    title = f"{comparison.label} ({study.direction})"
    draw = partial(factor_curves, scores, study.styles, factor=factor, title=title, numeric=numeric)
    best = levels.loc[
        levels.groupby("arm", sort=False)["mean"].agg("idxmin" if comparison.lower_is_better else "idxmax")
    ]
    alt = f"{comparison.label} against {factor}. Best level of each arm: " + "; ".join(
        f"{row['arm']}: {row['level']} with {number(row['mean'], study.decimals)}"
        for row in best.head(12).to_dict("records")
    )
    caption = (
        f"Mean {comparison.label} with its 95 % t interval over seeds, against {factor.replace('_', ' ')}. Every level "
        "is scored from the same checkpoints. This is exploratory, because the level was not tuned for each arm."
    )
    data = levels.drop(columns="eval_config")
    return figure_block(f"evaluation_{factor}", draw, alt=alt, caption=caption, data=data)


def _value(config: Mapping[str, object], factor: str) -> object:
    value = config.get(factor)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else value_in_words(value)


def _front(study: ReportedStudy, summary: pd.DataFrame) -> list[Block]:
    points = summary.dropna(subset=["seconds"])
    if points["seconds"].nunique() < 2:
        return []
    points = points.assign(on_front=on_front(points, lower_is_better=study.comparison.lower_is_better))
    draw = partial(cost_front, points, study.styles, label=study.comparison.label, direction=study.direction)
    front = points[points["on_front"]].sort_values("seconds")
    alt = "Score against seconds of sampling. On the front: " + "; ".join(
        f"{row['arm']}, {row['evaluation_level']}: {number(row['mean'], study.decimals)} in {row['seconds']:.0f} s"
        for row in front.to_dict("records")
    )
    caption = "Score against the cost of sampling. The line joins the points to which no other point is superior."
    data = points.drop(columns=["level", "eval_config"])
    return [figure_block("sampling_cost", draw, alt=alt, caption=caption, data=data)]


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


def learning_curves(study: ReportedStudy) -> list[Block]:
    """Losses against images seen and against seconds.

    Args:
        study: The study, with its comparison.
    """
    curves = with_seconds(study.frames.curves)
    names = {name: title for name, title in CURVES.items() if (curves["name"] == name).any()}
    if not names:
        return [note("No run has recorded a loss yet.")]
    curves = thinned(curves[curves["name"].isin(names)])
    lines = curves.drop_duplicates("arm")["arm"].tolist()[: MAX_NAMED + 1]
    ends = curves.dropna(subset="value").groupby(["name", "arm"])["value"].last()
    many = curves["replicate"].nunique() > MAX_THIN_LINES
    thin = f"the first {MAX_THIN_LINES} seeds" if many else "single seeds"
    blocks: list[Block] = []
    for x, axis in (("images", "images seen"), ("seconds", "seconds of training")):
        drawn = curves.dropna(subset=x)
        if drawn.empty:
            continue
        draw = partial(
            learning,
            drawn,
            study.styles,
            x=x,
            names={name: title for name, title in names.items() if (drawn["name"] == name).any()},
        )
        alt = f"Losses against {axis}. At the end: " + "; ".join(
            f"{arm}, {title.lower()}: {ends[name, arm]:.4g}"
            for name, title in names.items()
            for arm in lines
            if (name, arm) in ends.index
        )
        caption = f"Thick lines are means over seeds, against {axis}; thin lines are {thin}. {_comparable(study)}"
        data = drawn[["arm", "replicate", "name", "step", "images", "seconds", "value"]]
        blocks.append(figure_block(f"learning_{x}", draw, alt=alt, caption=caption, data=data))
    return blocks


def _comparable(study: ReportedStudy) -> str:
    changed = {field for changes in study.frames.arms["changes"] for field in changes} & LOSS_FIELDS
    if not changed:
        return "All arms minimise the same loss, so their curves can be compared."
    return (
        f"Arms differ in {', '.join(sorted(changed))}, which changes the loss itself. Only the shapes of such curves "
        "can "
        "be compared, not their levels."
    )


def with_seconds(curves: pd.DataFrame) -> pd.DataFrame:
    """Adds `seconds` of training at each point: images since the last point over `images_per_second`, summed up.

    Args:
        curves: The curves of a study (`StudyFrames.curves`).
    """
    speed = curves.loc[curves["name"] == "images_per_second", ["arm_id", "run_id", "step", "images", "value"]]
    speed = speed.sort_values(["arm_id", "run_id", "step"], kind="stable")
    runs = ["arm_id", "run_id"]
    images = (speed["images"] - speed.groupby(runs)["images"].shift(fill_value=0)).astype(float)
    speed["seconds"] = (images / speed["value"]).groupby([speed[key] for key in runs]).cumsum()
    return curves.merge(speed[[*runs, "step", "seconds"]], on=[*runs, "step"], how="left")


def thinned(curves: pd.DataFrame) -> pd.DataFrame:
    """At most `POINTS` points a curve, the last one kept; `point` counts them, so that seeds can be averaged.

    Args:
        curves: The curves, in the order of their steps.
    """
    by_curve = curves.groupby(["arm_id", "run_id", "name"], sort=False)
    position, size = by_curve.cumcount(), by_curve["step"].transform("size")
    every = np.ceil(size / POINTS).astype(int)
    thinned_curves: pd.DataFrame = curves[(size - 1 - position) % every == 0].copy()
    thinned_curves["point"] = thinned_curves.groupby(["arm_id", "run_id", "name"], sort=False).cumcount()
    return thinned_curves
