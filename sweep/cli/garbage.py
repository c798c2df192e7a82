"""`sweep gc`: what may be deleted."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from sweep import api
from sweep.api.locations import DEFAULT_FILES, DEFAULT_STORAGE
from sweep.api.units import bytes_text
from sweep.cli.options import Files, Storage
from sweep.cli.terminal import echo
from sweep.errors import UsageError
from sweep.quantities import quantity

if TYPE_CHECKING:
    from sweep.api.garbage import StoredFile, Survey

from sweep.errors import ExitCode

logger = logging.getLogger(__name__)


def gc_command(
    storage: Storage = DEFAULT_STORAGE,
    files: Files = DEFAULT_FILES,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the files instead of listing them.")] = False,
    foreign: Annotated[
        bool, typer.Option("--foreign", help="List the files that this database does not know. They are never deleted.")
    ] = False,
) -> None:
    """List or delete the files that no study needs.

    These are superseded checkpoints, and files of attempts whose worker was lost. A file is deleted only if an attempt
    recorded in this database has written it. It is kept while the database refers to it, while a worker holds its run,
    and for an hour after its attempt has ended.

    Some files are counted and left alone: those of other databases, those that this database does not know because it
    is a copy or was restored from a backup, and those of version 0.1.0. If no database needs them, delete them by hand:
    sweep gc --foreign lists them.

    \b
    Examples: sweep gc
              sweep gc --delete
              sweep gc --foreign

    Exit codes: 0 on success, 1 if a file could not be deleted, 2 if the database has no study, 5 if there is none.
    """
    if foreign and delete:
        raise UsageError(
            "--foreign files are never deleted here",
            why="Another database may need them, and this one cannot know.",
            next="Leave one of the two out.",
        )
    survey = api.garbage.find(storage=storage, files=files)
    for sentence in _foreign_sentences(survey):
        logger.info(sentence)
    if foreign:
        for stored in (stored for of_store in survey.foreign.values() for stored in of_store):
            echo(stored.where)
        return
    for stored in survey.garbage:
        echo(stored.where)
    if delete:
        _delete(survey, files)
    elif survey.garbage:
        count = f"{quantity(len(survey.garbage), 'file')} ({_total(survey.garbage)})"
        logger.info(f"{count} of store {survey.store} can be deleted; next: sweep gc --delete")
    else:
        logger.info(f"store {survey.store} has no file to delete")


def _delete(survey: Survey, files: str) -> None:
    undeleted = api.garbage.delete(survey.garbage, files=files)
    if undeleted:
        reason = f"{undeleted[0].location} cannot be deleted: {undeleted[0].reason}"
        logger.info(f"{reason}; {quantity(len(undeleted), 'file')} {'stays' if len(undeleted) == 1 else 'stay'}")
        raise typer.Exit(ExitCode.FAILED)
    logger.info(f"{_total(survey.garbage)} of store {survey.store} deleted")


def _foreign_sentences(survey: Survey) -> list[str]:
    sentences = []
    for store, files in survey.foreign.items():
        whose = f"of store {store}" if store else "that name no store (of version 0.1.0, or no files of runs)"
        if store == survey.store:
            whose = f"of store {store}, that this database knows nothing of"
        sentences.append(f"left alone: {quantity(len(files), 'file')} ({_total(files)}) {whose}")
    return sentences


def _total(files: Iterable[StoredFile]) -> str:
    return bytes_text(sum(stored.bytes for stored in files))
