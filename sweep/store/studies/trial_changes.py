"""Changes of cells that were over: how many there were is the revision of what workers remember of a study.

Whatever plans ended work again, or excludes a cell, adds a row in the same transaction, for every study that reads the
work. Rows are only added, so that nobody waits for a lock; they are counted, because ids are handed out before commits.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Select, func, insert, select

from sweep.store.sql.schema import CELL, SCORE_REQUEST, TRIAL_CHANGE
from sweep.store.states import WorkKind


def count_changes(connection: Connection, study_id: int) -> int:
    """How many there were in a study so far."""
    rows = select(func.count()).select_from(TRIAL_CHANGE).where(TRIAL_CHANGE.c.study_id == study_id)
    return connection.scalars(rows).one()


def note_change(connection: Connection, study_id: int) -> None:
    """A cell of the study was over and is another one now."""
    connection.execute(insert(TRIAL_CHANGE).values(study_id=study_id))


def note_work_changes(connection: Connection, kind: WorkKind, ids: Sequence[int]) -> None:
    """Runs or scores that had ended are planned again; not more of them than a statement takes."""
    if ids:
        connection.execute(insert(TRIAL_CHANGE).from_select(["study_id"], _readers(kind, ids)))


def _readers(kind: WorkKind, ids: Sequence[int]) -> Select[int]:
    if kind == WorkKind.TRAIN:
        return select(CELL.c.study_id).where(CELL.c.run_id.in_(ids)).distinct()
    read = select(CELL.c.study_id).join(SCORE_REQUEST, SCORE_REQUEST.c.cell_id == CELL.c.id)
    return read.where(SCORE_REQUEST.c.score_id.in_(ids)).distinct()
