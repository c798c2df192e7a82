"""How much a database bears, measured on this machine."""

from __future__ import annotations

from sweep.api.locations import storage_url
from sweep.bench.large_studies import measure_status, measure_suggestions
from sweep.bench.store_operations import Rate, measure_store

__all__ = ["Rate", "bench_store"]


def bench_store(
    *,
    storage: str | None = None,
    workers: int = 4,
    seconds: float = 3.0,
    trials: int = 0,
    runs: int = 0,
    points: int = 1_000_000,
) -> list[Rate]:
    """Measure claims, heartbeats and metric writes per second. Makes studies named `bench-...` and cancels them.

    Args:
        storage: URL of a database of its own; None for SWEEP_STORAGE or `sweep-data/sweep.db`.
        workers: Processes that write at once.
        seconds: Seconds for which each operation is measured.
        trials: Also time the next suggestion after this many finished trials; 0 for not.
        runs: Also time the status of this many runs; 0 for not.
        points: Curve points of these runs together.

    Returns:
        One rate for each operation.

    Raises:
        StoreError: The database cannot be used.
    """
    url = storage_url(storage)
    rates = measure_store(url, workers, seconds)
    rates += measure_suggestions(url, trials) if trials else []
    rates += measure_status(url, runs, points) if runs else []
    return rates
