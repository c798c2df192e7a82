"""`sweep pause`, `resume`, `stop`, `cancel`: whether a study's work is handed out. The words mean what W&B's mean."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sweep.cli.options import DEFAULT_STORAGE, Storage, StudyName, store_options
from sweep.commands import command

if TYPE_CHECKING:
    from sweep.store.records import StudyState


logger = logging.getLogger(__name__)


def pause(study: StudyName, storage: Storage = DEFAULT_STORAGE) -> None:
    """Pause a study: its workers save their runs and wait.

    They do so at their next heartbeat, within about 20 seconds, on every machine.

    Example: sweep pause digits
    """
    _set(
        study,
        storage,
        "paused",
        f"workers save and wait within a heartbeat; next: {command('resume', study, *store_options(storage))}",
    )


def resume(study: StudyName, storage: Storage = DEFAULT_STORAGE) -> None:
    """Resume a study that was paused, stopped or cancelled.

    Also after failures stopped it and their cause is repaired. Waiting workers continue; where none is left, launch.

    Example: sweep resume digits
    """
    _set(
        study,
        storage,
        "active",
        f"work is handed out; next: sweep launch FILE, or {command('status', study, *store_options(storage))}",
    )


def stop(study: StudyName, storage: Storage = DEFAULT_STORAGE) -> None:
    """Stop a study: running work finishes, and no new work starts.

    Example: sweep stop digits
    """
    _set(
        study,
        storage,
        "stopped",
        f"what is under way finishes; next: {command('resume', study, *store_options(storage))} to go on",
    )


def cancel(study: StudyName, storage: Storage = DEFAULT_STORAGE) -> None:
    """Cancel a study: running work ends, and nothing more is planned.

    Completed runs stay, and runs that another study needs continue. `sweep resume` takes the study up again.

    Example: sweep cancel digits
    """
    _set(
        study,
        storage,
        "cancelled",
        f"workers leave within a heartbeat; {command('resume', study, *store_options(storage))} and "
        "sweep launch FILE take it up again",
    )


def _set(name: str, storage: str, state: StudyState, then: str) -> None:
    from sweep.config.names import require_name
    from sweep.store import open_existing, set_study_state
    from sweep.store import study as find

    store = open_existing(storage)
    set_study_state(store, find(store, require_name(name)).id, state)
    logger.info(f"{name} is {state}: {then}")
