"""`sweep trials rerun|exclude|repro`: decisions about single runs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

import sweep
from sweep import api
from sweep.api.locations import DEFAULT_STORAGE, store_options
from sweep.api.outputs import output_errors
from sweep.cli.options import Storage, StudyName
from sweep.cli.terminal import echo
from sweep.commands import command

logger = logging.getLogger(__name__)


RERUN_CLASSES = "infra,oom,crash_loop,bug,disk_full,weights,cancelled"
Run = Annotated[int, typer.Argument(help="Run number, from `sweep trials ls`.")]


def rerun_command(
    study: StudyName,
    failed: Annotated[str, typer.Option("--failed", help=f"Classes of failure: {RERUN_CLASSES}.")],
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Plan failed work again; it resumes from its last checkpoint.

    Diverged runs are results and are not planned again: they would diverge again.

    Example: sweep trials rerun digits --failed=oom,infra
    """
    failures = [name.strip() for name in failed.split(",")]
    count = sweep.control.rerun(study, failures, storage=storage)
    worker = command("worker", "--study", study, *store_options(storage))
    logger.info(f"{count} planned again; next: sweep launch FILE, or {worker}")


def exclude_command(
    study: StudyName,
    run: Run,
    reason: Annotated[str, typer.Option("--reason", help="Why; the report shows it.")],
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Leave a run out of every comparison of this study.

    Its numbers stay in the database, and the report shows the reason.

    Example: sweep trials exclude digits 3 --reason "trained while the GPU throttled"
    """
    for cell in sweep.control.exclude(study, run, reason=reason, storage=storage):
        logger.info(f"{cell.arm_name}, seed {cell.seed}: excluded")


def repro_command(
    study: StudyName,
    run: Run,
    storage: Storage = DEFAULT_STORAGE,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; run-N.json by default.")] = None,
) -> None:
    """Write the config of a run; print the command that trains it.

    The command needs no database. It names the device and the number of threads that the run was trained with: both
    decide the last bits of its numbers, and in some runs these grow to large differences.

    Example: sweep trials repro digits 3
    """
    stored_run = api.trials.read_run(study, run, storage=storage)
    api.given_items.refuse_given(stored_run.config, f"run {run} of study {study!r}")
    path = out or Path(f"run-{run}.json")
    with output_errors(path):
        path.write_text(stored_run.config.model_dump_json(indent=2) + "\n", encoding="utf-8")
    slot = () if stored_run.device is None else ("--device", stored_run.device, "--threads", stored_run.threads)
    echo(command("train", path, "--out", path.with_suffix(""), *slot))
