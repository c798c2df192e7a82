"""`sweep bench store`: how much a store bears, measured on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sweep.cli.options import DEFAULT_STORAGE, Json, Storage

if TYPE_CHECKING:
    from sweep.launch.bench import Rate

bench = typer.Typer(help="Measure this machine.", no_args_is_help=True)


@bench.command("store")
def store(
    storage: Storage = DEFAULT_STORAGE,
    workers: Annotated[int, typer.Option(min=1, help="Processes that write at once.")] = 4,
    seconds: Annotated[float, typer.Option(min=0.5, help="How long each verb is measured.")] = 3.0,
    as_json: Json = False,
) -> None:
    """Measure claims, heartbeats and metric writes a second, from so many processes at once.

    The study that this makes, `bench-...`, is cancelled at the end; give it a store of its own.

    Example: sweep bench store --storage postgresql://localhost/bench --workers 64
    """
    from dataclasses import asdict

    from sweep.cli.terminal import print_json, stdout, table
    from sweep.launch.bench import measure

    rates: list[Rate] = measure(storage, workers, seconds)
    if as_json:
        print_json([asdict(rate) for rate in rates])
        return
    columns = ["verb", "workers", "a second", "median ms", "95th ms", "longest ms", "errors"]
    stdout.print(table("", columns, [
        (r.verb, r.workers, round(r.per_second, 1), r.median_ms, r.p95_ms, r.longest_ms, r.errors) for r in rates
    ]))  # fmt: skip
