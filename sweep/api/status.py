"""How far the studies of a database are. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweep.api.stored_study import store_to_read, stored_study
from sweep.search.remaining import status_of

if TYPE_CHECKING:
    from sweep.store.queries.disks import RoomLeft
    from sweep.store.status_records import FailureRecord, StatusRecord

__all__ = [
    "FailureRecord",
    "RoomLeft",
    "StatusRecord",
    "rank_sentences",
    "room_for_store",
    "status",
    "statuses",
]


def status(name: str, *, storage: str | None = None) -> StatusRecord:
    """Read how far a study is: what is left, what runs, and what failed.

    Args:
        name: Name of the study.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.

    Returns:
        The study at this moment. `trainings_left` and `scores_left` count the work that is left, `has_work` says
        whether there is any, `running` lists what workers do now, and `failed` what went wrong.

    Raises:
        UsageError: There is no such study.
        StoreError: There is no database, or it cannot be read.

    Example:
        while sweep.status("digits").has_work:
            time.sleep(60)
    """
    with stored_study(name, storage) as (store, record):
        return status_of(store, record.id)


def statuses(*, storage: str | None = None) -> list[StatusRecord]:
    """Read how far every study of a database is.

    Args:
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.

    Returns:
        One record for each study, the oldest first.

    Raises:
        StoreError: There is no database, or it cannot be read.
    """
    from sweep.store.studies.studies import studies

    with store_to_read(storage) as store:
        return [status_of(store, study.id) for study in studies(store)]


def rank_sentences(name: str, *, storage: str | None = None) -> list[str]:
    """Say how well each cheaper score of a search ranks its trials.

    Args:
        name: Name of the study.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.

    Returns:
        A sentence for each cheaper score; none for a study without cheaper scores.

    Raises:
        UsageError: There is no such study.
        StoreError: There is no database, or it cannot be read.
    """
    with stored_study(name, storage) as (store, record):
        spec = record.spec
        if not (spec.get("protocol", {}).get("ladder") or spec.get("design", {}).get("pruner")):
            return []
        from sweep.reporting.frames.frames import load_frames
        from sweep.reporting.stats.rank_correlation import rank_correlations, ranks_in_words

        return ranks_in_words(rank_correlations(load_frames(store.engine, name)))


def room_for_store(*, storage: str | None = None) -> RoomLeft | None:
    """Read how much room the disk of a database has.

    Args:
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.

    Returns:
        Folder and free bytes; None for a database on a server.

    Raises:
        StoreError: There is no database, or it cannot be read.
    """
    from sweep.store.queries.disks import room_left

    with store_to_read(storage) as store:
        return room_left(store.engine)
