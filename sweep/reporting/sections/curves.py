"""Losses over training."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from sweep.reporting.figures.lines import MAX_THIN_LINES, learning
from sweep.reporting.figures.style import MAX_NAMED
from sweep.reporting.render.blocks import Block, figure_block, note
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.text.setting_fields import LOSS_FIELDS

CURVES = {"train_loss": "Training loss", "validation_loss": "Validation loss"}
POINTS = 60


def learning_curves(study: ReportedStudy) -> list[Block]:
    """Losses against images seen and against seconds.

    Args:
        study: The study, with its comparison.
    """
    curves = with_seconds(study.frames.curves)
    names = {name: title for name, title in CURVES.items() if (curves["name"] == name).any()}
    if not names:
        return [note("No run has recorded a loss yet.")]
    curves = thinned(with_batches(curves[curves["name"].isin(names)]))
    lines = curves.drop_duplicates("arm")["arm"].tolist()[: MAX_NAMED + 1]
    ends = curves.dropna(subset="value").groupby(["name", "arm"])["value"].last()
    many = curves["replicate"].nunique() > MAX_THIN_LINES
    thin = f"the first {MAX_THIN_LINES} seeds" if many else "single seeds"
    suffix = "" if _changed_losses(study) else " (lower is better)"
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
            names={name: title + suffix for name, title in names.items() if (drawn["name"] == name).any()},
        )
        alt = f"Losses against {axis}. At the end: " + "; ".join(
            f"{arm}, {title.lower()}: {ends[name, arm]:.4g}"
            for name, title in names.items()
            for arm in lines
            if (name, arm) in ends.index
        )
        caption = (
            f"Thick lines are means over seeds, against {axis}; thin lines are {thin}.{_batches_in_words(drawn)} "
            f"{_comparable(study)}"
        )
        data = drawn[["arm", "replicate", "name", "step", "images", "seconds", "batches", "value"]]
        blocks.append(figure_block(f"learning_{x}", draw, alt=alt, caption=caption, data=data))
    return blocks


def _comparable(study: ReportedStudy) -> str:
    changed = _changed_losses(study)
    if not changed:
        return "All arms minimise the same loss, so their curves can be compared."
    return (
        f"Arms differ in {', '.join(sorted(changed))}, which changes the loss itself. Only the shapes of such curves "
        "can "
        "be compared, not their levels."
    )


def _changed_losses(study: ReportedStudy) -> set[str]:
    """Fields that some arm changes and that change what the loss measures."""
    return {field for changes in study.frames.arms["changes"] for field in changes} & LOSS_FIELDS


def _batches_in_words(curves: pd.DataFrame) -> str:
    """What a point of the training loss averages, where its points differ in that."""
    batches = curves["batches"].dropna()
    if not (batches == 1).any() or batches.max() == 1:
        return ""
    return f" Points of the training loss are means of up to {batches.max():.0f} batches; open circles are of one."


def with_batches(curves: pd.DataFrame) -> pd.DataFrame:
    """Adds `batches` that a point of the training loss is the mean of: steps since the last point; NaN elsewhere.

    Args:
        curves: The curves of a study (`StudyFrames.curves`).
    """
    ordered = curves.sort_values(["arm_id", "run_id", "name", "step"], kind="stable")
    steps = ordered["step"] - ordered.groupby(["arm_id", "run_id", "name"])["step"].shift(fill_value=0)
    return curves.assign(batches=steps.astype(float).where(ordered["name"] == "train_loss"))


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
