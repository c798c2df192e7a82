"""Bars of progress on stderr. Apart from `terminal`: most commands draw none, and what draws them is slow to import."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from sweep.cli.terminal import say, stderr


@contextmanager
def counting() -> Iterator[Callable[[object], None]]:
    """Shows the counts among a trial process's messages: a bar on a terminal, one line each elsewhere."""
    from sweep.worker.messages import Counted

    with progress() as bars:
        tasks: dict[str, TaskID] = {}

        def hear(message: object) -> None:
            if not isinstance(message, Counted):
                return
            if message.what not in tasks:
                tasks[message.what] = bars.add_task(message.what, total=message.total)
                if bars.disable:
                    say(f"{message.what} ({message.total:,} images)")
            bars.update(tasks[message.what], completed=message.done)

        yield hear


def progress() -> Progress:
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
