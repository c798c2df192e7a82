"""The table to paste into a paper."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sweep.reporting.formatting import NOTHING, interval, join_words, number, percent, rounded_duration
from sweep.reporting.render.blocks import Block
from sweep.reporting.render.tables import Badge, Column, TextCell, table_block
from sweep.reporting.sections.answer import Row, interval_scope, items_note
from sweep.reporting.sections.ledger import shared
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.text.replicates import replicate_words
from sweep.store.states import CellStatus


def ablation(study: ReportedStudy) -> list[Block]:
    """The table to paste into a paper: baseline first, one change a row.

    Args:
        study: The study, with its comparison.
    """
    comparison, decimals, words = study.comparison, study.decimals, replicate_words(study.frames)
    arms = comparison.arms.merge(_costs(study), on="arm_id", how="left")
    rows = arms.to_dict("records")
    columns = [
        Column(
            "Arm",
            [
                TextCell(row["arm"], _changes_text(row), _flag(study.frames.boundaries.get(row["arm"], {})))
                for row in rows
            ],
        ),
        Column("Verdict", [Badge(row["verdict"], row["why"]) for row in rows]),
        Column("Mean ± SD", [TextCell(mean_and_sd(row, decimals)) for row in rows], numeric=True),
        Column(
            "Difference",
            [TextCell(*difference_cell(row, decimals, comparison.baseline_mean)) for row in rows],
            numeric=True,
        ),
        Column(f"{words.unit.capitalize()}s", [TextCell(f"{row['n']}" + _of(row)) for row in rows], numeric=True),
    ]
    if not words.is_given:
        parameters = [TextCell(number(row["parameters"], 0)) for row in rows]
        columns.append(Column("Parameters", parameters, numeric=True))
    timed = not words.is_given and not shared(study.frames.attempts)
    if timed:
        times = [TextCell(rounded_duration(row["train_seconds"])) for row in rows]
        columns.append(Column("Training", times, numeric=True))
    caption = (
        f"{comparison.label} ({study.direction}). Means and standard deviations are over {words.spread}. Differences "
        f"from the baseline are over {words.many}, with 95 % intervals{interval_scope(comparison)}.{items_note(study)}"
        f"{' The training time is the median of one run.' if timed else ''}"
    )
    data = arms.drop(columns="arm_id")
    return [table_block("ablation", columns, caption=caption, data=data, marked=list(arms["is_baseline"]))]


def _changes_text(row: Row) -> str:
    """The changes, where the arm's name does not already say them."""
    said, named = str(row["says"]).replace(" ", ""), str(row["arm"]).replace(" ", "")
    return "" if set(said.split(",")) == set(named.split("+")) else str(row["says"])


def _flag(ends: Mapping[str, str]) -> str:
    """Which tuned values lie at an end of what was tried."""
    return join_words([f"{factor} is at the {end} end of its range" for factor, end in ends.items()]) if ends else ""


def mean_and_sd(row: Row, decimals: int) -> str:
    """Mean and standard deviation over seeds, as text.

    Args:
        row: A row of `Comparison.arms`.
        decimals: Decimals that carry information.
    """
    mean, sd = float(row["mean"]), float(row["sd"])
    return number(mean, decimals) + (f" ± {number(sd, decimals)}" if np.isfinite(sd) else "")


def difference_cell(row: Row, decimals: int, base: float) -> tuple[str, str]:
    """A difference in units and in percent of the baseline's mean, and its interval in both.

    Args:
        row: A row of `Comparison.arms`.
        decimals: Decimals that carry information.
        base: The baseline's mean.
    """
    difference, low, high = (float(row[key]) for key in ("difference", "low", "high"))
    if not np.isfinite(difference):
        return ("" if row["is_baseline"] else NOTHING), ""
    share = f" ({percent(difference / base, signed=True)})" if base else ""
    between = interval(low, high, decimals, unknown="no interval")
    if base and np.isfinite(low):
        between += f" ({percent(low / base, signed=True)} to {percent(high / base, signed=True)})"
    return f"{number(difference, decimals, signed=True)}{share}", between


def _of(row: Row) -> str:
    return "" if row["planned"] == row["n"] else f" of {number(float(row['planned']), 0)}"


def _costs(study: ReportedStudy) -> pd.DataFrame:
    """arm_id, planned (cells), parameters, train_seconds (median of the finished)."""
    cells = study.frames.cells[study.frames.cells["phase"] == study.frames.phase]
    done = cells[cells["status"] == CellStatus.DONE].groupby("arm_id")
    return pd.DataFrame(
        {
            "planned": cells.groupby("arm_id").size(),
            "parameters": done["parameters"].max().astype(float),
            "train_seconds": done["train_seconds"].median(),
        }
    ).reset_index(names="arm_id")
