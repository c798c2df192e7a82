"""Scores of each class, of nets that see classes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sweep.reporting.formatting import decimals_for, number
from sweep.reporting.render.blocks import Block
from sweep.reporting.render.tables import Column, TextCell, table_block, text_cells
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.stats.pairs import primary_values
from sweep.scoring.metrics import class_of_metric

SHOWN_CLASSES = 20


def scores_by_class(study: ReportedStudy) -> list[Block]:
    """A table for each score that was measured class by class: arms by classes, as decided.

    Args:
        study: The study, with its comparison.
    """
    measured = set(study.frames.scores["metric"])
    named = {name: each for name in measured if (each := class_of_metric(name)) is not None}
    blocks: list[Block] = []
    for kind, label in (("fid", "Frechet distance"), ("kid", "KID")):
        classes = sorted(each[1] for each in named.values() if each[0] == kind)
        if classes:
            blocks.append(_table(study, kind, label, classes))
    return blocks


def _table(study: ReportedStudy, kind: str, label: str, classes: list[int]) -> Block:
    means = pd.DataFrame(
        {
            each: primary_values(study.frames, f"{kind}_class{each}").groupby("arm", sort=False)["value"].mean()
            for each in classes
        }
    )
    arms = [arm for arm in study.comparison.arms["arm"] if arm in means.index]
    decimals = decimals_for(float(np.median(means.abs().to_numpy(float))) / 30)
    columns = [Column("Arm", text_cells(arms))]
    for each in classes[:SHOWN_CLASSES]:
        cells = [TextCell(number(float(means.loc[arm, each]), decimals)) for arm in arms]
        columns.append(Column(f"class {each}", cells, numeric=True))
    shown = f" The table shows {SHOWN_CLASSES} of {len(classes)} classes, the file all."
    left_out = shown if len(classes) > SHOWN_CLASSES else ""
    caption = (
        f"{label} of each class: its samples of all noise sets against the reference images of the class, mean over "
        "seeds. Arms draw the same classes, and classes have different numbers of images. These scores are "
        f"exploratory and have no verdicts.{left_out}"
    )
    data = means.loc[arms].reset_index(names="arm").melt(id_vars="arm", var_name="class", value_name=f"mean_{kind}")
    return table_block(f"{kind}_by_class", columns, caption=caption, data=data)
