"""`sweep export`: the tidy tables of a study as files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sweep.cli.options import DEFAULT_STORAGE, Storage, StudyName

if TYPE_CHECKING:
    import pandas as pd


class Format(StrEnum):
    """Kinds of file."""

    parquet = "parquet"
    csv = "csv"


def export(
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
    from sweep.cli.outputs import writing
    from sweep.cli.terminal import echo
    from sweep.config.names import require_name
    from sweep.reporting.frames.frames import load_study
    from sweep.reporting.render.csv_file import write_csv
    from sweep.store.opening import read_store

    frames = load_study(read_store(storage).engine, require_name(study))
    folder = out or Path(f"{study}-export")
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        tables = {"cells": frames.cells, "scores": frames.scores, "curves": frames.curves, "attempts": frames.attempts}
        for name, frame in tables.items():
            for kind in formats or list(Format):
                path = folder / f"{name}.{kind.value}"
                if kind is Format.parquet:
                    flat(frame).to_parquet(path, index=False)
                else:
                    write_csv(flat(frame), path)
                echo(path)


def flat(frame: pd.DataFrame) -> pd.DataFrame:
    """With JSON text where a column holds mappings, which no table format keeps alike."""
    import json

    nested = [name for name in frame.columns if frame[name].map(lambda value: isinstance(value, dict | list)).any()]
    return frame.assign(**{name: frame[name].map(lambda v: json.dumps(v, sort_keys=True)) for name in nested})
