"""Files of runs that nothing needs any more, and files that are not this store's to judge."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sweep.errors import UsageError
from sweep.files.contained import unsafe_reason
from sweep.files.file_names import RUNS, file_tag_in, store_in
from sweep.files.file_store import FileStore
from sweep.files.transfer import Stored
from sweep.store.queries.file_owners import FileOwners, file_owners
from sweep.store.sql.transaction import Store

# A file that was just written may be recorded a moment from now; one that was just superseded may still be read.
SPARED_SECONDS = 3600.0
# Between the last sign of life of a worker and the last file that it wrote: a lease, and clocks that differ.
HEARD_SECONDS = 300.0
# Of a run's folder: runs/ab/abcd...
FOLDER_PARTS = 3


@dataclass(frozen=True)
class Survey:
    """The files under `runs/` that the store does not name.

    Attributes:
        store: The digits of this store in file names.
        garbage: Written by ended attempts of this store: may be deleted.
        foreign: Of others, by the digits of their store; under "" those whose name tells none: of version 0.1.0, or no
            file of a run. They may be needed by a database that is not asked, so nothing here deletes them.
    """

    store: str
    garbage: tuple[Stored, ...]
    foreign: Mapping[str, tuple[Stored, ...]]


def survey(store: Store, file_store: FileStore, *, spared_seconds: float | None = None) -> Survey:
    """Tell this store's garbage from files of others, on this machine and in the depot's store.

    A file is garbage if the store does not name it, and if an attempt of this store has written it that ended some time
    ago by the database's clock, in a run that nobody works on. A file that was written lately is spared too.

    Args:
        store: Its attempts' files are judged.
        file_store: Of files; extractors and references in it are never touched.
        spared_seconds: How long an attempt must have ended, and how old a file must be; an hour by default.

    Raises:
        UsageError: The store has no study: a slip in its URL is likelier than a folder full of garbage.
        FileStoreError: The depot's store does not answer.
    """
    # Files first, names second: a file that is recorded between the two is named, or its attempt has just ended.
    listed = list(file_store.listed(RUNS))
    owners = file_owners(store)
    if not owners.has_studies:
        raise UsageError(
            "this store has no study, so no file is its own",
            why="Either its URL is mistyped, or the database was made anew.",
            next="Give --storage the database that the files belong to; sweep status lists its studies.",
        )
    unnamed = [stored for stored in listed if stored.path not in owners.named]
    known = [stored for stored in unnamed if _is_own(stored, owners, is_cached=file_store.is_cached(stored))]
    own = set(known)
    spared = SPARED_SECONDS if spared_seconds is None else spared_seconds
    before = time.time() - spared
    return Survey(
        store=owners.store,
        garbage=tuple(f for f in known if f.modified < before and _is_over(f, owners, spared)),
        foreign=_by_store(f for f in unnamed if f not in own),
    )


def _is_own(stored: Stored, owners: FileOwners, *, is_cached: bool) -> bool:
    """Whether an attempt of this database has written a file while this database heard of it."""
    times = owners.attempts.get(file_tag_in(stored.path))
    if times is None or unsafe_reason(stored.path):
        return False
    # A copy of the database has the same attempt: what it wrote later may be named there. What is cached here was
    # written later too, but is somewhere else as well.
    return is_cached or times.ended_seconds is None or stored.modified <= times.heard_at + HEARD_SECONDS


def _is_over(stored: Stored, owners: FileOwners, spared_seconds: float) -> bool:
    """Whether the attempt that has written a file ended long enough ago, and nobody works on its run."""
    ended_seconds = owners.attempts[file_tag_in(stored.path)].ended_seconds
    live = "/".join(stored.path.split("/")[:FOLDER_PARTS]) in owners.live_folders
    return ended_seconds is not None and ended_seconds >= spared_seconds and not live


def _by_store(files: Iterable[Stored]) -> dict[str, tuple[Stored, ...]]:
    found: dict[str, list[Stored]] = {}
    for stored in files:
        found.setdefault(store_in(file_tag_in(stored.path)), []).append(stored)
    return {store: tuple(of_store) for store, of_store in sorted(found.items())}
