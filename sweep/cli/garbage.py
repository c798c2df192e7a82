"""`sweep gc`: what may be deleted."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated

import typer

from sweep.cli.options import DEFAULT_FILES, DEFAULT_STORAGE, Files, Storage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sweep.executors.garbage import Survey
    from sweep.files.file_store import FileStore
    from sweep.files.transfer import StoredFile

logger = logging.getLogger(__name__)

UNDELETED = 1


def gc(
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
    from sweep.cli.terminal import echo, size
    from sweep.errors import UsageError
    from sweep.executors.garbage import survey
    from sweep.files.file_store import file_store_at
    from sweep.store import read_store

    if foreign and delete:
        raise UsageError(
            "--foreign files are never deleted here",
            why="Another database may need them, and this one cannot know.",
            next="Leave one of the two out.",
        )
    file_store = file_store_at(files)
    found = survey(read_store(storage), file_store)
    for line in _foreign_in_words(found):
        logger.info(line)
    if foreign:
        for stored in (stored for of_store in found.foreign.values() for stored in of_store):
            echo(stored.where)
        return
    for stored in found.garbage:
        echo(stored.where)
    total = size(sum(stored.bytes for stored in found.garbage))
    if not delete:
        files = f"{_files(len(found.garbage))} ({total}) of store {found.store} can be deleted"
        logger.info(
            f"{files}; next: sweep gc --delete" if found.garbage else f"store {found.store} has no file to delete"
        )
        return
    left = _deleted(file_store, found.garbage)
    logger.info(f"{total} of store {found.store} deleted" if not left else f"{left[0]}; {len(left)} files stay")
    raise typer.Exit(UNDELETED if left else 0)


def _deleted(file_store: FileStore, garbage: Iterable[StoredFile]) -> list[str]:
    """Why files could not be deleted."""
    tried = ((stored.where, file_store.delete(stored)) for stored in garbage)
    return [f"{where} cannot be deleted: {reason}" for where, reason in tried if reason]


def _foreign_in_words(found: Survey) -> list[str]:
    from sweep.cli.terminal import size

    lines = []
    for store, stored in found.foreign.items():
        whose = f"of store {store}" if store else "that name no store (of version 0.1.0, or no files of runs)"
        if store == found.store:
            whose = f"of store {store}, that this database knows nothing of"
        lines.append(f"left alone: {_files(len(stored))} ({size(sum(s.bytes for s in stored))}) {whose}")
    return lines


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"
