"""Files of runs that nothing needs any more, and files about which this store cannot decide."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sweep.errors import UsageError
from sweep.files.contained import unsafe_reason
from sweep.files.file_names import RUNS, file_tag_in, store_in
from sweep.files.file_store import FileStore
from sweep.files.transfer import StoredFile
from sweep.store.queries.file_owners import FileOwners, file_owners
from sweep.store.sql.transaction import Store

# A file that was just written may be recorded in a moment; one that was just replaced may still be read.
MIN_AGE_SECONDS = 3600.0
# The most that can lie between the last sign of life of a worker and its last file: a lease, and clocks that differ.
LAST_WRITE_SECONDS = 300.0
# Parts of the path of a run's folder: runs/ab/abcd...
FOLDER_PARTS = 3


@dataclass(frozen=True)
class Survey:
    """The files under `runs/` that the store does not name.

    Attributes:
        store: The tag of this store in file names.
        garbage: Files of ended attempts of this store, which may be deleted.
        foreign: Files of other stores, by their tag. Under "" are files without a tag: those of version 0.1.0, and
            those that belong to no run. Another database may need them, so they are never deleted.
    """

    store: str
    garbage: tuple[StoredFile, ...]
    foreign: Mapping[str, tuple[StoredFile, ...]]


def survey(store: Store, file_store: FileStore, *, min_age_seconds: float | None = None) -> Survey:
    """Separate this store's garbage from files of other stores, on this machine and in the bucket.

    A file is garbage if all of these hold:

    - The store does not name it, and an attempt of this store has written it.
    - That attempt ended at least `min_age_seconds` ago by the database's clock, and no worker is at work on its run.
    - The file is at least `min_age_seconds` old.

    Args:
        store: The store whose files are judged.
        file_store: The files. Its extractors and references are never garbage.
        min_age_seconds: How long ago the attempt must have ended, and how old the file must be; an hour by default.

    Raises:
        UsageError: The store has no study. A typing error in its URL is likelier than a folder of garbage only.
        FileStoreError: The bucket does not answer.
    """
    # Files first, names second: a file that is recorded in between has its name in the store by then.
    files = list(file_store.listed(RUNS))
    owners = file_owners(store)
    if not owners.has_studies:
        raise UsageError(
            "this store has no study, so none of the files can be its own",
            why="Either its URL is mistyped, or the database is new.",
            next="Give --storage the database that the files belong to; sweep status lists its studies.",
        )
    unnamed = [stored for stored in files if stored.path not in owners.named]
    own_files = [stored for stored in unnamed if _is_own(stored, owners, is_cached=file_store.is_cached(stored))]
    own = set(own_files)
    min_age = MIN_AGE_SECONDS if min_age_seconds is None else min_age_seconds
    before = time.time() - min_age
    return Survey(
        store=owners.store,
        garbage=tuple(f for f in own_files if f.modified < before and _is_over(f, owners, min_age)),
        foreign=_by_store(f for f in unnamed if f not in own),
    )


def _is_own(stored: StoredFile, owners: FileOwners, *, is_cached: bool) -> bool:
    """Whether an attempt of this database has written a file while it reported to this database."""
    times = owners.attempts.get(file_tag_in(stored.path))
    if times is None or unsafe_reason(stored.path):
        return False
    # A copy of this database has the same attempt: a file that the attempt wrote later may be named there. A cached
    # file has a later time too, but its original is elsewhere.
    return is_cached or times.ended_seconds is None or stored.modified <= times.heard_at + LAST_WRITE_SECONDS


def _is_over(stored: StoredFile, owners: FileOwners, min_age_seconds: float) -> bool:
    """Whether the attempt that has written a file ended long enough ago, and nobody works on its run."""
    ended_seconds = owners.attempts[file_tag_in(stored.path)].ended_seconds
    live = "/".join(stored.path.split("/")[:FOLDER_PARTS]) in owners.live_folders
    return ended_seconds is not None and ended_seconds >= min_age_seconds and not live


def _by_store(files: Iterable[StoredFile]) -> dict[str, tuple[StoredFile, ...]]:
    by_store: dict[str, list[StoredFile]] = {}
    for stored in files:
        by_store.setdefault(store_in(file_tag_in(stored.path)), []).append(stored)
    return {store: tuple(of_store) for store, of_store in sorted(by_store.items())}
