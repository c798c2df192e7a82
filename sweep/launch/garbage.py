"""Files of runs that nothing needs any more."""

from __future__ import annotations

import time
from collections.abc import Iterator

from sweep.store import Store, artifacts
from sweep.store.depot import Depot
from sweep.store.transfer import Stored

RUNS = "runs"
# A file that was just written may be recorded a moment from now; one that was just superseded may still be read.
SPARED_SECONDS = 3600.0


def garbage(store: Store, depot: Depot, *, now: float | None = None) -> Iterator[Stored]:
    """Files under `runs/` that the store does not name and that are older than an hour, here and in the depot's store.

    Args:
        store: Every study that uses this depot is in it.
        depot: Of files; extractors and references in it are never touched.
        now: Seconds since 1970; the clock's by default.
    """
    # Age first, names second: a file that is recorded between the two is spared by its age.
    before = (time.time() if now is None else now) - SPARED_SECONDS
    old = [stored for stored in depot.listed(RUNS) if stored.modified < before]
    named = {artifact.path for artifact in artifacts(store)}
    yield from (stored for stored in old if stored.path not in named)
