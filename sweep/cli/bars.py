"""Bars of progress on stderr. Apart from `terminal`: most commands draw none, and what draws them is slow to import."""

from __future__ import annotations

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from sweep.cli.console import stderr


def progress_bars() -> Progress:
    """A bar with the time left, on stderr; silent where stderr is no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("left"),
        console=stderr,
        disable=not stderr.is_terminal,
    )
