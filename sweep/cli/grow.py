"""`sweep extend` and `sweep space diff`: a study that changes after it began, and what a change would do."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sweep.cli.options import DEFAULT_STORAGE, Json, Storage, StudyFile, StudyName, store_options
from sweep.commands import command

if TYPE_CHECKING:
    from sweep.config.study import Study
    from sweep.store.sql.transaction import Store

logger = logging.getLogger(__name__)

_WHAT_OF_IMAGES = {
    "moved": "the images lie in {path} now, and are those of the launch",
    "changed": "the images are others than at the launch: every run of them is a new one",
}

space = typer.Typer(help="Compare a study file with the study in the database.", no_args_is_help=True)


def extend(
    study: StudyName,
    seeds: Annotated[str | None, typer.Option("--seeds", help="More seeds of every arm: +3, or the new total.")] = None,
    trials: Annotated[str | None, typer.Option("--trials", help="More search trials: +10, or the new total.")] = None,
    budget: Annotated[str | None, typer.Option("--budget", help="More device time: +40h, or the new total.")] = None,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Add seeds, search trials or device time to a study.

    Existing runs stay, and running workers find the new work by themselves. To add arms, edit the study file and use
    `sweep launch FILE --accept-change`.

    The change is recorded as a revision of the study. In a study with `interim_analyses`, more seeds add one
    analysis; they are refused once the first analysis is reached.

    \b
    Examples: sweep extend digits --seeds +3
              sweep extend fashion-search --trials +10 --budget +40h
    """
    from sweep.config.names import require_name
    from sweep.config.study import changed_study
    from sweep.design.plan import study_plan
    from sweep.errors import UsageError
    from sweep.executors.register import register
    from sweep.store import open_existing
    from sweep.store import study as find
    from sweep.store.stored_config import study_spec

    store = open_existing(storage)
    record = find(store, require_name(study))
    before = study_spec(record.spec, of=record.name)
    spec, changes = _grown(before, seeds, trials, budget)
    if seeds is not None and before.interim_analyses is not None:
        changes.append(_with_one_more_analysis(store, before, spec))
    if not changes:
        raise UsageError("nothing to extend", next="Give --seeds, --trials or --budget.")
    reason = "extended: " + ", ".join(changes)
    after = register(store, study_plan(changed_study(spec)), record.protocol, accept_change=True, reason=reason)
    logger.info(f"revision {after.revision}: {', '.join(changes)}")
    logger.info("Make the same change in the study file; a launch of the old file is refused. next: sweep launch FILE")


def _grown(study: Study, seeds: str | None, trials: str | None, budget: str | None) -> tuple[dict[str, Any], list[str]]:
    from sweep.config.durations import more_of, seconds_of
    from sweep.errors import UsageError

    spec: dict[str, Any] = study.model_dump(mode="json")
    changes = []
    if seeds is not None:
        spec["seeds"] = more_of(seeds, study.seeds, "seeds")
        changes.append(f"seeds: {spec['seeds']}")
    if trials is not None:
        if "trials" not in spec["design"]:
            raise UsageError(f"design {study.design.kind} has no trials", next="Use --seeds, or change the file.")
        spec["design"]["trials"] = more_of(trials, spec["design"]["trials"], "trials")
        changes.append(f"trials: {spec['design']['trials']}")
    if budget is not None:
        now = study.budget.gpu_hours if study.budget is not None and budget.startswith("+") else 0.0
        spec["budget"] = {"gpu_hours": now + seconds_of(budget.removeprefix("+")) / 3600.0}
        changes.append(f"budget: {spec['budget']['gpu_hours']:g} hours")
    return spec, changes


def _with_one_more_analysis(store: Store, study: Study, spec: dict[str, Any]) -> str:
    """Interim analyses end at the last seed: more seeds are one more analysis, as long as none has been reached.

    Raises:
        UsageError: An analysis has been reached, so a part of the chance of error is spent on it.
    """
    from sweep.errors import UsageError
    from sweep.reporting.frames.frames import load_study
    from sweep.reporting.stats.interim import current_interim_analysis

    analysis = current_interim_analysis(load_study(store.engine, study.name))
    assert analysis is not None
    if analysis.number:
        raise UsageError(
            f"study {study.name!r} has reached its interim analysis after {analysis.seeds} seeds, so no "
            "seeds can be added",
            why="They would make another analysis that nobody planned, and the 5 % chance of a false finding would no "
            "longer hold.",
            next=f"Ask the question again on fresh seeds: a study with another name, `first_seed: "
            f"{study.first_seed + study.seeds}` and interim analyses of its own.",
        )
    declared = spec["interim_analyses"]
    declared["at"] = [*declared["at"], spec["seeds"]]
    return f"interim_analyses: {declared['at']}"


@space.command("diff")
def diff(file: StudyFile, storage: Storage = DEFAULT_STORAGE, as_json: Json = False) -> None:
    """Show what launching an edited study file would do.

    Lists the cells that would be added, changed or dropped, and counts those that stay. Changes nothing.

    Example: sweep space diff studies/digits.yaml
    """
    from sweep.cli.console import stdout, table
    from sweep.cli.terminal import print_json
    from sweep.design.plan import read_study_plan
    from sweep.executors.changes import images_change, study_changes, with_images_of
    from sweep.store import read_store

    asked = read_study_plan(file)
    store = read_store(storage)
    asked = with_images_of(asked)
    found, images = study_changes(store, asked), images_change(store, asked)
    if as_json:
        told = [{"arm": c.arm, "seed": c.seed, "change": c.kind, "state": c.state} for c in found]
        print_json([change | {"images": images} for change in told])
        return
    if images != "same":
        stdout.print(_WHAT_OF_IMAGES[images].format(path=asked.study.baseline.data.path), markup=False)
    rows = [(c.arm, c.seed, c.kind, c.state or "-") for c in found if c.kind != "kept"]
    kept = len(found) - len(rows)
    if rows:
        stdout.print(table("", ["arm", "seed", "change", "is now"], rows))
    stdout.print(f"{kept} cells stay as they are, {len(rows)} change")
    if rows:
        again = command("launch", file, "--accept-change", *store_options(storage))
        stdout.print(f"next: {again}", markup=False, soft_wrap=True)
