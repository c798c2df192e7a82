"""`sweep export`: the tidy tables of a study as files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sweep import api
from sweep.api.locations import DEFAULT_STORAGE
from sweep.cli.options import Storage, StudyName
from sweep.cli.terminal import echo


class Format(StrEnum):
    """Kinds of file."""

    parquet = "parquet"
    csv = "csv"


def export_command(
    study: StudyName,
    storage: Storage = DEFAULT_STORAGE,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write; NAME-export by default.")] = None,
    formats: Annotated[
        list[Format] | None, typer.Option("--format", "-f", help="parquet or csv; may be repeated; both by default.")
    ] = None,
) -> None:
    """Write a study's tables as Parquet and CSV files.

    The tables are cells, scores, curves, and attempts: which worker trained what, and for how long.

    Example: sweep export digits -o digits-export --format parquet
    """
    for path in api.export.export(study, storage=storage, out=out, formats=formats or list(Format)):
        echo(path)
