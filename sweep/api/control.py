"""Control of a study in the database: pause, resume, stop or cancel it, exclude a run, plan failed runs again.

Workers on every machine follow within a heartbeat, about 20 seconds.

    from sweep import control

    control.pause("digits")
    control.resume("digits")
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from sweep.api.stored_study import stored_study
from sweep.api.trials import cells_of_run
from sweep.errors import UnknownName
from sweep.store.states import FailureClass, StudyState
from sweep.store.studies import control as stored_control

if TYPE_CHECKING:
    from sweep.store.cell_records import CellRecord

__all__ = ["RERUN", "cancel", "exclude", "pause", "rerun", "resume", "stop"]

RERUN: tuple[FailureClass, ...] = (
    FailureClass.INFRA,
    FailureClass.OOM,
    FailureClass.CRASH_LOOP,
    FailureClass.BUG,
    FailureClass.DISK_FULL,
    FailureClass.WEIGHTS,
    FailureClass.CANCELLED,
)
"""Classes of failures that can be planned again. Diverged runs are not among them: they would diverge again."""


def pause(name: str, *, storage: str | None = None) -> None:
    """Pause a study: its workers save their runs and wait.

    Args:
        name: Name of the study.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.

    Raises:
        UsageError: There is no such study.
        StoreError: There is no database, or it cannot be changed.
    """
    _set_state(name, StudyState.PAUSED, storage)


def resume(name: str, *, storage: str | None = None) -> None:
    """Resume a study that was paused, stopped or cancelled, or that failures stopped. Waiting workers continue.

    Args:
        name: Name of the study.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.

    Raises:
        UsageError: There is no such study.
        StoreError: There is no database, or it cannot be changed.
    """
    _set_state(name, StudyState.ACTIVE, storage)


def stop(name: str, *, storage: str | None = None) -> None:
    """Stop a study: running work finishes, and no new work starts.

    Args:
        name: Name of the study.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.

    Raises:
        UsageError: There is no such study.
        StoreError: There is no database, or it cannot be changed.
    """
    _set_state(name, StudyState.STOPPED, storage)


def cancel(name: str, *, storage: str | None = None) -> None:
    """Cancel a study: running work ends, and nothing more is planned. Completed runs stay.

    Runs that another study needs continue. `resume` takes the study up again.

    Args:
        name: Name of the study.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.

    Raises:
        UsageError: There is no such study.
        StoreError: There is no database, or it cannot be changed.
    """
    _set_state(name, StudyState.CANCELLED, storage)


def _set_state(name: str, state: StudyState, storage: str | None) -> None:
    with stored_study(name, storage, change=True) as (store, record):
        stored_control.set_study_state(store, record.id, state)


def exclude(name: str, run: int, *, reason: str, storage: str | None = None) -> list[CellRecord]:
    """Leave a run out of every comparison of a study. Its numbers stay in the database.

    Args:
        name: Name of the study.
        run: Number of the run, the column `run_id` of `sweep.frames(name).cells`.
        reason: Why the run is left out; the report shows it.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.

    Returns:
        The cells that are excluded now, one for each arm that this run is part of.

    Raises:
        UsageError: There is no such study or run, or the reason is empty.
        StoreError: There is no database, or it cannot be changed.

    Example:
        control.exclude("digits", 3, reason="trained while the GPU throttled")
    """
    with stored_study(name, storage, change=True) as (store, record):
        cells = cells_of_run(store, record, run, storage)
        for cell in cells:
            stored_control.exclude(store, cell.cell_id, reason)
    return cells


def rerun(name: str, failures: Collection[str], *, storage: str | None = None) -> int:
    """Plan failed trainings and scores of a study again. They continue from their last checkpoints.

    Args:
        name: Name of the study.
        failures: Classes of failures to plan again, of `RERUN`.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.

    Returns:
        How many trainings and scores are planned again. The next launch, or a running worker, does them.

    Raises:
        UsageError: There is no such study, or a class that is not in `RERUN`.
        StoreError: There is no database, or it cannot be changed.

    Example:
        control.rerun("digits", ["oom", "infra"])
    """
    classes = _rerun_classes(failures)
    with stored_study(name, storage, change=True) as (store, record):
        return stored_control.rerun(store, record.id, classes)


def _rerun_classes(names: Collection[str]) -> list[FailureClass]:
    for name in names:
        if name not in RERUN:
            raise UnknownName("class of failure", name, RERUN, next=f"Name some of {','.join(RERUN)}.")
    return [failure for failure in RERUN if failure in names]
