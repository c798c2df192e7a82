"""`sweep trials rerun|exclude|repro`: decisions about single runs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweep.cli.options import DEFAULT_STORAGE, Storage, StudyName, store_options
from sweep.commands import command

if TYPE_CHECKING:
    from sweep.store.records import FailureClass

logger = logging.getLogger(__name__)

RERUN: tuple[FailureClass, ...] = ("infra", "oom", "crash_loop", "bug", "disk_full", "weights", "cancelled")

Run = Annotated[int, typer.Argument(help="Run number, from `sweep trials ls`.")]


def rerun(
    study: StudyName,
    failed: Annotated[str, typer.Option("--failed", help=f"Classes of failure: {','.join(RERUN)}.")],
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Plan failed work again; it resumes from its last checkpoint.

    Diverged runs are results and are not planned again: they would diverge again.

    Example: sweep trials rerun digits --failed=oom,infra
    """
    from sweep.config.names import require_name
    from sweep.store import open_existing
    from sweep.store import rerun as plan_again
    from sweep.store import study as find

    store = open_existing(storage)
    count = plan_again(store, find(store, require_name(study)).id, _classes(failed))
    logger.info(
        f"{count} planned again; next: sweep launch FILE, or "
        f"{command('worker', '--study', study, *store_options(storage))}"
    )


def _classes(text: str) -> list[FailureClass]:
    from sweep.errors import UsageError

    chosen: list[FailureClass] = []
    for name in (part.strip() for part in text.split(",")):
        found: FailureClass | None = next((known for known in RERUN if known == name), None)
        if found is None:
            raise UsageError(
                f"no failure that is run again is called {name!r}", next=f"Name some of {','.join(RERUN)}."
            )
        chosen.append(found)
    return chosen


def exclude(
    study: StudyName,
    run: Run,
    reason: Annotated[str, typer.Option("--reason", help="Why; the report shows it.")],
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Leave a run out of every comparison of this study.

    Its numbers stay in the database, and the report shows the reason.

    Example: sweep trials exclude digits 3 --reason "trained while the GPU throttled"
    """
    from sweep.config.names import require_name
    from sweep.errors import UsageError
    from sweep.store import cells, open_existing
    from sweep.store import exclude as leave_out
    from sweep.store import study as find

    store = open_existing(storage)
    found = [cell for cell in cells(store, find(store, require_name(study)).id) if cell.run_id == run]
    if not found:
        raise UsageError(f"study {study!r} has no run {run}", next=command("trials ls", study, *store_options(storage)))
    for cell in found:
        leave_out(store, cell.cell_id, reason)
        logger.info(f"{cell.arm_name}, seed {cell.seed}: excluded")


def repro(
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
    from sweep.cli.outputs import writing
    from sweep.cli.terminal import echo
    from sweep.config.names import require_name
    from sweep.errors import UsageError
    from sweep.store import cells, read_store, run_config, trained_by
    from sweep.store import study as find

    store = read_store(storage)
    if not any(cell.run_id == run for cell in cells(store, find(store, require_name(study)).id)):
        raise UsageError(f"study {study!r} has no run {run}", next=command("trials ls", study, *store_options(storage)))
    path = out or Path(f"run-{run}.json")
    text = run_config(store, run).model_dump_json(indent=2) + "\n"
    with writing(path):
        path.write_text(text, encoding="utf-8")
    worker = trained_by(store, run)
    place = () if worker is None else ("--device", worker.device, "--threads", worker.environment["threads"])
    echo(command("train", path, "--out", path.with_suffix(""), *place))
