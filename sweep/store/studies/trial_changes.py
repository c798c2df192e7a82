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
    """Count the changes of finished cells of a study so far.

    Args:
        connection: Connection inside a transaction.
        study_id: Row id of the study.

    Returns:
        Number of changes; it only grows.
    """
    rows = select(func.count()).select_from(TRIAL_CHANGE).where(TRIAL_CHANGE.c.study_id == study_id)
    return connection.scalars(rows).one()


def note_change(connection: Connection, study_id: int) -> None:
    """Record that a finished cell of a study has changed.

    Args:
        connection: Connection inside a writing transaction.
        study_id: Row id of the study.
    """
    connection.execute(insert(TRIAL_CHANGE).values(study_id=study_id))


def note_work_changes(connection: Connection, kind: WorkKind, ids: Sequence[int]) -> None:
    """Record that finished runs or scores are planned again, for every study that reads them.

    Args:
        connection: Connection inside a writing transaction.
        kind: Whether the work are runs or scores.
        ids: Row ids of the runs or of the scores, at most `demand.BATCH`.
    """
    if ids:
        connection.execute(insert(TRIAL_CHANGE).from_select(["study_id"], _readers(kind, ids)))


def _readers(kind: WorkKind, ids: Sequence[int]) -> Select[int]:
    if kind == WorkKind.TRAIN:
        return select(CELL.c.study_id).where(CELL.c.run_id.in_(ids)).distinct()
    read = select(CELL.c.study_id).join(SCORE_REQUEST, SCORE_REQUEST.c.cell_id == CELL.c.id)
    return read.where(SCORE_REQUEST.c.score_id.in_(ids)).distinct()
