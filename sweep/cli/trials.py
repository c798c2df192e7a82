"""`sweep trials`: single runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sweep import api
from sweep.api.locations import DEFAULT_STORAGE
from sweep.cli.options import Json, Storage, StudyName
from sweep.cli.terminal import print_json, print_line, print_table

if TYPE_CHECKING:
    from sweep.api.trials import AttemptRecord, CellRecord, ScoreRecord

# Of a measurement: it is the mean over the noise sets.
MEAN_OF_NOISE_SETS = -1

app = typer.Typer(help="List, show, repeat or exclude single runs.", no_args_is_help=True)


@app.command("ls")
def ls_command(
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
    listed = api.trials.list_cells(study, state=state, arm=arm, storage=storage)
    cells = listed.cells
    if as_json:
        print_json([cell_document(cell) for cell in cells])
        return
    metric = str(listed.study.spec.get("metric", "fid"))
    columns: dict[str, list[Any]] = {
        "run": [cell.run_id for cell in cells],
        "arm": [cell.arm_name for cell in cells],
        "phase": [cell.phase for cell in cells],
        "seed": [cell.seed for cell in cells],
        "state": [cell.state for cell in cells],
        "step": [f"{cell.step:,}/{cell.steps:,}" if cell.steps else None for cell in cells],
        listed.study.protocol.label: [_primary_value(cell, metric) for cell in cells],
        "seconds": [cell.seconds for cell in cells],
    }
    if len(set(columns["phase"])) == 1:  # of most studies
        del columns["phase"]
    print_table("", list(columns), zip(*columns.values(), strict=True))


@app.command("show")
def show_command(
    study: StudyName,
    run: Annotated[int, typer.Argument(help="Run number, from `sweep trials ls`.")],
    storage: Storage = DEFAULT_STORAGE,
    as_json: Json = False,
) -> None:
    """Show the scores of a run with their errors, its attempts, and its config.

    An attempt is one worker's try at the training or at a score: where, for how long, and how it ended.

    Example: sweep trials show digits 3
    """
    stored_run = api.trials.read_run(study, run, storage=storage)
    config = stored_run.document
    if as_json:
        document = {"config": config, "cells": [cell_document(cell) for cell in stored_run.cells]}
        print_json(document | {"attempts": [asdict(attempt) for attempt in stored_run.attempts]})
        return
    for cell in stored_run.cells:
        print_line(f"{cell.arm_name}, {cell.phase} replicate {cell.replicate}, seed {cell.seed}: {cell.state}")
        if cell.failure:
            print_line(f"{cell.failure}: {cell.failure_reason}")
        rows = [
            (json.dumps(dict(score.level)) if score.level else "primary", each.name, each.value, each.standard_error)
            for score in cell.scores
            for each in score.measurements
            if each.noise_set == MEAN_OF_NOISE_SETS
        ]
        if rows:
            print_table("", ["evaluation", "score", "value", "standard error"], rows)
    _print_attempts(stored_run.attempts)
    print_line(json.dumps(config, indent=2))


def _print_attempts(attempts: Sequence[AttemptRecord]) -> None:
    if not attempts:
        print_line("No worker has attempted this run yet.")
        return
    columns: dict[str, list[Any]] = {
        "work": ["training" if each.score_id is None else f"score {each.score_id}" for each in attempts],
        "host": [each.host for each in attempts],
        "device": [each.device for each in attempts],
        "started (UTC)": [f"{each.started_at:%Y-%m-%d %H:%M:%S}" for each in attempts],
        "seconds": [f"{each.seconds:,.1f}" for each in attempts],
        "steps": [f"{each.first_step:,} to {each.last_step:,}" if each.score_id is None else None for each in attempts],
        "end": [each.end or "under way" for each in attempts],
    }
    print_table("attempts", list(columns), zip(*columns.values(), strict=True))
    for number, each in enumerate(attempts, 1):
        if each.reason:
            # The last line of a traceback names the error; `--json` has the whole text.
            print_line(f"attempt {number} ended as {each.end}: {each.reason.strip().splitlines()[-1]}")


def cell_document(cell: CellRecord) -> dict[str, Any]:
    """A cell as JSON.

    Args:
        cell: The cell.
    """
    return {
        "run": cell.run_id,
        "arm": cell.arm_name,
        "phase": cell.phase,
        "replicate": cell.replicate,
        "seed": cell.seed,
        "trial": cell.trial_number,
        "state": cell.state,
        "step": cell.step,
        "steps": cell.steps,
        "images": cell.images,
        "seconds": cell.seconds,
        "train_key": cell.train_key,
        "failure": cell.failure,
        "reason": cell.failure_reason,
        "scores": [_score_document(score) for score in cell.scores],
    }


def _score_document(score: ScoreRecord) -> dict[str, Any]:
    return {
        "level": dict(score.level),
        "primary": score.is_primary,
        "state": score.state,
        "measurements": {
            each.name: {"value": each.value, "standard_error": each.standard_error}
            for each in score.measurements
            if each.noise_set == MEAN_OF_NOISE_SETS
        },
    }


def _primary_value(cell: CellRecord, metric: str) -> float | None:
    values = (
        each.value
        for score in cell.scores
        if score.is_primary
        for each in score.measurements
        if each.name == metric and each.noise_set == MEAN_OF_NOISE_SETS
    )
    return next(values, None)
