"""`sweep pause`, `resume`, `stop`, `cancel`: whether a study's work is handed out. The words mean what W&B's mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweep.cli.options import DEFAULT_STORAGE, Storage, StudyName, place_options
from sweep.commands import command

if TYPE_CHECKING:
    from sweep.store.records import StudyState


def pause(study: StudyName, storage: Storage = DEFAULT_STORAGE) -> None:
    """Hand out no work for now. Workers save what they hold, give it back and wait.

    Example: sweep pause digits
    """
    _set(
        study,
        storage,
        "paused",
        f"workers save and wait within a heartbeat; next: {command('resume', study, *place_options(storage))}",
    )


def resume(study: StudyName, storage: Storage = DEFAULT_STORAGE) -> None:
    """Hand out work again.

    After a pause, a stop, or a stop by failures that are mended now.

    Example: sweep resume digits
    """
    _set(
        study,
        storage,
        "active",
        f"work is handed out; next: sweep launch FILE, or {command('status', study, *place_options(storage))}",
    )


def stop(study: StudyName, storage: Storage = DEFAULT_STORAGE) -> None:
    """Hand out no new work, and let what is under way finish.

    Example: sweep stop digits
    """
    _set(
        study,
        storage,
        "stopped",
        f"what is under way finishes; next: {command('resume', study, *place_options(storage))} to go on",
    )


def cancel(study: StudyName, storage: Storage = DEFAULT_STORAGE) -> None:
    """End what is under way and plan nothing more. What is complete stays; what another study wants goes on.

    Example: sweep cancel digits
    """
    _set(
        study,
        storage,
        "cancelled",
        f"workers leave within a heartbeat; {command('resume', study, *place_options(storage))} and "
        "sweep launch FILE take it up again",
    )


def _set(name: str, storage: str, state: StudyState, then: str) -> None:
    from sweep.cli.terminal import say
    from sweep.config.names import require_name
    from sweep.store import open_existing, set_study_state
    from sweep.store import study as find

    store = open_existing(storage)
    set_study_state(store, find(store, require_name(name)).id, state)
    say(f"{name} is {state}: {then}")
