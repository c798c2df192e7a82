"""`sweep extend` and `sweep space diff`: a study that changes after it began, and what a change would do."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Annotated

import typer

import sweep
from sweep import api
from sweep.api.locations import DEFAULT_STORAGE, store_options
from sweep.cli.options import Json, Overrides, Storage, StudyFile, StudyName, override_words
from sweep.cli.terminal import echo, print_json, print_line, print_table
from sweep.commands import command
from sweep.errors import UsageError
from sweep.quantities import quantity

logger = logging.getLogger(__name__)

_IMAGE_SENTENCES = {
    "moved": "the images lie in {path} now, and are those of the launch",
    "changed": "the images are others than at the launch: every run of them is a new one",
}

space = typer.Typer(help="Compare a study file with the study in the database.", no_args_is_help=True)


def extend_command(
    study: StudyName,
    seeds: Annotated[str | None, typer.Option("--seeds", help="More seeds of every arm: +3, or the new total.")] = None,
    trials: Annotated[str | None, typer.Option("--trials", help="More search trials: +10, or the new total.")] = None,
    budget: Annotated[str | None, typer.Option("--budget", help="More device time: +40h, or the new total.")] = None,
    levels: Annotated[
        list[str] | None,
        typer.Option("--levels", metavar="FACTOR=VALUE,...", help="More levels of an evaluation factor; repeatable."),
    ] = None,
    storage: Storage = DEFAULT_STORAGE,
) -> None:
    """Add seeds, search trials, device time or levels to a study.

    Existing runs stay, and running workers find the new work by themselves. To add arms, edit the study file and use
    `sweep launch FILE --accept-change`.

    The change is recorded as a revision of the study. In a study with `interim_analyses`, more seeds add one
    analysis; they are refused once the first analysis is reached.

    \b
    Examples: sweep extend digits --seeds +3
              sweep extend fashion-search --trials +10 --budget +40h
              sweep extend guidance --levels guidance_scale=1.25,1.75
    """
    extension = sweep.extend(
        study, seeds=seeds, trials=trials, budget=budget, levels=_levels_in(levels or ()), storage=storage
    )
    logger.info(str(extension))
    logger.info("Make the same change in the study file; a launch of the old file is refused. next: sweep launch FILE")


def _levels_in(options: Sequence[str]) -> dict[str, list[float | str]]:
    levels: dict[str, list[float | str]] = {}
    for option in options:
        factor, equals, values = option.partition("=")
        if not equals or not all(values.split(",")):
            raise UsageError(
                f"--levels {option}: found no values", next="Write a factor and its levels: guidance_scale=1.25,1.75"
            )
        levels.setdefault(factor, []).extend(_level_in(value) for value in values.split(","))
    return levels


def _level_in(text: str) -> float | str:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and "." not in text else number


@space.command("diff")
def diff_command(
    file: StudyFile, storage: Storage = DEFAULT_STORAGE, overrides: Overrides = None, as_json: Json = False
) -> None:
    """Show what launching an edited study file would do.

    Lists the cells that would be added, changed or dropped, and counts those that stay. Changes nothing.

    Example: sweep space diff studies/digits.yaml
    """
    difference = api.space.difference(file, overrides=api.study_files.parse_overrides(overrides or ()), storage=storage)
    changes = difference.changes
    if as_json:
        print_json(
            [
                {
                    "arm": each.arm,
                    "seed": each.seed,
                    "change": each.kind,
                    "state": each.state,
                    "images": difference.images,
                }
                for each in changes
            ]
        )
        return
    if difference.images != "same":
        print_line(_IMAGE_SENTENCES[difference.images].format(path=difference.images_path))
    rows = [(each.arm, each.seed, each.kind, each.state or "-") for each in changes if each.kind != "kept"]
    if rows:
        print_table("", ["arm", "seed", "change", "is now"], rows)
    print_line(unchanged_and_changed(len(changes) - len(rows), len(rows)))
    if rows:
        echo(f"next: {command('launch', file, *override_words(overrides), '--accept-change', *store_options(storage))}")


def unchanged_and_changed(unchanged: int, changed: int) -> str:
    """The sentence that sums up what a study file would do to the cells of its study.

    Args:
        unchanged: Number of cells that stay as they are.
        changed: Number of cells that are added, dropped or trained with other settings.
    """
    stays = "stays as it is" if unchanged == 1 else "stay as they are"
    return f"{quantity(unchanged, 'cell')} {stays}, {changed:,} {'changes' if changed == 1 else 'change'}"
