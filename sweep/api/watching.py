"""Waiting for the workers of a launch, with progress, and passing requests to stop on to them."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from types import FrameType

from sweep.api.progress import LaunchProgress, OnProgress
from sweep.api.signals import takes_signals
from sweep.errors import ExitCode, StoreError
from sweep.executors.placement import StartedWorkers
from sweep.store.cell_records import CellRecord
from sweep.store.queries.views import cells
from sweep.store.sql.transaction import Store
from sweep.store.states import ScoreState
from sweep.worker.interrupt import stop_signals

logger = logging.getLogger(__name__)

REFRESH_SECONDS = 1.0
POLL_SECONDS = 0.2
# Exit codes of workers, the gravest first.
_BY_WEIGHT = (ExitCode.STORE, ExitCode.FAILED, ExitCode.INTERRUPTED, ExitCode.PREEMPTED, ExitCode.BUDGET_SPENT)


@dataclass(frozen=True)
class Watched:
    """How the watching of workers ended.

    Attributes:
        exit_code: 0 when all workers ended well, the gravest exit code of a worker, or 75 or 130 after a request to
            stop.
        is_left: Whether workers go on without being watched.
    """

    exit_code: int
    is_left: bool


def watch(
    store: Store,
    study_id: int,
    workers: StartedWorkers,
    *,
    has_work: Callable[[Store], bool],
    on_progress: OnProgress,
) -> Watched:
    """Report progress until every worker has ended.

    Detached workers are left alone after a request to stop. They are waited for only as long as there is work: some of
    them may wait for a machine.

    Args:
        store: The database.
        study_id: The study that they work on.
        workers: The workers, started.
        has_work: Whether the study has work left.
        on_progress: Called with the training steps and the scores that are done, about once a second.

    Returns:
        How it ended.
    """
    # The workers wait for a database that is away; what is reported does not.
    impatient = replace(store, patience_seconds=0.0)
    with _passed_signals(workers) as requests:
        is_wanted = True
        while workers.alive and not (workers.detached and (requests or not is_wanted)):
            started = time.monotonic()
            with suppress(StoreError):
                _report(cells(impatient, study_id), on_progress)
                is_wanted = not workers.detached or has_work(impatient)
            # A large study is read less often, so that reading never takes more than a tenth of the time.
            next_read = time.monotonic() + max(REFRESH_SECONDS, 9.0 * (time.monotonic() - started))
            while workers.alive and time.monotonic() < next_read and not (workers.detached and requests):
                time.sleep(POLL_SECONDS)
        if requests and workers.detached:
            return Watched(requests[0], is_left=True)
        workers.join()
        with suppress(StoreError):
            _report(cells(impatient, study_id), on_progress)
    return Watched(requests[0] if requests else gravest(workers.exit_codes), is_left=False)


def gravest(codes: Sequence[int]) -> int:
    """The exit code that speaks for all workers: 5 or 1 when one broke down, then 130, 75, 3, and 0.

    Args:
        codes: Exit codes of the workers.

    Returns:
        The gravest of them; 1 for a code that no worker should have.
    """
    return next((code for code in _BY_WEIGHT if code in codes), 0) or (ExitCode.FAILED if any(codes) else 0)


def _report(cells: Sequence[CellRecord], on_progress: OnProgress) -> None:
    runs = {cell.run_id: cell for cell in cells if cell.excluded_reason is None}
    scores = {score.score_id: score.state for cell in runs.values() for score in cell.scores}
    steps, all_steps = sum(run.step for run in runs.values()), sum(run.steps for run in runs.values())
    complete = sum(state == ScoreState.COMPLETE for state in scores.values())
    on_progress(LaunchProgress("training steps", steps, all_steps, "steps", is_preparation=False))
    on_progress(LaunchProgress("scores", complete, len(scores), "scores", is_preparation=False))


@contextmanager
def _passed_signals(workers: StartedWorkers) -> Iterator[list[int]]:
    """Pass the first request to stop to the workers, which save and leave; a second one ends them at once.

    Yields:
        An exit code for each request so far.
    """
    requests: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if requests and number == signal.SIGHUP:
            return  # a closed terminal sends it several times, and nobody is there who would want it at once
        requests.append(ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.PREEMPTED)
        if len(requests) > 1:
            workers.stop()
        elif not workers.detached:
            workers.drain()
            logger.info("stopping: saving what is under way (again to stop at once)")

    kinds = stop_signals() if takes_signals() else ()
    handlers = {kind: signal.signal(kind, handle) for kind in kinds}
    try:
        yield requests
    finally:
        for kind, handler in handlers.items():
            signal.signal(kind, handler)
