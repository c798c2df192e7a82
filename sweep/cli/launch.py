"""`sweep launch`: start a study, or go on with it."""

from __future__ import annotations

import logging
import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

import sweep
from sweep import api
from sweep.api.locations import DEFAULT_FILES, DEFAULT_STORAGE, store_options
from sweep.cli.options import Device, Files, Overrides, Storage, StudyFile, Trust, key_values, override_words
from sweep.cli.status import print_status
from sweep.commands import command
from sweep.errors import UsageError
from sweep.limits import MAX_WORKERS
from sweep.redaction import clean

if TYPE_CHECKING:
    from sweep.api.launch import LaunchResult
    from sweep.cli.launch_display import LaunchDisplay

logger = logging.getLogger(__name__)


def launch_command(
    file: StudyFile,
    storage: Storage = DEFAULT_STORAGE,
    files: Files = DEFAULT_FILES,
    device: Device = "auto",
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", "-n", min=1, max=MAX_WORKERS, help="Worker processes; default: one for each GPU, or core."
        ),
    ] = None,
    accept_change: Annotated[
        bool, typer.Option("--accept-change", help="Apply what changed in the study file since the last launch.")
    ] = False,
    max_trials: Annotated[
        int | None, typer.Option("--max-trials", min=1, help="Total number of search trials, over all relaunches.")
    ] = None,
    pack: Annotated[
        str | None, typer.Option("--pack", metavar="N|auto", help="Workers on each GPU (1), or on the CPU; or auto.")
    ] = None,
    executor: Annotated[
        str, typer.Option(envvar="SWEEP_EXECUTOR", help="What starts the workers: local, slurm or ray.")
    ] = "local",
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", metavar="KEY=VALUE", help="For the executor, e.g. partition=gpu; repeatable."),
    ] = None,
    overrides: Overrides = None,
    trust: Trust = False,
    detach: Annotated[bool, typer.Option("--detach", help="With Slurm: submit, and do not wait.")] = False,
    n_trials: Annotated[int | None, typer.Option("--n-trials", hidden=True)] = None,
) -> None:
    """Start a study, or resume it.

    The same command does both. Finished runs are never repeated. Other machines join with `sweep worker`.

    Local workers and Ray tasks end with this command: Ctrl-C lets them save, and a second Ctrl-C kills them. Slurm jobs
    stay: Ctrl-C or a lost connection ends only the watching. The same command watches them again and submits what is
    missing; `sweep stop`, `sweep cancel` or scancel ends them. Slurm and Ray need a database and files that their
    machines can reach.

    \b
    Examples: sweep launch studies/digits.yaml
              sweep launch studies/fashion.yaml --device cuda --workers 8
              sweep launch studies/fashion.yaml --pack auto
              sweep launch studies/digits.yaml -s name=digits-fast-lr -s baseline.lr=3e-3
              sweep launch studies/fashion.yaml --executor slurm -n 16 -o partition=gpu -o time=24h -o memory=16G
              sweep launch studies/fashion.yaml --executor slurm -n 16 -o sbatch.reservation=lab --detach
              sweep launch studies/fashion.yaml --executor ray -o address=auto

    Options of slurm: partition, account, qos, constraint, time, gpus (default 1), cpus (2), memory, notice (2m), setup,
    folder (where submitit keeps its pickles: they run as code, so only you may be able to write there; mode 0700),
    sbatch.ANYTHING. Options of ray: address (default auto), gpus (1), cpus (1).

    Exit codes: 0 complete, 1 workers ended with work left, 2 the study file or the command line is wrong, 3 the budget
    is spent, 4 complete but some cells failed, 5 the database or the files cannot be used, 75 preempted, 130 Ctrl-C.
    """
    from sweep.cli.launch_display import launch_display  # rich is slow to import

    if n_trials is not None:
        raise UsageError(
            "--n-trials is not an option here",
            why="Elsewhere it means that many more at each launch; here a launch resumes.",
            next="Use --max-trials TOTAL, or: sweep extend NAME --trials +10",
        )
    with launch_display() as display:
        result = sweep.launch(
            file,
            overrides=api.study_files.parse_overrides(overrides or ()),
            storage=storage,
            files=files,
            device=device,
            workers=workers,
            pack=pack,
            max_trials=max_trials,
            executor=executor,
            options=key_values(option or ()),
            accept_change=accept_change,
            detach=detach,
            trust=trust,
            on_progress=display.update,
        )
    if not result.is_prepared:
        _print_stopped(display)
    again = command("launch", file, *override_words(overrides), *store_options(storage, files))
    print_result(result, again, store_options(storage))
    raise typer.Exit(result.exit_code)


def print_result(result: LaunchResult, launch_again: str, options: list[str]) -> None:
    """Print how a launch ended, and what to type next.

    Args:
        result: How it ended.
        launch_again: The command that continues it.
        options: Words with which another command finds the same database.
    """
    from sweep.api.launch import LaunchOutcome  # loads the store, which a refused command does not need

    if result.monitor_hint:
        logger.info(result.monitor_hint)
    elif result.outcome == LaunchOutcome.BUDGET_SPENT:
        extend = command("extend", result.study, "--budget", "+10h", *options)
        logger.info(f"the budget is spent; next: {extend}")
    elif result.outcome in (LaunchOutcome.PREEMPTED, LaunchOutcome.INTERRUPTED) and result.is_prepared:
        logger.info(f"stopped; next: {launch_again} continues from the last checkpoints")
    if result.status is None:
        return
    print_status(result.status, options)
    study = result.status.study
    if result.outcome == LaunchOutcome.UNFINISHED and study.is_active:
        logger.info(f"not complete; next: {launch_again}")
    elif result.outcome == LaunchOutcome.UNFINISHED:
        logger.info(f"{study.state}; next: {command('resume', result.study, *options)}; {launch_again}")


def _print_stopped(display: LaunchDisplay) -> None:
    logger.info(f"stopped while preparing; not finished, and begun again next time: {display.state}")
    logger.info(f"kept: {', '.join(display.stored_parts) or 'nothing, as no part was finished'}")
    logger.info(f"next: {_typed_command()}")


def _typed_command() -> str:
    """The command that was typed, ready to be pasted; without passwords."""
    return clean(shlex.join(["sweep", *sys.argv[1:]]))
