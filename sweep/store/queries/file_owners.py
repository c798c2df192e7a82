"""Which files belong to this store: those that it names, and those that its attempts have written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, literal, select

from sweep.errors import StoreError
from sweep.files.file_names import STORE_DIGITS, run_folder
from sweep.store.sql.clock import moment
from sweep.store.sql.schema import ARTIFACT, ATTEMPT, RUN, STORE_IDENTITY, STUDY, WORKER
from sweep.store.sql.transaction import Store
from sweep.store.states import AttemptEnd

# Possibly long after the worker was heard of: these ends say nothing of when it wrote.
_ENDED_BY_OTHERS = (AttemptEnd.EXPIRED, AttemptEnd.CANCELLED, AttemptEnd.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class AttemptTimes:
    """When an attempt was under way, by the database's clock.

    Attributes:
        heard_at: When this database last received a write of its worker, in seconds since 1970. A copy of a database
            receives nothing of what happens in the other.
        ended_seconds: How many seconds ago it ended; None while it has not ended.
    """

    heard_at: float
    ended_seconds: float | None


@dataclass(frozen=True, slots=True)
class FileOwners:
    """What a store knows of files, at one moment by the database's clock.

    Attributes:
        store: The digits of this store in file tags.
        has_studies: Whether there is any study in it.
        named: Paths of the files that it needs.
        attempts: Its attempts by their file tags.
        live_folders: Folders of runs that somebody works on, or that nobody knows to be over.
    """

    store: str
    has_studies: bool
    named: frozenset[str]
    attempts: Mapping[str, AttemptTimes]
    live_folders: frozenset[str]


def store_uuid(store: Store) -> str:
    """The identity of a store, which it keeps when it is moved, and which copies of it share.

    Raises:
        StoreError: The store has lost it.
    """
    return store.read(_uuid)


def file_owners(store: Store) -> FileOwners:
    """What this store knows of files, in one consistent snapshot.

    Raises:
        StoreError: The store has lost its identity.
    """

    def work(connection: Connection) -> FileOwners:
        times = (
            ATTEMPT.c.started_at,
            ATTEMPT.c.ended_at,
            ATTEMPT.c.end_reason,
            WORKER.c.seen_at,
            moment().label("now"),
        )
        tried = select(ATTEMPT.c.file_tag, *times).join(WORKER, WORKER.c.id == ATTEMPT.c.worker_id)
        live = select(RUN.c.train_key).join(ATTEMPT, ATTEMPT.c.run_id == RUN.c.id).where(ATTEMPT.c.ended_at.is_(None))
        return FileOwners(
            store=_uuid(connection)[:STORE_DIGITS],
            has_studies=connection.execute(select(literal(1)).select_from(STUDY).limit(1)).first() is not None,
            named=frozenset(connection.scalars(select(ARTIFACT.c.path))),
            attempts={row.file_tag: _times(row) for row in connection.execute(tried.where(ATTEMPT.c.file_tag != ""))},
            live_folders=frozenset(run_folder(key) for key in connection.scalars(live)),
        )

    return store.read(work)


def _times(row: Any) -> AttemptTimes:
    if row.ended_at is None:
        return AttemptTimes(row.now.timestamp(), None)
    heard = max(row.started_at, row.seen_at) if row.end_reason in _ENDED_BY_OTHERS else row.ended_at
    return AttemptTimes(min(heard, row.ended_at).timestamp(), (row.now - row.ended_at).total_seconds())


def _uuid(connection: Connection) -> str:
    uuid = connection.scalars(select(STORE_IDENTITY.c.uuid)).first()
    if uuid is None:
        raise StoreError(
            "this store has no identity",
            why="The row of its table store_identity is gone, so no file is known to be its own.",
            next="Restore the database from a backup.",
        )
    return uuid
