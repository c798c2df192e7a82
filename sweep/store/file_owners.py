"""Which files belong to this store: those that it names, and those that its attempts have written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, literal, select

from sweep.errors import StoreError
from sweep.store.clock import moment
from sweep.store.file_names import STORE_DIGITS, run_folder
from sweep.store.schema import ARTIFACT, ATTEMPT, RUN, STORE_IDENTITY, STUDY
from sweep.store.transaction import Store


@dataclass(frozen=True, slots=True)
class FileOwners:
    """What a store knows of files, at one moment by the database's clock.

    Attributes:
        store: The digits of this store in file tags.
        has_studies: Whether there is any study in it.
        named: Paths of the files that it needs.
        attempts: File tags of its attempts, and how many seconds ago they ended; None for those that have not.
        live_folders: Folders of runs that somebody works on, or that nobody knows to be over.
    """

    store: str
    has_studies: bool
    named: frozenset[str]
    attempts: Mapping[str, float | None]
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
        tried = select(ATTEMPT.c.file_tag, ATTEMPT.c.ended_at, moment().label("now")).where(ATTEMPT.c.file_tag != "")
        live = select(RUN.c.train_key).join(ATTEMPT, ATTEMPT.c.run_id == RUN.c.id).where(ATTEMPT.c.ended_at.is_(None))
        return FileOwners(
            store=_uuid(connection)[:STORE_DIGITS],
            has_studies=connection.execute(select(literal(1)).select_from(STUDY).limit(1)).first() is not None,
            named=frozenset(connection.scalars(select(ARTIFACT.c.path))),
            attempts={
                row.file_tag: None if row.ended_at is None else (row.now - row.ended_at).total_seconds()
                for row in connection.execute(tried)
            },
            live_folders=frozenset(run_folder(key) for key in connection.scalars(live)),
        )

    return store.read(work)


def _uuid(connection: Connection) -> str:
    found = connection.scalars(select(STORE_IDENTITY.c.uuid)).first()
    if found is None:
        raise StoreError(
            "this store has no identity",
            why="The row of its table store_identity is gone, so no file is known to be its own.",
            next="Restore the database from a backup.",
        )
    return found
