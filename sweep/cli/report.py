"""`sweep report`: from the store to a notebook and a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sweep.cli.options import DEFAULT_FILES, DEFAULT_STORAGE, Files, Storage, StudyName


def report(
    study: StudyName,
    storage: Storage = DEFAULT_STORAGE,
    files: Files = DEFAULT_FILES,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write; reports/NAME by default.")] = None,
    as_of: Annotated[int | None, typer.Option(min=1, help="The study as of this revision.")] = None,
) -> None:
    """Write the report of a study: an executed notebook, one HTML page that opens anywhere, tables and figures.

    May be called while the study runs: what is missing is said in the report. Needs no GPU.

    Example: sweep report digits
    """
    from sweep.cli.terminal import progress
    from sweep.config.study import require_name
    from sweep.report.notebook import build_report

    name = require_name(study)
    with progress() as bars:
        bar = bars.add_task("report", total=None)
        paths = build_report(
            storage,
            name,
            out or Path("reports") / name,
            files_root=files.absolute(),
            as_of=as_of,
            on_progress=lambda done, total: bars.update(bar, completed=done, total=total),
        )
    typer.echo(paths.html)
