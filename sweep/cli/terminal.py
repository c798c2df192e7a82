"""Printing: data on stdout, progress and errors on stderr, colours only on a terminal.

Whatever is printed may come from a file or a database of somebody else: no character that a terminal would obey gets
through.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from sweep.errors import SweepError
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
        """The same, whatever the text was made by; segments of control are rich's own."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


stdout = SafeConsole(
    highlight=False, soft_wrap=_piped, width=PIPE_WIDTH if _piped and "COLUMNS" not in os.environ else None
)
stderr = SafeConsole(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def print_error(error: SweepError) -> None:
    """What, why, and the command to type next."""
    stderr.print(f"[bold red]error:[/] {escape(error.what)}")
    if error.why:
        stderr.print(f"  why: {escape(error.why)}")
    if error.next:
        stderr.print(f" next: {escape(error.next)}")


def say(text: str) -> None:
    """One line of progress."""
    stderr.print(escape(text))


def echo(value: object) -> None:
    """One line of data on stdout, as it is however long."""
    stdout.print(escape(str(value)), soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    json.dump(value, sys.stdout, indent=2, default=str, allow_nan=False)
    sys.stdout.write("\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A plain table; numbers to the right."""
    drawn = Table(title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False)
    filled = [list(row) for row in rows]
    for index, column in enumerate(columns):
        numeric = bool(filled) and all(isinstance(row[index], int | float) for row in filled)
        drawn.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in filled:
        drawn.add_row(*(escape(shown(value)) for value in row))
    return drawn


def shown(value: object) -> str:
    """A cell of a table."""
    if value is None:
        return "-"
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def duration(seconds: float) -> str:
    """`2 h 05 min`, `3 min 20 s`, `12 s`."""
    whole = timedelta(seconds=round(seconds))
    hours, rest = divmod(whole.days * 86_400 + whole.seconds, 3_600)
    minutes, seconds_left = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {seconds_left:02d} s" if minutes else f"{seconds_left} s"


def size(count: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000.0:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000.0
    return f"{count:.1f} TB"
