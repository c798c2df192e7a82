"""Sections of a study that scores what exists."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sweep.reporting.formatting import decimals_for, number
from sweep.reporting.render.blocks import Block, note
from sweep.reporting.render.tables import Column, TextCell, table_block, text_cells
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.text.given import NOT_KNOWN, given_items


def items(study: ReportedStudy) -> list[Block]:
    """One row an item: what it is, and its score with the standard error over its images.

    Args:
        study: The study, with its comparison.
    """
    scores = study.frames.scores
    primary = scores[scores["is_primary"] & (scores["metric"] == study.comparison.metric)]
    known = {
        (str(row["arm"]), int(row["replicate"])): (float(row["value"]), float(row["standard_error"]))
        for row in primary.drop_duplicates("cell_id").to_dict("records")
    }
    rows = [
        (arm, item, *known.get((arm, replicate), (np.nan, np.nan)))
        for arm, each in given_items(study.frames).items()
        for replicate, item in enumerate(each)
    ]
    data = pd.DataFrame(
        [(arm, item.path, item.sha256, value, error) for arm, item, value, error in rows],
        columns=["arm", "item", "sha256", "score", "standard_error"],
    )
    errors = data["standard_error"].dropna()
    decimals = decimals_for(float(errors.median())) if len(errors) else study.decimals
    columns = [
        Column("Arm", text_cells(list(data["arm"]))),
        Column("Item", [TextCell(item.path, f"sha256 {str(item.sha256)[:16]}") for _, item, _, _ in rows]),
        Column(study.score, [TextCell(number(value, decimals)) for _, _, value, _ in rows], numeric=True),
        Column("Standard error", [TextCell(number(error, decimals)) for *_, error in rows], numeric=True),
    ]
    caption = (
        f"What was scored. The standard error of {study.score} is over the images of the item: the larger of the "
        "jackknife within its parts and the spread between them."
    )
    return [table_block("items", columns, caption=caption, data=data)]


def given_certainty(study: ReportedStudy) -> list[Block]:
    """What the spread between items says, and what nothing here says.

    Args:
        study: The study, with its comparison.
    """
    arms = study.comparison.arms
    several = arms[arms["n"] > 1]
    spread = (
        f"The standard deviation of {study.score} between the items of an arm is "
        f"{_range(several['sd'], study.decimals)}. Verdicts are about this spread."
        if len(several)
        else "No arm has two items, so nothing here tells how much another item would differ."
    )
    return [note(f"{spread} {NOT_KNOWN}")]


def _range(values: pd.Series[float], decimals: int) -> str:
    low, high = float(values.min()), float(values.max())
    return number(low, decimals) if low == high else f"{number(low, decimals)} to {number(high, decimals)}"
