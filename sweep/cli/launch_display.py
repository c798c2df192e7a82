"""What `sweep launch` shows while it prepares and while its workers run."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.progress import Progress, TaskID

from sweep.api.progress import NOTHING_YET, READING_IMAGES, LaunchProgress
from sweep.api.units import time_text
from sweep.cli.bars import progress_bars

logger = logging.getLogger(__name__)

LINE_SECONDS = 30.0


@dataclass
class _Part:
    """A part of the launch, since it was first heard of."""

    task: TaskID
    began_at: float
    done_before: int


class LaunchDisplay:
    """How far a launch is: bars on a terminal.

    Elsewhere a line is written when a part of the preparation begins, and one every 30 s until the launch ends.

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
        self._parts: dict[str, _Part] = {}
        self._progress = NOTHING_YET
        self._began_at = self._written_at = clock()

    def update(self, progress: LaunchProgress) -> None:
        """Show the state of a part. Called several times a second, whether or not there is news.

        Args:
            progress: State of the part that is under way.
        """
        if progress != NOTHING_YET:
            if progress.part not in self._parts:
                self._begin(progress)
            self._bars.update(self._parts[progress.part].task, completed=progress.done, total=progress.total)
        if progress.is_preparation:
            self._progress = progress
        # While workers run, parts are reported in turn: a line is about the first one that is not complete.
        is_news = progress.is_preparation or progress.done < progress.total
        if is_news and self._clock() - self._written_at >= LINE_SECONDS:
            self._line(self._text(progress))

    def _begin(self, progress: LaunchProgress) -> None:
        task = self._bars.add_task(progress.part, total=progress.total)
        # Of work that was done before this launch, nobody knows how long it took.
        before = 0 if progress.is_preparation else progress.done
        self._parts[progress.part] = _Part(task, self._clock(), before)
        if progress.is_preparation:
            self._line(f"{progress.part} ({progress.total:,} {progress.unit})")

    @property
    def state(self) -> str:
        """The part of the preparation that is under way, its share that is done, and the time that is left."""
        return self._text(self._progress)

    def _text(self, progress: LaunchProgress) -> str:
        part, done, total, unit = progress.part, progress.done, progress.total, progress.unit
        if progress == NOTHING_YET:
            return f"{part}: {time_text(self._clock() - self._began_at)} so far"
        begun = self._parts[part]
        seconds, done_since = self._clock() - begun.began_at, done - begun.done_before
        if not 0 < done < total or done_since <= 0:
            return f"{part}: {done:,} of {total:,} {unit}, {time_text(seconds)} so far"
        left = time_text(seconds * (total - done) / done_since)
        return f"{part}: {done / total:.0%} of {total:,} {unit}, about {left} left"

    @property
    def stored_parts(self) -> tuple[str, ...]:
        """The parts of the preparation whose results are stored: each is stored before the next one begins."""
        return tuple(part for part in list(self._parts)[:-1] if part != READING_IMAGES)

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
