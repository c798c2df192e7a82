"""A study in the database, opened by its name for the time of one verb."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sweep.api.locations import storage_url
from sweep.config.names import require_name
from sweep.store.opening import open_existing, read_store
from sweep.store.records import StudyRecord
from sweep.store.sql.transaction import Store
from sweep.store.studies.studies import study


@contextmanager
def store_to_read(storage: str | None) -> Iterator[Store]:
    """Open a database to read it. Nothing in it is made, migrated or written.

    Args:
        storage: URL of the database; None for SWEEP_STORAGE or the default.

    Yields:
        The database, closed at the end.

    Raises:
        StoreError: There is no database, or it cannot be used.
    """
    store = read_store(storage_url(storage))
    try:
        yield store
    finally:
        store.close()


@contextmanager
def stored_study(name: str, storage: str | None, *, change: bool = False) -> Iterator[tuple[Store, StudyRecord]]:
    """Open the database of a study, and find the study in it.

    Args:
        name: Name of the study.
        storage: URL of the database; None for SWEEP_STORAGE or the default.
        change: Whether the study is to be changed. The tables of an older version are then brought up to date.

    Yields:
        The database, closed at the end, and the study.

    Raises:
        UsageError: There is no such study.
        StoreError: There is no database, or it cannot be used.
    """
    name = require_name(name)
    url = storage_url(storage)
    store = open_existing(url) if change else read_store(url)
    try:
        yield store, study(store, name)
    finally:
        store.close()
