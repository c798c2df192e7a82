"""What `sweep launch` shows while it prepares and while its workers run."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import Progress, TaskID

from sweep.api.progress import NOTHING_YET, READING_IMAGES, LaunchProgress
from sweep.api.units import time_text
from sweep.cli.bars import progress_bars

logger = logging.getLogger(__name__)

LINE_SECONDS = 30.0


class LaunchDisplay:
    """How far a launch is: bars on a terminal.

    Elsewhere the preparation writes a line when a part of it begins, and one every 30 s. Workers write their own.

    Args:
        bars: Bars of the terminal. Where they are disabled, lines are written.
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
        self._progress = NOTHING_YET
        self._began_at = self._written_at = clock()

    def update(self, progress: LaunchProgress) -> None:
        """Show the state of a part. Called several times a second, whether or not there is news.

        Args:
            progress: State of the part that is under way.
        """
        if progress.part not in self._tasks and progress != NOTHING_YET:
            self._tasks[progress.part] = self._bars.add_task(progress.part, total=progress.total)
            self._began_at = self._clock()
            if progress.is_preparation:
                self._line(f"{progress.part} ({progress.total:,} {progress.unit})")
        if progress != NOTHING_YET:
            self._bars.update(self._tasks[progress.part], completed=progress.done, total=progress.total)
        if progress.is_preparation:
            self._progress = progress
            if self._clock() - self._written_at >= LINE_SECONDS:
                self._line(self.state)

    @property
    def state(self) -> str:
        """The part of the preparation that is under way, its share that is done, and the time that is left."""
        seconds = self._clock() - self._began_at
        progress = self._progress
        part, done, total, unit = progress.part, progress.done, progress.total, progress.unit
        if self._progress == NOTHING_YET:
            return f"{part}: {time_text(seconds)} so far"
        if not 0 < done < total:
            return f"{part}: {done:,} of {total:,} {unit}, {time_text(seconds)} so far"
        left = time_text(seconds * (total - done) / done)
        return f"{part}: {done / total:.0%} of {total:,} {unit}, about {left} left"

    @property
    def stored_parts(self) -> tuple[str, ...]:
        """The parts of the preparation whose results are stored: each is stored before the next one begins."""
        return tuple(part for part in list(self._tasks)[:-1] if part != READING_IMAGES)

    def _line(self, text: str) -> None:
        self._written_at = self._clock()
        if self._bars.disable:
            self._write(text)


@contextmanager
def launch_display() -> Iterator[LaunchDisplay]:
    """Show a launch on stderr while the context lasts.

    Yields:
        The display, whose `update` shows the progress.
    """
    with progress_bars() as bars:
        yield LaunchDisplay(bars, logger.info)
