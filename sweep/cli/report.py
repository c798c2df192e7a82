"""`sweep report`: from the store to a notebook and a page."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

import sweep
from sweep import api
from sweep.api.locations import DEFAULT_FILES, DEFAULT_STORAGE
from sweep.cli.options import Files, Json, Overrides, Storage, complete_study
from sweep.cli.terminal import echo, print_json

logger = logging.getLogger(__name__)


def report_command(
    study: Annotated[
        str,
        typer.Argument(
            help="Name of a study in the database, or the study file that it was launched from.",
            autocompletion=complete_study,
        ),
    ],
    storage: Storage = DEFAULT_STORAGE,
    files: Files = DEFAULT_FILES,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write; reports/NAME by default.")] = None,
    as_of: Annotated[int | None, typer.Option(min=1, help="Report the study as it was at this revision.")] = None,
    overrides: Overrides = None,
    as_json: Json = False,
) -> None:
    """Write the report of a study: page, notebook and tables.

    The report is an executed notebook, one HTML page that opens without a network, tables and figures. It needs no GPU.

    It can be written while the study runs, and then lists what is missing. Written again, it also shows what changed
    since the last report: new runs, and verdicts that changed.

    \b
    Examples: sweep report digits
              sweep report digits --json | jq .since.verdicts
              sweep report studies/digits.yaml -s name=digits-fast-lr -s baseline.lr=3e-3
    """
    from sweep.cli.bars import progress_bars  # rich is slow to import

    with progress_bars() as bars:
        bar = bars.add_task("report", total=None)
        written = sweep.report(
            study,
            overrides=api.study_files.parse_overrides(overrides or ()),
            storage=storage,
            files=files,
            out=out,
            as_of=as_of,
            on_progress=lambda done, total: bars.update(bar, completed=done, total=total),
        )
    paths = written.paths
    if as_json:
        files_written = {"html": paths.html, "notebook": paths.notebook}
        print_json(files_written | {"summary": written.summary, "since": written.changes})
        return
    if written.changes is not None:
        logger.info("since the last report:" if written.is_changed else "nothing changed since the last report")
        for sentence in written.change_sentences:
            logger.info(f"  {sentence}")
    echo(paths.html)
