"""Tables as values: cells that know how to be shown, in a page and in LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sweep.reporting.render.blocks import Table
from sweep.reporting.render.templates import fragment


@dataclass(frozen=True)
class TextCell:
    """A cell of words or of a formatted number."""

    text: str
    under: str = ""
    """A second, smaller line."""
    flag: str = ""
    """A warning about this row."""
    kind: str = "text"


@dataclass(frozen=True)
class Badge:
    """A verdict."""

    text: str
    under: str = ""
    """Why, in a smaller line."""
    kind: str = "badge"


@dataclass(frozen=True)
class Bar:
    """An interval around zero, drawn in the cell; positions are percent of its width."""

    low: float
    mean: float
    high: float
    zero: float
    text: str
    verdict: str
    kind: str = "bar"


Cell = TextCell | Badge | Bar


@dataclass(frozen=True)
class Column:
    """A column and its cells; `numeric` ones are right-aligned."""

    title: str
    cells: Sequence[Cell]
    numeric: bool = False


def bar_cells(
    low: pd.Series[float], mean: pd.Series[float], high: pd.Series[float], verdicts: Sequence[str]
) -> list[Cell]:
    """Cells that draw intervals on one scale around zero; a row without an interval gets an empty cell.

    Args:
        low: Lower ends, in the units of the score.
        mean: Mean differences.
        high: Upper ends.
        verdicts: Verdict of each row, which decides its colour.
    """
    ends = pd.concat([low, mean, high]).abs()
    reach = float(ends[np.isfinite(ends)].max()) if np.isfinite(ends).any() else 0.0
    cells: list[Cell] = []
    for a, m, b, word in zip(low, mean, high, verdicts, strict=True):
        if not np.isfinite(m) or reach == 0.0:
            cells.append(TextCell(""))
            continue
        start, end = (a, b) if np.isfinite(a) else (m, m)
        left, middle, right = (round(50 + 46 * float(x) / reach, 2) for x in (start, m, end))
        cells.append(Bar(left, middle, right, zero=50.0, text=f"{start:.3g} to {end:.3g}", verdict=word))
    return cells


def table_block(
    name: str, columns: Sequence[Column], *, caption: str, data: pd.DataFrame, marked: Sequence[bool] = ()
) -> Table:
    """A table whose first column names its rows.

    Args:
        name: Name of the table and of its files.
        columns: The columns with their cells.
        caption: Text above the table.
        data: Tidy values behind the cells, for tables/NAME.csv.
        marked: For each row, whether it is highlighted as the baseline.
    """
    rows = [list(cells) for cells in zip(*(column.cells for column in columns), strict=True)]
    html = fragment(
        "table.html.j2",
        name=name,
        caption=caption,
        columns=columns,
        rows=list(zip(rows, marked or [False] * len(rows), strict=True)),
    )
    tex = pd.DataFrame({c.title: [_printed(cell, c) for cell in c.cells] for c in columns if not _drawn(c)})
    return Table(name=name, html=html, data=data, tex=tex, caption=caption)


def text_cells(values: Sequence[object]) -> list[Cell]:
    """Cells of plain text.

    Args:
        values: A value for each row.
    """
    return [TextCell(str(value)) for value in values]


def _printed(cell: Cell, column: Column) -> str:
    """A number with its interval; of other cells the first line."""
    under = cell.under if isinstance(cell, TextCell) and column.numeric else ""
    return f"{cell.text} ({under})" if under else cell.text


def _drawn(column: Column) -> bool:
    return any(isinstance(cell, Bar) for cell in column.cells)
