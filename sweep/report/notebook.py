"""The report: a notebook that computes every number in it, executed, and the same as one HTML file.

    out/report.ipynb   executed; code shown
    out/report.html    self-contained, offline, no script; code hidden
    out/summary.json   the verdict, for the index and for other programs
    out/last.json      what this report shows, and what the last other one did
    out/tables/        NAME.csv (tidy) and NAME.tex (booktabs)
    out/figures/       NAME.png and NAME.csv

Built twice from the same store, every file is the same bytes: nothing asks a clock or draws a random id. Cells alone
read numbers: this process loads neither pandas nor matplotlib, which the kernel has to load anyway.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from sweep.errors import SweepError
from sweep.report.html import export_html
from sweep.report.index import SUMMARY, write_index
from sweep.report.since import LAST
from sweep.report.subject import FILES_VARIABLE, STORE_VARIABLE, Subject, find_subject
from sweep.store.engine import open_engine

CELL_SECONDS = 600

SETUP = """\
from sweep.report import sections
from sweep.report.blocks import show

# The store's address and the folder of its files come from SWEEP_STORAGE and SWEEP_FILES.
study = sections.open_study({name!r}, as_of={as_of!r})"""

RECORD = """\
# For the index, and for the next report to tell what changed since this one.
sections.record(study)"""

# (section function, heading); the order of the page
SECTIONS: tuple[tuple[str, str], ...] = (
    ("verdict", ""),
    ("since_last", ""),
    ("differences", "Differences from the baseline"),
    ("ablation", "Ablation table"),
    ("search", "Search"),
    ("importances", "What mattered"),
    ("interactions", "Interactions"),
    ("evaluation_factors", "Evaluation factors"),
    ("learning_curves", "Learning curves"),
    ("samples", "Samples from the same noise"),
    ("other_scores", "Other scores"),
    ("chains", "Schedules and loss weights"),
    ("certainty", "How sure"),
    ("completeness", "Every planned cell"),
    ("cost", "Cost"),
    ("provenance", "Provenance"),
    ("methods", "Methods, ready to paste"),
)
ONLY_WHERE: dict[str, Callable[[Subject], bool]] = {
    "search": lambda study: study.searched,
    "importances": lambda study: study.design == "search",
    "interactions": lambda study: study.design in ("factorial", "fractional"),
}


@dataclass(frozen=True)
class ReportPaths:
    """What was written."""

    notebook: Path
    html: Path
    summary: Path
    last: Path
    index: Path
    tables: Path
    figures: Path


def build_report(
    store_url: str,
    study: str,
    out: Path,
    *,
    files_root: Path,
    as_of: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> ReportPaths:
    """Write the report of one study, and the index of all reports beside it.

    Args:
        store_url: SQLAlchemy URL; never written into any file.
        out: Folder of this report, e.g. reports/digits; `tables` and `figures` in it are replaced.
        files_root: Folder that artifact paths of the store are relative to.
        as_of: Revision of the study to report; the newest where None.
        on_progress: Called with (cells done, cells in all).

    Raises:
        StoreError: no such store, study or revision.
        SweepError: a cell failed; the partial notebook is written, and ends in the traceback.
    """
    subject = find_subject(open_engine(store_url), study, as_of)
    for folder in ("tables", "figures"):
        shutil.rmtree(out / folder, ignore_errors=True)
        (out / folder).mkdir(parents=True)
    paths = ReportPaths(
        out / "report.ipynb",
        out / "report.html",
        out / SUMMARY,
        out / LAST,
        out.parent / "index.html",
        out / "tables",
        out / "figures",
    )
    notebook = build_notebook(subject, as_of=as_of)
    try:
        with _environment({STORE_VARIABLE: store_url, FILES_VARIABLE: str(files_root.resolve())}):
            execute(notebook, out, on_progress=on_progress)
    except CellExecutionError as error:
        raise SweepError(
            f"the report of {study} failed in cell `{_failed_cell(notebook)}`: {error.ename}: {error.evalue}",
            why=f"All cells before it are in {paths.notebook}, and its traceback.",
            next="Run the notebook to see it happen; please report it with the notebook.",
        ) from None
    finally:
        nbformat.write(notebook, paths.notebook)  # type: ignore[no-untyped-call]
        paths.html.write_text(export_html(notebook), encoding="utf-8")
    write_index(out.parent)
    return paths


def build_notebook(study: Subject, *, as_of: int | None) -> NotebookNode:
    """The notebook before it runs. Cell ids are names, so that a rebuilt notebook differs only where numbers do."""
    cells = [_code("setup", SETUP.format(name=study.name, as_of=as_of))]
    for function, heading in SECTIONS:
        if function in ONLY_WHERE and not ONLY_WHERE[function](study):
            continue
        if heading:
            cell = nbformat.v4.new_markdown_cell(f"## {heading}")  # type: ignore[no-untyped-call]
            cell["id"] = f"{function}-heading"
            cells.append(cell)
        cells.append(_code(function, f"show(sections.{function}(study))"))
    cells.append(_code("record", RECORD))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook: NotebookNode = nbformat.v4.new_notebook(  # type: ignore[no-untyped-call]
        cells=cells, metadata={"title": study.name, "kernelspec": kernel, "language_info": {"name": "python"}}
    )
    return notebook


def _code(name: str, source: str) -> NotebookNode:
    cell: NotebookNode = nbformat.v4.new_code_cell(source)  # type: ignore[no-untyped-call]
    cell["id"] = name
    return cell


def execute(notebook: NotebookNode, folder: Path, *, on_progress: Callable[[int, int], None] | None = None) -> None:
    """Run all cells in `folder`, with the interpreter that runs this."""
    total = sum(cell.cell_type == "code" for cell in notebook.cells)
    done = 0

    def count(**_: object) -> None:
        nonlocal done
        done += 1
        if on_progress is not None:
            on_progress(done, total)

    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
        on_cell_executed=count,
        extra_arguments=["--log-level=ERROR"],  # it warns of TCP to itself
    )
    client.execute()
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}


def _failed_cell(notebook: NotebookNode) -> str:
    failed = [
        cell["id"]
        for cell in notebook.cells
        if any(output["output_type"] == "error" for output in cell.get("outputs", []))
    ]
    return str(failed[-1]) if failed else "?"


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set for the kernel, which inherits them, and put back."""
    # A kernel of the user's that is called python3 must not win over this interpreter.
    values = values | {"JUPYTER_PREFER_ENV_PATH": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    # Nor may a `random.py` or `sweep.py` in the folder of the command, or of the report, be imported by the kernel.
    values = values | {"PYTHONSAFEPATH": "1"}
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
