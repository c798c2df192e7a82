"""The report of a study: page, notebook and tables."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweep.api.locations import files_location, storage_url
from sweep.api.stored_study import store_to_read, stored_study
from sweep.api.study_files import is_study_file, launched_name, require_file_for
from sweep.config.names import require_name
from sweep.errors import CheckpointError, UsageError
from sweep.files.file_store import file_store_at
from sweep.reporting.render.index import INDEX, folder_name
from sweep.reporting.render.notebook import ReportPaths, build_report
from sweep.reporting.text.report_diff import changes_in_sentences, read_last, report_changes
from sweep.store.queries.views import artifacts, cells
from sweep.store.studies.studies import studies

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Report:
    """A report that was written.

    Attributes:
        paths: Files of the report: `html`, `notebook`, `summary`, `tables`, `figures`, and `index`, which is None
            where another file has the name of the index.
        changes: What changed since the last report, such as new runs and other verdicts; None for a first report.
        is_changed: Whether the last report showed anything else; False for a first report.
    """

    paths: ReportPaths
    changes: dict[str, Any] | None
    is_changed: bool

    def __str__(self) -> str:
        return "\n".join([str(self.paths.html), *self.change_sentences])

    __repr__ = __str__

    @property
    def summary(self) -> dict[str, Any]:
        """The verdicts of the report, as its file `summary.json` has them."""
        content: dict[str, Any] = json.loads(self.paths.summary.read_text(encoding="utf-8"))
        return content

    @property
    def change_sentences(self) -> list[str]:
        """What changed since the last report, in sentences."""
        return changes_in_sentences(self.changes) if self.changes is not None and self.is_changed else []


def report(
    name: str | os.PathLike[str],
    *,
    overrides: Mapping[str, object] | None = None,
    storage: str | None = None,
    files: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    as_of: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Write the report of a study. It can be written while the study runs, and then lists what is missing.

    Args:
        name: Name of the study, or the path of its file, which must say what was launched.
        overrides: Dotted key -> value that replaced or added to what the file says at the launch; None for none.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.
        files: Folder or URL of the files of runs; None for SWEEP_FILES or `sweep-data`.
        out: Folder to write; None for `reports/NAME`.
        as_of: Revision of the study to report; None for the newest.
        on_progress: Called with the number of cells of the notebook that were executed, and the number of all.

    Returns:
        The files that were written, and what changed since the last report.

    Raises:
        UsageError: There is no such study, its file is wrong, or the folder holds something other than a report.
        StoreError: There is no database, it cannot be read, the study has no such revision, or the file says
            something other than what was launched.
        SweepError: The report cannot be written.

    Example:
        sweep.report("digits").paths.html
    """
    if is_study_file(name):
        name = launched_name(name, overrides=overrides, storage=storage)
    else:
        require_file_for(overrides, name)
    name = os.fspath(name)
    folder = Path(out) if out is not None else Path("reports") / folder_name(require_name(name))
    before = read_last(folder)["now"]
    paths = build_report(
        storage_url(storage),
        name,
        folder,
        files_root=_folder_with_grids(name, storage, files_location(files)),
        as_of=as_of,
        on_progress=on_progress,
    )
    if paths.index is None:
        logger.info(f"{folder.parent / INDEX} is no index of reports, and was left alone")
    now = read_last(folder)["now"]
    changes = report_changes(before, now) if before is not None and now is not None else None
    return Report(paths, changes, is_changed=changes is not None and before != now)


def all_reports(
    *,
    storage: str | None = None,
    files: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Report], Path]:
    """Write the reports of all studies of a database, and the page that lists them with their verdicts.

    Args:
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.
        files: Folder or URL of the files of runs; None for SWEEP_FILES or `sweep-data`.
        out: Folder that holds the folders of the reports; None for `reports`.
        on_progress: Called with the number of reports that were written, and the number of all.

    Returns:
        The reports, those of the oldest study first, and the page.

    Raises:
        UsageError: There is no study, or the folder has an index.html that is no index of reports.
        StoreError: There is no database, or it cannot be read.
        SweepError: A report cannot be written.
    """
    folder = Path(out) if out is not None else Path("reports")
    with store_to_read(storage) as store:
        names = [record.name for record in studies(store)]
    if not names:
        raise UsageError("the database has no study", next="sweep launch FILE")
    written = []
    for number, name in enumerate(names):
        if on_progress is not None:
            on_progress(number, len(names))
        written.append(report(name, storage=storage, files=files, out=folder / folder_name(name)))
    index = written[-1].paths.index
    if index is None:
        raise UsageError(
            f"{folder / INDEX} is no index of reports, and was left alone", next="Give another folder: --out FOLDER."
        )
    return written, index


def _folder_with_grids(name: str, storage: str | None, files: str) -> Path:
    """The folder of files. Sample grids of the study are fetched into it where the files are in a bucket."""
    file_store = file_store_at(files)
    if file_store.url is not None:
        with stored_study(name, storage) as (store, record):
            keys = {cell.train_key[:16] for cell in cells(store, record.id)}
            recorded = artifacts(store)
        for grid in recorded:
            if grid.kind == "grid" and keys & set(Path(grid.path).parts):
                with suppress(CheckpointError):  # the report says which are missing
                    file_store.fetch(grid.path, grid.sha256)
    return file_store.folder
