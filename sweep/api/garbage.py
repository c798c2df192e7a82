"""Files that no study needs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from sweep.api.locations import files_location
from sweep.api.stored_study import store_to_read
from sweep.executors.garbage import Survey, survey
from sweep.files.file_store import file_store_at
from sweep.files.transfer import StoredFile

__all__ = ["StoredFile", "Survey", "Undeleted", "delete", "find"]


@dataclass(frozen=True)
class Undeleted:
    """A file that could not be deleted.

    Attributes:
        location: Path or URL of the file.
        reason: Why it could not be deleted.
    """

    location: str
    reason: str


def find(*, storage: str | None = None, files: str | os.PathLike[str] | None = None) -> Survey:
    """Find the files that no study of a database needs. Changes nothing.

    Args:
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.
        files: Folder or URL of the files of runs; None for SWEEP_FILES or `sweep-data`.

    Returns:
        The files that may be deleted, and those of other databases, which are never deleted.

    Raises:
        UsageError: The database has no study.
        StoreError: There is no database, or it cannot be read.
        FileStoreError: The files cannot be listed.
    """
    with store_to_read(storage) as store:
        return survey(store, file_store_at(files_location(files)))


def delete(garbage: Iterable[StoredFile], *, files: str | os.PathLike[str] | None = None) -> list[Undeleted]:
    """Delete files that `find` has listed as garbage.

    Args:
        garbage: The files.
        files: Folder or URL of the files of runs, as it was given to `find`.

    Returns:
        Files that could not be deleted.
    """
    file_store = file_store_at(files_location(files))
    attempts = ((stored.where, file_store.delete(stored)) for stored in garbage)
    return [Undeleted(where, reason) for where, reason in attempts if reason]
