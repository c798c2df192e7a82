"""`sweep pause`, `resume`, `stop`, `cancel`: whether a study's work is handed out. The words mean what W&B's mean."""

from __future__ import annotations

import logging

import sweep
from sweep.api.locations import DEFAULT_STORAGE, store_options
from sweep.cli.options import Storage, StudyName
from sweep.commands import command

logger = logging.getLogger(__name__)


def pause_command(study: StudyName, storage: Storage = DEFAULT_STORAGE) -> None:
    """Pause a study: its workers save their runs and wait.

    They do so at their next heartbeat, within about 20 seconds, on every machine.

    Example: sweep pause digits
    """
    sweep.control.pause(study, storage=storage)
    logger.info(f"{study} is paused: workers save and wait within a heartbeat; next: {_resume(study, storage)}")


def resume_command(study: StudyName, storage: Storage = DEFAULT_STORAGE) -> None:
    """Resume a study that was paused, stopped or cancelled.

    Also after failures stopped it and their cause is repaired. Waiting workers continue; where none is left, launch.

    Example: sweep resume digits
    """
    sweep.control.resume(study, storage=storage)
    logger.info(
        f"{study} is active: work is handed out; next: sweep launch FILE, or "
        f"{command('status', study, *store_options(storage))}"
    )


def stop_command(study: StudyName, storage: Storage = DEFAULT_STORAGE) -> None:
    """Stop a study: running work finishes, and no new work starts.

    Example: sweep stop digits
    """
    sweep.control.stop(study, storage=storage)
    logger.info(f"{study} is stopped: what is under way finishes; next: {_resume(study, storage)} to go on")


def cancel_command(study: StudyName, storage: Storage = DEFAULT_STORAGE) -> None:
    """Cancel a study: running work ends, and nothing more is planned.

    Completed runs stay, and runs that another study needs continue. `sweep resume` takes the study up again.

    Example: sweep cancel digits
    """
    sweep.control.cancel(study, storage=storage)
    logger.info(
        f"{study} is cancelled: workers leave within a heartbeat; {_resume(study, storage)} and "
        "sweep launch FILE take it up again"
    )


def _resume(study: str, storage: str) -> str:
    return command("resume", study, *store_options(storage))
