"""`sweep trials`: single runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sweep.cli.options import DEFAULT_STORAGE, Json, Storage, StudyName, store_options
from sweep.commands import command

if TYPE_CHECKING:
    from sweep.store.snapshots import CellRecord

app = typer.Typer(help="List, show, repeat or exclude single runs.", no_args_is_help=True)


@app.command("ls")
def ls(
    study: StudyName,
    storage: Storage = DEFAULT_STORAGE,
    state: Annotated[str | None, typer.Option(help="Only cells in this state, e.g. failed.")] = None,
    arm: Annotated[str | None, typer.Option(help="Only this arm.")] = None,
    as_json: Json = False,
) -> None:
    """List every arm at every seed, with its scores.

    \b
    Examples: sweep trials ls digits
              sweep trials ls digits --state failed --json
    """
    from sweep.cli.console import stdout, table
    from sweep.cli.terminal import print_json
    from sweep.config.names import require_name
    from sweep.store import cells as cells_of
    from sweep.store.opening import read_store
    from sweep.store.studies.studies import study as find

    store = read_store(storage)
    record = find(store, require_name(study))
    cells = [c for c in cells_of(store, record.id) if state in (None, c.state) and arm in (None, c.arm_name)]
    if as_json:
        print_json([document(cell) for cell in cells])
        return
    metric = str(record.spec.get("metric", "fid"))
    columns: dict[str, list[Any]] = {
        "run": [c.run_id for c in cells],
        "arm": [c.arm_name for c in cells],
        "phase": [c.phase for c in cells],
        "seed": [c.seed for c in cells],
        "state": [c.state for c in cells],
        "step": [f"{c.step:,}/{c.steps:,}" for c in cells],
        record.protocol.label: [_primary(c, metric) for c in cells],
        "seconds": [c.seconds for c in cells],
    }
    if len(set(columns["phase"])) == 1:  # of most studies
        del columns["phase"]
    stdout.print(table("", list(columns), zip(*columns.values(), strict=True)))


@app.command("show")
def show(
    study: StudyName,
    run: Annotated[int, typer.Argument(help="Run number, from `sweep trials ls`.")],
    storage: Storage = DEFAULT_STORAGE,
    as_json: Json = False,
) -> None:
    """Show the scores of a run with their errors, and its config.

    Example: sweep trials show digits 3
    """
    import json

    from sweep.cli.console import stdout, table
    from sweep.cli.terminal import print_json
    from sweep.config.names import require_name
    from sweep.errors import UsageError
    from sweep.store import cells as cells_of
    from sweep.store.opening import read_store
    from sweep.store.queries.views import run_config
    from sweep.store.studies.studies import study as find

    store = read_store(storage)
    cells = [c for c in cells_of(store, find(store, require_name(study)).id) if c.run_id == run]
    if not cells:
        raise UsageError(f"study {study!r} has no run {run}", next=command("trials ls", study, *store_options(storage)))
    config = run_config(store, run)
    if as_json:
        print_json({"config": config.model_dump(mode="json"), "cells": [document(cell) for cell in cells]})
        return
    for cell in cells:
        stdout.print(
            f"{cell.arm_name}, {cell.phase} replicate {cell.replicate}, seed {cell.seed}: {cell.state}", markup=False
        )
        if cell.failure:
            stdout.print(f"{cell.failure}: {cell.failure_reason}", markup=False)
        stdout.print(table("", ["evaluation", "score", "value", "standard error"], [
            (json.dumps(dict(score.level)) if score.level else "primary", m.name, m.value, m.standard_error)
            for score in cell.scores for m in score.measurements if m.noise_set == -1
        ]))  # fmt: skip
    stdout.print(json.dumps(config.model_dump(mode="json"), indent=2), markup=False)


def document(cell: CellRecord) -> dict[str, Any]:
    """A cell as JSON."""
    return {
        "run": cell.run_id, "arm": cell.arm_name, "phase": cell.phase, "replicate": cell.replicate,
        "seed": cell.seed,
        "trial": cell.trial_number, "state": cell.state, "step": cell.step, "steps": cell.steps,
        "images": cell.images, "seconds": cell.seconds, "train_key": cell.train_key,
        "failure": cell.failure, "reason": cell.failure_reason,
        "scores": [
            {"level": dict(score.level), "primary": score.is_primary, "state": score.state,
             "measurements": {m.name: {"value": m.value, "standard_error": m.standard_error}
                              for m in score.measurements if m.noise_set == -1}}
            for score in cell.scores
        ],
    }  # fmt: skip


def _primary(cell: CellRecord, metric: str) -> float | None:
    return next(
        (m.value for score in cell.scores if score.is_primary
         for m in score.measurements if m.name == metric and m.noise_set == -1),
        None,
    )  # fmt: skip
