"""`sweep export`: the tidy tables of a study as files, and trained nets for other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from sweep import api
from sweep.api.locations import DEFAULT_FILES, DEFAULT_STORAGE
from sweep.cli.options import Files, Storage, StudyName
from sweep.cli.terminal import echo


class Format(StrEnum):
    """Kinds of file."""

    parquet = "parquet"
    csv = "csv"


class TablesByDefault(TyperGroup):
    """A group whose first word may be a study: `sweep export STUDY` writes its tables."""

    # The types of click, which recent releases of typer bring along, are private to typer.
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take a first word that is no subcommand for the study of `tables`.

        Args:
            ctx: Context of the command.
            args: What was typed after `sweep export`.
        """
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["tables", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=TablesByDefault,
    help="Write a study's tables, or a trained net.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class ModelFormat(StrEnum):
    """What an exported folder holds."""

    safetensors = "safetensors"
    diffusers = "diffusers"


@app.command("model")
def model_command(
    study: StudyName,
    run: Annotated[int, typer.Argument(help="Number of a run, as `sweep trials ls STUDY` lists it.")],
    format: Annotated[ModelFormat, typer.Option("--format", "-f", help="What the folder holds.")] = (
        ModelFormat.safetensors
    ),
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write; STUDY-run-RUN by default.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="KEY=VALUE", help="Settings of sampling, e.g. ema_decay=0; repeatable."),
    ] = None,
    push: Annotated[
        str | None,
        typer.Option(metavar="OWNER/NAME", help="Also upload it to this repository of the Hugging Face hub."),
    ] = None,
    storage: Storage = DEFAULT_STORAGE,
    files: Files = DEFAULT_FILES,
) -> None:
    """Write a trained net as a folder that other programs read.

    The folder has a model card with the scores of the run. `safetensors` holds the weights that the study scored;
    `diffusers` is a pipeline that diffusers loads, for U-Nets, and whose images are those of `sweep sample`.

    \b
    Examples: sweep export model digits 1
              sweep export model digits 1 --format diffusers -o digits-pipeline
    """
    folder = api.model_export.export_model(
        study,
        run,
        format=format.value,
        out=out,
        settings=api.study_files.parse_overrides(settings or ()),
        push=push,
        storage=storage,
        files=files,
    )
    echo(folder)


@app.command("tables")
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

    The word `tables` may be left out: a study follows `export` directly.

    \b
    Examples: sweep export tables digits
              sweep export digits -o digits-export --format parquet
    """
    for path in api.export.export(study, storage=storage, out=out, formats=formats or list(Format)):
        echo(path)
