"""Keeping the advisor's lease while a sampler works: a model of thousands of trials may take longer than the lease."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sweep.errors import StoreError
from sweep.store.queue.search_lease import renew_advisor
from sweep.store.sql.transaction import Store

RENEWALS_PER_LEASE = 4


@contextmanager
def renewing(store: Store, study_id: int, owner: str, *, ttl: float) -> Iterator[None]:
    """Renew the advisor's lease from another thread until the block ends.

    A process that is stopped renews nothing, so that another worker takes over. A database that is away ends no
    suggestion: whether the lease was kept shows when the trial is added.

    Args:
        store: Open store of studies, runs and scores.
        study_id: Number of the study in the store.
        owner: Id of the worker that holds the lease.
        ttl: Seconds that each renewal is good for.
    """
    done = threading.Event()
    impatient_store = replace(store, patience_seconds=0.0)

    def renew() -> None:
        while not done.wait(ttl / RENEWALS_PER_LEASE):
            try:
                if not renew_advisor(impatient_store, study_id, owner, ttl=ttl):
                    return
            except StoreError:
                continue

    thread = threading.Thread(target=renew, name="advisor-lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
