"""The consoles of rich on stdout and stderr. Apart from `terminal`: rich is slow to import, and `--help` needs none."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from sweep.printable import printable

# In a pipe a row is a line, whatever its length: for grep and cut.
PIPE_WIDTH = 10_000
_piped = not sys.stdout.isatty()


class SafeConsole(Console):
    """A console that prints no control character but its own."""

    def render_str(self, text: str, **options: Any) -> Text:
        """The same of a text that was made printable, so that its width is that of what is shown."""
        return super().render_str(printable(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The same, whatever the text was made by; segments of control are rich's own.

        Args:
            renderable: What is printed: a text, a table, a group of them.
            options: Width and encoding of the console; None for those of this one.

        Returns:
            Pieces of text with their styles.
        """
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


stdout = SafeConsole(
    highlight=False, soft_wrap=_piped, width=PIPE_WIDTH if _piped and "COLUMNS" not in os.environ else None
)
stderr = SafeConsole(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def plain_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A plain table, with columns of numbers aligned to the right.

    Args:
        title: Text above the table; empty for none.
        columns: Headings of the columns.
        rows: A value for each column; None is shown as a dash.

    Returns:
        The table, for a console to print.
    """
    drawn = Table(title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False)
    values = [list(row) for row in rows]
    for index, column in enumerate(columns):
        numeric = bool(values) and all(isinstance(row[index], int | float) for row in values)
        drawn.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in values:
        drawn.add_row(*(escape(_cell_text(value)) for value in row))
    return drawn


def _cell_text(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
