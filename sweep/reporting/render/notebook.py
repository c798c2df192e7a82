"""The report: a notebook that computes every number in it, executed, and the same as one HTML file.

    out/report.ipynb   executed; code shown
    out/report.html    self-contained, offline, no script; code hidden
    out/summary.json   the verdict, for the index and for other programs
    out/last.json      what this report shows, and what the last other one did
    out/tables/        NAME.csv (tidy) and NAME.tex (booktabs)
    out/figures/       NAME.svg, NAME.pdf and NAME.csv

Built twice from the same store, every file is the same bytes: nothing asks a clock or draws a random id. Cells alone
read numbers: this process loads neither pandas nor matplotlib, which the kernel has to load anyway.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from sweep.errors import SweepError, UsageError
from sweep.reporting.frames.study_ref import FILES_VARIABLE, STORE_VARIABLE, StudyRef, find_study_ref
from sweep.reporting.render.html import export_html
from sweep.reporting.render.index import SUMMARY, write_index
from sweep.reporting.render.kernel import execute
from sweep.reporting.render.templates import fragment
from sweep.reporting.text.report_diff import LAST
from sweep.store.opening import read_store

SETUP = """\
from sweep.reporting import sections
from sweep.reporting.render.blocks import show_blocks

# The address of the store and the folder of its files come from SWEEP_STORAGE and SWEEP_FILES. SWEEP_REPORT is the
# folder to write to; without it, that is the working folder.
study = sections.open_study({name!r}, as_of={as_of!r})"""

RECORD = """\
# For the index of all reports, and for the next report, which describes the changes since this one.
sections.record(study)"""

NOTEBOOK = "report.ipynb"

# (section function, heading); the order of the page
SECTIONS: tuple[tuple[str, str], ...] = (
    ("verdict", ""),
    ("since_last", ""),
    ("own_question", ""),
    ("dose_response", "Dose and response"),
    ("differences", "Differences from the baseline"),
    ("ablation", "Ablation table"),
    ("own_best_levels", "Each arm at its own best"),
    ("items", "Items"),
    ("samples", "Samples from the same noise"),
    ("search_claims_table", "What the search claimed"),
    ("search", "Search"),
    ("importances", "What mattered"),
    ("interactions", "Interactions"),
    ("evaluation_factors", "Evaluation factors"),
    ("during_training", "During training"),
    ("learning_curves", "Learning curves"),
    ("other_scores", "Other scores"),
    ("chains", "Schedules and loss weights"),
    ("certainty", "How sure"),
    ("completeness", "Every planned cell"),
    ("cost", "Cost"),
    ("provenance", "Provenance"),
    ("methods", "Methods, ready to paste"),
    ("checklist", "Checklist for reviewers"),
)
SHOWN_WHERE: dict[str, Callable[[StudyRef], bool]] = {
    "own_question": lambda study: study.design.own_question is not None,
    "dose_response": lambda study: study.varies_numbers,
    "during_training": lambda study: study.scores_earlier_weights,
    "own_best_levels": lambda study: study.tunes_levels,
    "search_claims_table": lambda study: study.design.arms_are_trials,
    "search": lambda study: study.searched,
    "importances": lambda study: study.design.arms_are_trials,
    "interactions": lambda study: study.design.tests_interactions,
    "items": lambda study: not study.design.trains,
    "learning_curves": lambda study: study.design.trains,
    "evaluation_factors": lambda study: study.design.trains,
    "chains": lambda study: study.design.trains,
}
GIVEN_HEADINGS = {"samples": "Images of the items"}


@dataclass(frozen=True)
class ReportPaths:
    """What was written."""

    notebook: Path
    html: Path
    summary: Path
    last: Path
    index: Path | None
    """Of all reports beside this one; None where a page that is not ours has its name."""
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
        study: Name of the study.

    Raises:
        StoreError: no such store, study or revision.
        UsageError: `out` is not a folder of reports.
        SweepError: a cell failed, or the disk; the partial notebook is written, and ends in the traceback.
    """
    study_ref = find_study_ref(read_store(store_url).engine, study, as_of)
    notebook = build_notebook(study_ref, as_of=as_of)
    try:
        _prepare_folder(out)
        _run(notebook, out, {STORE_VARIABLE: store_url, FILES_VARIABLE: str(files_root.resolve())}, study, on_progress)
        index = write_index(out.parent)
    except OSError as error:
        raise SweepError(
            f"the report of {study} cannot be written to {out}",
            why=f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}.",
            next="Make room or give another folder: --out FOLDER.",
        ) from None
    return ReportPaths(
        out / NOTEBOOK, out / "report.html", out / SUMMARY, out / LAST, index, out / "tables", out / "figures"
    )


def _run(
    notebook: NotebookNode,
    out: Path,
    environment: dict[str, str],
    study: str,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    """Run the cells, and write the notebook and its page whatever comes of it."""
    try:
        execute(notebook, out, environment=environment, on_progress=on_progress)
    except CellExecutionError as error:
        what, *rest = error.evalue.splitlines() or [""]
        raise SweepError(
            f"the report of {study} failed in cell `{_failed_cell(notebook)}`: {error.ename}: {what}",
            why=" ".join([*rest, f"{out / NOTEBOOK} holds all cells before it, and its traceback."]),
            next="Run the notebook to reproduce the error, and please report it with the notebook.",
        ) from None
    except RuntimeError as error:
        raise SweepError(
            f"the report of {study} was not finished: its kernel did not start, or ended",
            why=str(error),
            next=f"Free memory and try again; {out / NOTEBOOK} holds the cells that were run.",
        ) from None
    finally:
        nbformat.write(notebook, out / NOTEBOOK)
        (out / "report.html").write_text(export_html(notebook), encoding="utf-8")


def _prepare_folder(out: Path) -> None:
    """Empty the folders that a report replaces; never those of somebody else.

    Raises:
        UsageError: The folder is a file, or holds tables or figures that no report has made.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file, and a report is a folder", next="Give another: --out FOLDER.")
    replaced = [out / "tables", out / "figures"]
    others = [folder for folder in replaced if folder.exists() and not (out / NOTEBOOK).is_file()]
    if others:
        raise UsageError(
            f"{others[0]} exists already, and no report has written it",
            why=f"A report would replace it, and {out} holds no {NOTEBOOK} of an earlier report.",
            next="Give a folder of its own: --out FOLDER.",
        )
    out.mkdir(parents=True, exist_ok=True)
    for folder in replaced:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)


def build_notebook(study: StudyRef, *, as_of: int | None) -> NotebookNode:
    """The notebook before it runs. Cell ids are names, so that a rebuilt notebook differs only where numbers do.

    Args:
        study: The study at the revision to report.
        as_of: Revision to read; None for the newest.
    """
    cells = [_code("setup", SETUP.format(name=study.name, as_of=as_of))]
    own = study.design.own_question
    shown = [each for each in SECTIONS if each[0] not in SHOWN_WHERE or SHOWN_WHERE[each[0]](study)]
    if own is not None:
        shown = [(function, own.heading if function == "own_question" else usual) for function, usual in shown]
    if not study.design.trains:
        shown = [(function, GIVEN_HEADINGS.get(function, usual)) for function, usual in shown]
    headings = [heading for _, heading in shown if heading]
    for function, heading in shown:
        if heading == headings[0]:
            cells.append(_text("contents", fragment("contents.html.j2", headings=headings)))
        if heading:
            cells.append(_text(f"{function}-heading", f"## {heading}"))
        cells.append(_code(function, f"show_blocks(sections.{function}(study))"))
    cells.append(_code("record", RECORD))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook: NotebookNode = nbformat.v4.new_notebook(
        cells=cells, metadata={"title": study.name, "kernelspec": kernel, "language_info": {"name": "python"}}
    )
    return notebook


def _text(name: str, source: str) -> NotebookNode:
    cell: NotebookNode = nbformat.v4.new_markdown_cell(source)
    cell["id"] = name
    return cell


def _code(name: str, source: str) -> NotebookNode:
    cell: NotebookNode = nbformat.v4.new_code_cell(source)
    cell["id"] = name
    return cell


def _failed_cell(notebook: NotebookNode) -> str:
    failed = [
        cell["id"]
        for cell in notebook.cells
        if any(output["output_type"] == "error" for output in cell.get("outputs", []))
    ]
    return str(failed[-1]) if failed else "?"
