"""Tables as values: cells that know how to be shown, in a page and in LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


Cell = TextCell | Badge


@dataclass(frozen=True)
class Column:
    """A column and its cells; `numeric` ones are right-aligned."""

    title: str
    cells: Sequence[Cell]
    numeric: bool = False


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
    tex = pd.DataFrame({c.title: [_printed(cell, c) for cell in c.cells] for c in columns})
    return Table(name=name, html=html, data=data, tex=tex, caption=caption)


def text_cells(values: Sequence[object]) -> list[Cell]:
    """Cells of plain text.

    Args:
        values: A value for each row.
    """
    return [TextCell(str(value)) for value in values]


def _printed(cell: Cell, column: Column) -> str:
    """A number and below it its interval; of other cells the first line."""
    under = cell.under if isinstance(cell, TextCell) and column.numeric else ""
    return f"{cell.text}\n({under})" if under else cell.text
