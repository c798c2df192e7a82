"""What reviewers ask, answered from the store, for the page and for the checklist of a paper."""

from __future__ import annotations

from sweep.reporting.formatting import rounded_duration
from sweep.reporting.render.blocks import Block, Document, note
from sweep.reporting.render.checklist import checklist_tex
from sweep.reporting.render.tables import Column, TextCell, table_block, text_cells
from sweep.reporting.render.templates import fragment
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.stats.work_done import ENDINGS, work_by_kind
from sweep.reporting.text.checklist import checklist_items


def checklist(study: ReportedStudy) -> list[Block]:
    """Answers to the items of the NeurIPS checklist that a study can answer, and the attempts behind the hours.

    Args:
        study: The study, with its comparison.
    """
    items = checklist_items(study.frames, study.comparison, study.split)
    intro = (
        "The items of the NeurIPS paper checklist on experiments, error bars, compute and existing assets, answered "
        "from the store. tables/checklist.tex has them as LaTeX. What the store does not know is listed, for the "
        "authors to add."
    )
    document = Document("checklist", fragment("checklist.html.j2", items=items), checklist_tex(items))
    return [note(intro), document, *_work(study)]


def _work(study: ReportedStudy) -> list[Block]:
    """Attempts and hours by kind of work."""
    work = work_by_kind(study.frames)
    if work.empty:
        return []
    rows = work.to_dict("records")
    shown = [ending for ending in ENDINGS if int(work[ending].sum())]

    def hours(name: str) -> list[TextCell]:
        return [TextCell(rounded_duration(3600.0 * row[name])) for row in rows]

    columns = [
        Column("Work", text_cells([row["work"] for row in rows])),
        Column("Attempts", text_cells([row["attempts"] for row in rows]), numeric=True),
        *(Column(each.capitalize(), text_cells([row[each] for row in rows]), numeric=True) for each in shown),
        Column("Time", hours("hours"), numeric=True),
        Column("Of that, failed", hours("failed_hours"), numeric=True),
    ]
    caption = (
        "Attempts at trainings and scores of this study, and the time of workers from the start of an attempt to its "
        "end. An attempt that was interrupted is continued by another one. The time of attempts whose worker was lost "
        "is not known, and not counted."
    )
    return [table_block("work", columns, caption=caption, data=work)]
