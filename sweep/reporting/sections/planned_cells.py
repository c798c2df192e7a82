"""What became of every planned cell, and which runs other studies read, too."""

from __future__ import annotations

import pandas as pd

from sweep.quantities import quantity
from sweep.reporting.formatting import join_words
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.render.blocks import Block, note
from sweep.reporting.render.tables import Column, table_block, text_cells
from sweep.reporting.sections.study import ReportedStudy
from sweep.store.states import CellStatus, Phase

MAX_ROWS = 200
MAX_SHARED_ARMS = 8


def completeness(study: ReportedStudy) -> list[Block]:
    """Counts of every arm, then every cell that is not done, with its reason.

    Args:
        study: The study, with its comparison.
    """
    cells = with_unplanned(study)
    if cells.empty:
        return [note("This study has no planned cell.")]
    tally = cells["status"].value_counts()
    states = join_words([f"{tally[status]} {status}" for status in CellStatus if status in tally])
    blocks: list[Block] = [note(f"{quantity(len(cells), 'cell')}: {states}.{shared_with_others(study.frames)}")]
    open_cells = cells[cells["status"] != CellStatus.DONE]
    if open_cells.empty:
        return blocks
    shown = open_cells.head(MAX_ROWS)
    columns = [
        Column("Arm", text_cells(list(shown["arm"]))),
        Column("Phase", text_cells(list(shown["phase"]))),
        Column("Replicate", text_cells(list(shown["replicate"])), numeric=True),
        Column("State", text_cells(list(shown["status"]))),
        Column("Reason", text_cells(list(shown["reason"]))),
    ]
    more = f" The table shows {MAX_ROWS} of {len(open_cells)}, the CSV file all." if len(open_cells) > MAX_ROWS else ""
    caption = f"Cells without a valid score, and the reasons.{more}"
    return [*blocks, table_block("cells_not_done", columns, caption=caption, data=open_cells)]


def shared_with_others(frames: StudyFrames) -> str:
    """Sentences on the runs that other studies of the store read, too; empty where there are none.

    Args:
        frames: The tables of the study.
    """
    shared_runs = frames.shared_runs
    sentences = []
    for arm, rows in list(shared_runs.groupby("arm", sort=False))[:MAX_SHARED_ARMS]:
        subject = "the baseline" if rows["is_baseline"].iloc[0] else str(arm)
        others = join_words([f"{row['study']} ({quantity(row['runs'], 'run')})" for row in rows.to_dict("records")])
        sentences.append(f"Runs of {subject} also belong to {others}.")
    if not sentences:
        return ""
    more = shared_runs["arm"].nunique() - len(sentences)
    rest = f" So do runs of {quantity(more, 'more arm')}." if more else ""
    once = "Each was trained once: its score is the same number in all of these studies, and no further evidence."
    return f" {' '.join(sentences)}{rest} {once}"


def with_unplanned(study: ReportedStudy) -> pd.DataFrame:
    """Cells (arm, phase, replicate, status, reason), one for each replicate that other arms have and an arm lacks.

    Args:
        study: The study, with its comparison.
    """
    cells = study.frames.cells[["arm", "phase", "replicate", "status", "reason"]]
    confirm = cells[cells["phase"] == Phase.CONFIRM]
    planned = pd.MultiIndex.from_frame(confirm[["arm", "replicate"]])
    whole = pd.MultiIndex.from_product([confirm["arm"].unique(), sorted(confirm["replicate"].unique())])
    lacking = whole.difference(planned, sort=False)
    rows = [
        {
            "arm": arm,
            "phase": Phase.CONFIRM,
            "replicate": replicate,
            "status": CellStatus.MISSING,
            "reason": "never planned",
        }
        for arm, replicate in lacking
    ]
    return pd.concat([cells, pd.DataFrame(rows, columns=cells.columns)], ignore_index=True) if rows else cells
