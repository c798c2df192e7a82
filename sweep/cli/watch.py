"""Watching placed workers: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from sweep.cli.bars import progress
from sweep.cli.console import stderr
from sweep.errors import StoreError
from sweep.store.states import ScoreState
from sweep.worker.interrupt import stop_signals

if TYPE_CHECKING:
    from types import FrameType

    from rich.progress import Progress, TaskID

    from sweep.executors.placement import StartedWorkers
    from sweep.store.snapshots import CellRecord
    from sweep.store.sql.transaction import Store

logger = logging.getLogger(__name__)

REFRESH_SECONDS = 1.0
POLL_SECONDS = 0.2
BROKEN = 1
BUDGET_REACHED = 3
STORE_AWAY = 5
PREEMPTED = 75
CTRL_C = 130
# A worker's exit codes, the gravest first.
_BY_WEIGHT = (STORE_AWAY, BROKEN, CTRL_C, PREEMPTED, BUDGET_REACHED)


def watch(store: Store, study_id: int, workers: StartedWorkers, has_work: Callable[[Store], bool]) -> int:
    """Show progress until every worker has ended; 0, or 75 or 130 when asked to stop.

    Workers that outlive the launcher are left alone when it is asked to stop, and waited for only as long as there is
    work: some of them may wait for a machine.
    """
    from sweep.store import cells

    # The workers wait for a store that is away; what is shown here does not.
    glance = replace(store, patience_seconds=0.0)
    with _passing_signals(workers) as asked, progress() as bars:
        steps = bars.add_task("training steps", total=None)
        scores = bars.add_task("scores", total=None)
        left = True
        while workers.alive and not (workers.detached and (asked or not left)):
            started = time.monotonic()
            with suppress(StoreError):
                _show(cells(glance, study_id), bars, steps, scores)
                left = not workers.detached or has_work(glance)
            # A large study is looked at less often, so that looking never takes more than a tenth of the time.
            again = time.monotonic() + max(REFRESH_SECONDS, 9.0 * (time.monotonic() - started))
            while workers.alive and time.monotonic() < again and not (workers.detached and asked):
                time.sleep(POLL_SECONDS)
        if asked and workers.detached:
            logger.info(workers.monitor_hint)
            return asked[0]
        workers.join()
        with suppress(StoreError):
            _show(cells(glance, study_id), bars, steps, scores)
    return asked[0] if asked else _worst(workers.exit_codes)


def _show(cells: Sequence[CellRecord], bars: Progress, steps: TaskID, scores: TaskID) -> None:
    runs = {cell.run_id: cell for cell in cells if cell.excluded_reason is None}
    wanted = {score.score_id: score.state for cell in runs.values() for score in cell.scores}
    bars.update(steps, completed=sum(r.step for r in runs.values()), total=sum(r.steps for r in runs.values()))
    bars.update(scores, completed=sum(state == ScoreState.COMPLETE for state in wanted.values()), total=len(wanted))


def _worst(codes: list[int]) -> int:
    """What the launcher says for its workers: 5 or 1 when one broke down, 75 when one was preempted, 3, or 0."""
    return next((code for code in _BY_WEIGHT if code in codes), 0) or (1 if any(codes) else 0)


@contextmanager
def _passing_signals(workers: StartedWorkers) -> Iterator[list[int]]:
    """Hand the first request to stop to the workers, which save and leave; a second one ends them at once."""
    asked: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if asked and number == signal.SIGHUP:
            return  # a closed terminal says it several times, and nobody is there who would want it at once
        asked.append(CTRL_C if number == signal.SIGINT else PREEMPTED)
        if len(asked) > 1:
            workers.stop()
        elif not workers.detached:
            workers.drain()
            logger.info("stopping: saving what is under way (again to stop at once)")

    before = {kind: signal.signal(kind, handle) for kind in stop_signals()}
    try:
        yield asked
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
        stderr.file.flush()
