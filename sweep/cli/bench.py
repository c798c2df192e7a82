"""`sweep bench store`: how much a store bears, measured on this machine."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from sweep import api
from sweep.api.locations import DEFAULT_STORAGE
from sweep.cli.options import Json, Storage
from sweep.cli.terminal import print_json, print_table
from sweep.limits import MAX_WORKERS

bench = typer.Typer(help="Measure the throughput of the database.", no_args_is_help=True)


@bench.command("store")
def bench_store(
    storage: Storage = DEFAULT_STORAGE,
    workers: Annotated[int, typer.Option(min=1, max=MAX_WORKERS, help="Number of processes that write at once.")] = 4,
    seconds: Annotated[float, typer.Option(min=0.5, help="Seconds for which each operation is measured.")] = 3.0,
    trials: Annotated[
        int, typer.Option(min=0, help="Also time the next suggestion after this many finished trials, e.g. 5000.")
    ] = 0,
    runs: Annotated[int, typer.Option(min=0, help="Also time `status` of this many runs, e.g. 10000.")] = 0,
    points: Annotated[int, typer.Option(min=0, help="Total number of curve points of these runs.")] = 1_000_000,
    as_json: Json = False,
) -> None:
    """Measure claims, heartbeats and metric writes per second.

    Several processes write at once. The command makes studies named `bench-...` and cancels them at the end, so give it
    a database of its own.

    \b
    Examples: sweep bench store --storage postgresql://localhost/bench --workers 64
              sweep bench store --storage sqlite:///bench.db --trials 5000 --runs 10000
    """
    rates = api.bench.bench_store(
        storage=storage, workers=workers, seconds=seconds, trials=trials, runs=runs, points=points
    )
    if as_json:
        print_json([asdict(rate) for rate in rates])
        return
    columns = ["verb", "workers", "per second", "median ms", "95th ms", "longest ms", "errors"]
    rows = [
        (rate.verb, rate.workers, round(rate.per_second, 1), rate.median_ms, rate.p95_ms, rate.longest_ms, rate.errors)
        for rate in rates
    ]
    print_table("", columns, rows)
