"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sweep.api.locations import absolute_url
from sweep.errors import SweepError, UsageError


def complete_study(incomplete: str) -> list[str]:
    """Names of studies for the completion of the shell; none where the database cannot be read.

    Args:
        incomplete: The beginning that was typed.
    """
    from sweep import api

    try:
        return [each.study.name for each in api.status.statuses() if each.study.name.startswith(incomplete)]
    except SweepError:
        return []


def complete_topic(incomplete: str) -> list[str]:
    """Names of pages of the documentation for the completion of the shell.

    Args:
        incomplete: The beginning that was typed.
    """
    from sweep.docs import titles

    return [name for name in titles() if name.startswith(incomplete)]


Storage = Annotated[
    str,
    typer.Option(
        envvar="SWEEP_STORAGE",
        callback=absolute_url,
        help="URL of the database: sqlite:///FILE on one machine, postgresql://... on several.",
        show_default=True,
    ),
]
Files = Annotated[
    str,
    typer.Option(
        envvar="SWEEP_FILES",
        help="Folder of checkpoints, features and sample grids; s3://... or gs://... if the machines share none.",
    ),
]
StudyFile = Annotated[Path, typer.Argument(help="Study file, e.g. studies/digits.yaml.")]
StudyName = Annotated[str, typer.Argument(help="Name of a study in the database.", autocompletion=complete_study)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
Trust = Annotated[
    bool, typer.Option("--trust", help="Say that the plugins of this study may be run; needed once a version of them.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="KEY=VALUE",
        help="Set a value over the study file's, e.g. baseline.lr=3e-4 or seeds=5; repeatable.",
    ),
]
Device = Annotated[str, typer.Option(envvar="SWEEP_DEVICE", help="auto, cpu, cuda, or one GPU such as cuda:0.")]


def override_words(overrides: Sequence[str] | None) -> list[str]:
    """The words with which another command sets the same values.

    Args:
        overrides: What followed each `-s`.
    """
    return [word for text in overrides or () for word in ("-s", text)]


def key_values(texts: Sequence[str]) -> dict[str, str]:
    """Split `KEY=VALUE` texts.

    Args:
        texts: What followed each `--option`.

    Returns:
        Value of each key.

    Raises:
        UsageError: A text has no key or no value, or a key is given twice.
    """
    values: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key or not value or key in values:
            why = "It is given twice." if key in values else "It is not of the form KEY=VALUE."
            raise UsageError(f"--option {text!r} cannot be read", why=why, next="Write --option partition=gpu, say.")
        values[key] = value
    return values
