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
from sweep.errors import UsageError

logger = logging.getLogger(__name__)


def report_command(
    study: Annotated[
        str | None,
        typer.Argument(
            help="Name of a study in the database, or the file that it was launched from; without it, give --all.",
            autocompletion=complete_study,
        ),
    ] = None,
    storage: Storage = DEFAULT_STORAGE,
    files: Files = DEFAULT_FILES,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to write; reports/NAME by default, and reports with --all."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Write the reports of all studies, and their index.")] = False,
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
              sweep report --all
              sweep report digits --json | jq .since.verdicts
              sweep report studies/digits.yaml -s name=digits-fast-lr -s baseline.lr=3e-3
    """
    from sweep.cli.bars import progress_bars  # rich is slow to import

    if every == (study is not None) or (every and (as_of is not None or overrides)):
        raise UsageError(
            "sweep report takes either the name of a study or --all",
            why="A revision (--as-of) and values (-s) are those of one study.",
            next="sweep report --all, or sweep report NAME; sweep status lists the names.",
        )
    if study is None:
        _report_all(storage, files, out, as_json=as_json)
        return
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


def _report_all(storage: str, files: str, out: Path | None, *, as_json: bool) -> None:
    from sweep.cli.bars import progress_bars

    with progress_bars() as bars:
        bar = bars.add_task("reports", total=None)
        written, index = api.report.all_reports(
            storage=storage,
            files=files,
            out=out,
            on_progress=lambda done, total: bars.update(bar, completed=done, total=total),
        )
    if as_json:
        print_json({"index": index, "reports": [each.summary | {"html": each.paths.html} for each in written]})
        return
    for each in written:
        logger.info(each.paths.html)
    echo(index)
