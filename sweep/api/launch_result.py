"""How a launch ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sweep.errors import ExitCode
from sweep.store.status_records import StatusRecord


class LaunchOutcome(StrEnum):
    """How a launch ended; `LaunchResult.exit_code` is the exit code of `sweep launch` for it."""

    COMPLETE = "complete"
    UNFINISHED = "unfinished"
    """The workers ended well and work is left, for example because the study is paused."""
    CELLS_FAILED = "cells_failed"
    """The study is complete, and some cells have no number because of a failure."""
    WORKERS_FAILED = "workers_failed"
    BUDGET_SPENT = "budget_spent"
    STORE_UNAVAILABLE = "store_unavailable"
    PREEMPTED = "preempted"
    INTERRUPTED = "interrupted"
    DETACHED = "detached"
    """The workers were submitted, and go on without the launcher."""


_EXIT_CODES: dict[LaunchOutcome, int] = {
    LaunchOutcome.COMPLETE: ExitCode.OK,
    LaunchOutcome.UNFINISHED: ExitCode.FAILED,
    LaunchOutcome.CELLS_FAILED: ExitCode.CELLS_FAILED,
    LaunchOutcome.WORKERS_FAILED: ExitCode.FAILED,
    LaunchOutcome.BUDGET_SPENT: ExitCode.BUDGET_SPENT,
    LaunchOutcome.STORE_UNAVAILABLE: ExitCode.STORE,
    LaunchOutcome.PREEMPTED: ExitCode.PREEMPTED,
    LaunchOutcome.INTERRUPTED: ExitCode.INTERRUPTED,
    LaunchOutcome.DETACHED: ExitCode.OK,
}
_STOPPED = (ExitCode.BUDGET_SPENT, ExitCode.STORE, ExitCode.PREEMPTED, ExitCode.INTERRUPTED)
_OUTCOMES: dict[int, LaunchOutcome] = {
    _EXIT_CODES[outcome]: outcome for outcome in LaunchOutcome if _EXIT_CODES[outcome] in _STOPPED
}


@dataclass(frozen=True, kw_only=True)
class LaunchResult:
    """What a launch came to.

    Attributes:
        study: Name of the study.
        outcome: How it ended.
        status: The study after its workers ended well; None where they did not, or were not waited for.
        monitor_hint: How to follow workers that go on without the launcher; empty where there are none.
        is_prepared: Whether data, extractor and reference were ready. False only when a request to stop came before.
    """

    study: str
    outcome: LaunchOutcome
    status: StatusRecord | None = None
    monitor_hint: str = ""
    is_prepared: bool = True

    @property
    def exit_code(self) -> int:
        """Exit code of `sweep launch` for this outcome."""
        return _EXIT_CODES[self.outcome]

    def __str__(self) -> str:
        ended = f"launch of {self.study}: {self.outcome.replace('_', ' ')}"
        return "\n".join(str(line) for line in (ended, self.status, self.monitor_hint) if line)

    __repr__ = __str__


def stopped_outcome(exit_code: int) -> LaunchOutcome:
    """The outcome of a launch whose workers did not end well.

    Args:
        exit_code: Exit code of the workers, or of the request to stop; not 0.

    Returns:
        The outcome.
    """
    return _OUTCOMES.get(exit_code, LaunchOutcome.WORKERS_FAILED)


def finished_result(status: StatusRecord) -> LaunchResult:
    """The result of a launch whose workers ended well.

    Args:
        status: The study after that.

    Returns:
        Complete, unfinished, or complete with failed cells.
    """
    outcome = LaunchOutcome.CELLS_FAILED if status.failed else LaunchOutcome.COMPLETE
    if status.has_work:
        outcome = LaunchOutcome.UNFINISHED
    return LaunchResult(study=status.study.name, outcome=outcome, status=status)
