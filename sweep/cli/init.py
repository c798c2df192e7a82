"""`sweep init`: a first study file, from five questions."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from sweep import api
from sweep.cli.terminal import ask, echo, print_error
from sweep.commands import command
from sweep.errors import UsageError


def init_command(
    file: Annotated[Path, typer.Argument(help="File to write; one that is there is not replaced.")] = Path(
        "study.yaml"
    ),
    data: Annotated[
        str | None, typer.Option(help="digits, mnist, fashion_mnist, cifar10, or the path of a folder of images.")
    ] = None,
    factor: Annotated[str | None, typer.Option(help="Setting that varies, e.g. schedule, lr or net.dropout.")] = None,
    levels: Annotated[
        str | None, typer.Option(help="Its values beside the baseline's, e.g. 'cosine, quadratic'.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Training seeds of every arm.")] = None,
    images: Annotated[str | None, typer.Option(help="Images that each training sees, e.g. 20k.")] = None,
    size: Annotated[int, typer.Option(min=4, help="Pixels of a side, for a folder of images.")] = 32,
    name: Annotated[str | None, typer.Option(help="Name of the study; by default DATA-FACTOR.")] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: take the defaults of what is not given.")
    ] = False,
) -> None:
    """Write a first study file.

    Asks five questions, each with a default: the data, the setting that varies, its levels, the number of seeds, and
    the images of each training. What an option answers is not asked. `sweep plan` accepts the file that is written.

    \b
    Examples: sweep init
              sweep init lr.yaml --yes --factor lr --levels '3e-4, 3e-3' --seeds 5
              sweep init flowers.yaml --data ~/flowers --size 64
    """
    if file.exists():
        api.first_study.refuse_to_replace(file)
    given = {"data": data, "factor": factor, "levels": levels, "seeds": seeds, "images": images}
    missing = [key for key, value in given.items() if value is None]
    if missing and not yes and not sys.stdin.isatty():
        raise UsageError(
            f"nobody can answer here: {', '.join(f'--{key}' for key in missing)}",
            why="The input is no terminal.",
            next="Give these options, or take the defaults with --yes.",
        )
    answers = _answers(given, asks=not yes)
    api.first_study.write_first_study(file, replace(answers, size=size, name=name))
    echo(str(file))
    echo(f"next: {command('plan', file)}")


def _answers(given: dict[str, Any], *, asks: bool) -> Any:
    """What was given, and for the rest what is answered, or the defaults."""
    first = api.first_study
    data = _answer(
        "data", given["data"], "digits", f"Data: {', '.join(first.DATA_SETS)}, or a folder of images", asks=asks
    )
    varies = f"What varies: {', '.join(first.SUGGESTED_FACTORS)}, or another setting"
    factor = _answer("factor", given["factor"], "schedule", varies, asks=asks)
    compared = f"Levels of {factor}, with commas between them, beside the baseline's"
    levels = _answer("levels", given["levels"], first.suggested_levels(factor), compared, asks=asks)
    seeds = _answer("seeds", given["seeds"], "3", "Training seeds of every arm", asks=asks)
    images = _answer(
        "images", given["images"], first.suggested_images(data), "Images that each training sees", asks=asks
    )
    return first.Answers(data=data, factor=factor, levels=levels, seeds=int(seeds), images=images)


def _answer(option: str, given: object, default: str | None, question: str, *, asks: bool) -> str:
    if given is not None:
        return str(given)
    if asks:
        answer = ask(question, default)
        if option == "seeds" and not answer.isdigit():
            print_error(UsageError(f"{answer!r} is no number of seeds", next="Write a whole number."))
            return _answer(option, given, default, question, asks=asks)
        return answer
    if default is None:
        raise UsageError(f"--{option} has no default here", next=f"Give it: --{option} VALUES")
    return default
