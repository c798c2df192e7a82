"""`sweep report`: from the store to a notebook and a page."""

from __future__ import annotations

from contextlib import suppress
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
    from sweep.config.names import require_name
    from sweep.report.notebook import build_report

    name = require_name(study)
    with progress() as bars:
        bar = bars.add_task("report", total=None)
        paths = build_report(
            storage,
            name,
            out or Path("reports") / name,
            files_root=_grids(storage, name, files),
            as_of=as_of,
            on_progress=lambda done, total: bars.update(bar, completed=done, total=total),
        )
    typer.echo(paths.html)


def _grids(storage: str, study: str, files: str) -> Path:
    """The folder of files, with the sample grids of the study in it."""
    from sweep.errors import CheckpointError
    from sweep.store import artifacts, cells, open_store
    from sweep.store import study as find
    from sweep.store.depot import depot_at

    depot = depot_at(files)
    if depot.url is not None:
        store = open_store(storage)
        keys = {cell.train_key[:16] for cell in cells(store, find(store, study).id)}
        grids = [a for a in artifacts(store) if a.kind == "grid" and keys & set(Path(a.path).parts)]
        for grid in grids:
            with suppress(CheckpointError):  # the report says which are missing
                depot.fetch(grid.path, grid.sha256)
    return depot.folder
