"""What `sweep launch` shows while the data, the extractor and the reference are made ready, and how that is stopped."""

from __future__ import annotations

import logging
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.progress import Progress, TaskID

from sweep.cli.bars import progress
from sweep.cli.terminal import duration
from sweep.errors import Preempted
from sweep.redaction import clean
from sweep.worker.interrupt import Interrupt
from sweep.worker.messages import READING_IMAGES, Counted, Message

logger = logging.getLogger(__name__)

LINE_SECONDS = 30.0


class PreparationProgress:
    """How far preparation is: bars on a terminal; elsewhere a line for each part of the work, and one every 30 s.

    Args:
        bars: Bars of the terminal; where they are disabled, lines are written.
        write: Writes a line.
        clock: Seconds from any fixed moment.
    """

    def __init__(
        self, bars: Progress, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bars = bars
        self._write = write
        self._clock = clock
        self._tasks: dict[str, TaskID] = {}
        self._count: Counted | None = None
        self._began_at = self._written_at = clock()

    def on_message(self, message: Message) -> None:
        """Show a count of the trial process; other messages are passed over."""
        if not isinstance(message, Counted):
            return
        if message.what not in self._tasks:
            self._began_at = self._clock()
            self._tasks[message.what] = self._bars.add_task(message.what, total=message.total)
            self._line(f"{message.what} ({message.total:,} {message.unit})")
        self._count = message
        self._bars.update(self._tasks[message.what], completed=message.done)

    def on_poll(self) -> None:
        """Write a line when none was written for 30 s, whether or not there is news. Call it several times a second."""
        if self._clock() - self._written_at >= LINE_SECONDS:
            self._line(self.state)

    @property
    def state(self) -> str:
        """The part of the work that is under way, its share that is done, and the time that is left."""
        seconds = self._clock() - self._began_at
        count = self._count
        if count is None:
            return f"preparing: {duration(seconds)} so far"
        if not 0 < count.done < count.total:
            return f"{count.what}: {count.done:,} of {count.total:,} {count.unit}, {duration(seconds)} so far"
        left = duration(seconds * (count.total - count.done) / count.done)
        return f"{count.what}: {count.done / count.total:.0%} of {count.total:,} {count.unit}, about {left} left"

    @property
    def kept(self) -> tuple[str, ...]:
        """The parts of the work whose results are stored: each is stored before the next one begins."""
        return tuple(what for what in list(self._tasks)[:-1] if what != READING_IMAGES)

    def _line(self, text: str) -> None:
        self._written_at = self._clock()
        if self._bars.disable:
            self._write(text)


@contextmanager
def preparing() -> Iterator[tuple[Callable[[Message], None], Callable[[], bool]]]:
    """Show the progress of a trial process that prepares, and end it on a request to stop.

    Yields:
        What `Child.run` calls with every message, and what it calls several times a second.

    Raises:
        typer.Exit: Ctrl-C (130) or another signal to stop (75) came. What was kept and the next command are written.
    """
    with Interrupt() as interrupt, progress() as bars:
        shown = PreparationProgress(bars, logger.info)

        def on_poll() -> bool:
            if interrupt.stop_requested:
                raise Preempted("stopped while preparing")  # nothing is saved half-way, so the process is ended
            shown.on_poll()
            return False

        try:
            yield shown.on_message, on_poll
        except Preempted:
            bars.stop()
            logger.info(f"stopped while preparing; not finished, and begun again next time: {shown.state}")
            logger.info(f"kept: {', '.join(shown.kept) or 'nothing, as no part was finished'}")
            logger.info(f"next: {typed_command()}")
            raise typer.Exit(interrupt.exit_code) from None


def typed_command() -> str:
    """The command that was typed, ready to be pasted; without passwords."""
    return clean(shlex.join(["sweep", *sys.argv[1:]]))
