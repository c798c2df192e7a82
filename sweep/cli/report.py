"""`sweep report`: from the store to a notebook and a page."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from sweep.cli.options import DEFAULT_FILES, DEFAULT_STORAGE, Files, Json, Storage, StudyName

logger = logging.getLogger(__name__)


def report(
    study: StudyName,
    storage: Storage = DEFAULT_STORAGE,
    files: Files = DEFAULT_FILES,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write; reports/NAME by default.")] = None,
    as_of: Annotated[int | None, typer.Option(min=1, help="Report the study as it was at this revision.")] = None,
    as_json: Json = False,
) -> None:
    """Write the report of a study: page, notebook and tables.

    The report is an executed notebook, one HTML page that opens without a network, tables and figures. It needs no GPU.

    It can be written while the study runs, and then lists what is missing. Written again, it also shows what changed
    since the last report: new runs, and verdicts that changed.

    \b
    Examples: sweep report digits
              sweep report digits --json | jq .since.verdicts
    """
    from sweep.cli.bars import progress
    from sweep.cli.terminal import echo, print_json
    from sweep.config.names import require_name
    from sweep.reporting.render.index import INDEX, folder_name
    from sweep.reporting.render.notebook import build_report
    from sweep.reporting.text.report_diff import read_last, since, since_in_words

    name = require_name(study)
    folder = out or Path("reports") / folder_name(name)
    before = read_last(folder)["now"]
    with progress() as bars:
        bar = bars.add_task("report", total=None)
        paths = build_report(
            storage,
            name,
            folder,
            files_root=_grids(storage, name, files),
            as_of=as_of,
            on_progress=lambda done, total: bars.update(bar, completed=done, total=total),
        )
    if paths.index is None:
        logger.info(f"{folder.parent / INDEX} is no index of reports, and was left alone")
    now = read_last(folder)["now"]
    changes = since(before, now) if before is not None and now is not None else None
    if as_json:
        told = json.loads(paths.summary.read_text(encoding="utf-8"))
        print_json({"html": paths.html, "notebook": paths.notebook, "summary": told, "since": changes})
        return
    if changes is not None:
        logger.info("since the last report:" if before != now else "nothing changed since the last report")
        for line in since_in_words(changes) if before != now else ():
            logger.info(f"  {line}")
    echo(paths.html)


def _grids(storage: str, study: str, files: str) -> Path:
    """The folder of files, with the sample grids of the study in it."""
    from sweep.errors import CheckpointError
    from sweep.files.file_store import file_store_at
    from sweep.store import artifacts, cells, read_store
    from sweep.store import study as find

    file_store = file_store_at(files)
    if file_store.url is not None:
        store = read_store(storage)
        keys = {cell.train_key[:16] for cell in cells(store, find(store, study).id)}
        grids = [a for a in artifacts(store) if a.kind == "grid" and keys & set(Path(a.path).parts)]
        for grid in grids:
            with suppress(CheckpointError):  # the report says which are missing
                file_store.fetch(grid.path, grid.sha256)
    return file_store.folder
