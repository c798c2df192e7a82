"""`sweep bench store`: how much a store bears, measured on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sweep.cli.options import DEFAULT_STORAGE, Json, Storage
from sweep.limits import MAX_WORKERS

if TYPE_CHECKING:
    from sweep.executors.bench import Rate

bench = typer.Typer(help="Measure the throughput of the database.", no_args_is_help=True)


@bench.command("store")
def store(
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
    from dataclasses import asdict

    from sweep.cli.console import stdout, table
    from sweep.cli.terminal import print_json
    from sweep.executors.bench import measure_store
    from sweep.executors.bench_large import measure_status, measure_suggestions

    rates: list[Rate] = measure_store(storage, workers, seconds)
    rates += measure_suggestions(storage, trials) if trials else []
    rates += measure_status(storage, runs, points) if runs else []
    if as_json:
        print_json([asdict(rate) for rate in rates])
        return
    columns = ["verb", "workers", "per second", "median ms", "95th ms", "longest ms", "errors"]
    stdout.print(table("", columns, [
        (r.verb, r.workers, round(r.per_second, 1), r.median_ms, r.p95_ms, r.longest_ms, r.errors) for r in rates
    ]))  # fmt: skip
