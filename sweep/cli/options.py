"""Options that several verbs share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

HOME = "sweep-data"


def absolute(url: str) -> str:
    """The address of a store, a SQLite file by its absolute path: workers and notebooks run in other folders.

    Raises:
        StoreUrlError: it is no address of a store.
    """
    from sweep.config.store_url import parse_store_url

    return parse_store_url(url).text


Storage = Annotated[
    str,
    typer.Option(
        envvar="SWEEP_STORAGE",
        callback=absolute,
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
StudyName = Annotated[str, typer.Argument(help="Name of a study in the database.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
Device = Annotated[str, typer.Option(envvar="SWEEP_DEVICE", help="auto, cpu, cuda, or one GPU such as cuda:0.")]

DEFAULT_STORAGE = f"sqlite:///{HOME}/sweep.db"
DEFAULT_FILES = HOME


def store_options(storage: str, files: str | None = None) -> list[str]:
    """The options that another command needs to find the same store and files from here; none where it does without.

    Args:
        storage: Address of the store, whose password is never part of them.
        files: Folder or URL of the files, for a command that takes it.
    """
    from sweep.redaction import clean

    options = []
    if storage != absolute(os.environ.get("SWEEP_STORAGE") or DEFAULT_STORAGE):
        options += ["--storage", clean(storage)]
    if files is not None and files != (os.environ.get("SWEEP_FILES") or DEFAULT_FILES):
        options += ["--files", clean(files)]
    return options
