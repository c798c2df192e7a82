"""What a report leaves for others to read: its verdict, and the state that the next report is compared with."""

from __future__ import annotations

import json
from math import isfinite
from pathlib import Path

from sweep.reporting.frames.study_ref import report_folder
from sweep.reporting.render.blocks import Block, Html
from sweep.reporting.render.index import SUMMARY, Summary
from sweep.reporting.render.templates import fragment
from sweep.reporting.sections.answer import Row, answer
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.stats.comparison import RULE
from sweep.reporting.text.report_diff import (
    ArmState,
    ReportState,
    changes_in_sentences,
    report_changes,
    state_before,
    write_last,
)
from sweep.store.states import CellStatus


def since_last(study: ReportedStudy, folder: Path | None = None) -> list[Block]:
    """What changed since the last report in this folder that showed something else; nothing in a first report.

    Args:
        study: The study, with its comparison.
        folder: Folder of the report; None for the one that is being built.
    """
    now = state_of(study)
    before = state_before(folder or report_folder(), now)
    if before is None:
        return []
    when = before["data_as_of"][:16].replace("T", " ")
    sentences = changes_in_sentences(report_changes(before, now))
    return [Html(fragment("since.html.j2", sentences=sentences, when=f"{when} UTC" if when else ""))]


def record(study: ReportedStudy, folder: Path | None = None) -> None:
    """Write summary.json and last.json; the last cell of the notebook.

    Args:
        study: The study, with its comparison.
        folder: Folder of the report; None for the one that is being built.
    """
    summary = json.dumps(summary_of(study).as_dict(), indent=2)
    folder = folder or report_folder()
    (folder / SUMMARY).write_text(summary + "\n", encoding="utf-8")
    write_last(folder, state_of(study))


def summary_of(study: ReportedStudy) -> Summary:
    """The verdict, as data.

    Args:
        study: The study, with its comparison.
    """
    result = answer(study)
    cells = study.frames.cells
    row = result.row or {}
    difference, low, high = (_known(row.get(key)) for key in ("difference", "low", "high"))
    return Summary(
        study=study.frames.name,
        question=study.frames.question,
        verdict=result.word,
        sentence=result.sentence,
        basis=result.basis,
        done=int((cells["status"] == CellStatus.DONE).sum()),
        planned=len(cells),
        data_as_of=_data_as_of(study),
        arm=str(row.get("says", "")),
        score=study.score,
        difference=difference,
        low=low,
        high=high,
        baseline_mean=_known(study.comparison.baseline_mean),
        seeds=int(row.get("pairs", 0)),
    )


def _known(value: float | None) -> float | None:
    return float(value) if value is not None and isfinite(value) else None


def state_of(study: ReportedStudy) -> ReportState:
    """Every number that a reader would want to know the change of.

    Args:
        study: The study, with its comparison.
    """
    cells = study.frames.cells["status"].value_counts()
    return ReportState(
        revision=study.frames.revision,
        data_as_of=_data_as_of(study),
        cells={str(status): int(cells[status]) for status in sorted(cells.index)},
        rule=RULE,
        arms={str(row["arm"]): _arm_state(row) for row in study.comparison.arms.to_dict("records")},
    )


def _arm_state(row: Row) -> ArmState:
    mean, difference, low, high = (_known(row[key]) for key in ("mean", "difference", "low", "high"))
    return ArmState(verdict=row["verdict"], n=row["n"], mean=mean, difference=difference, low=low, high=high)


def _data_as_of(study: ReportedStudy) -> str:
    moment = study.frames.data_as_of
    return moment.isoformat() if moment else ""
