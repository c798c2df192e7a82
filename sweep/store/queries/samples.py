"""Sample grids and times of a study, for what shows its runs one by one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from sweep.store.sql.schema import ARTIFACT, CELL, RUN
from sweep.store.sql.transaction import Store


@dataclass(frozen=True, slots=True)
class Grid:
    """A sheet of generated images: PNG, by its path under the store's folder."""

    score_id: int
    path: str
    sha256: str


def grids(store: Store, study_id: int) -> dict[int, Grid]:
    """Find the sheet of generated images of each score of a study's runs.

    Args:
        store: The open database.
        study_id: Row id of the study.

    Returns:
        Score id -> the sheet of its newest attempt, of its first noise set. Scores without a sheet are left out.
    """
    runs = select(CELL.c.run_id).where(CELL.c.study_id == study_id)
    query = (
        select(ARTIFACT.c.score_id, ARTIFACT.c.path, ARTIFACT.c.sha256)
        .where(ARTIFACT.c.kind == "grid", ARTIFACT.c.score_id.is_not(None), ARTIFACT.c.run_id.in_(runs))
        .order_by(ARTIFACT.c.token, ARTIFACT.c.step.desc(), ARTIFACT.c.id)  # the last one of a score is kept
    )

    def work(connection: Connection) -> dict[int, Grid]:
        rows = connection.execute(query).all()
        return {score: Grid(score, path, sha256) for score, path, sha256 in rows if score is not None}

    return store.read(work)


def run_times(store: Store, study_id: int) -> dict[int, tuple[datetime, datetime | None]]:
    """Read when each run of a study was planned and when its training ended.

    Args:
        store: The open database.
        study_id: Row id of the study.

    Returns:
        Run id -> (time of planning, time of the end or None), in UTC by the database's clock.
    """
    runs = select(CELL.c.run_id).where(CELL.c.study_id == study_id)
    query = select(RUN.c.id, RUN.c.created_at, RUN.c.finished_at).where(RUN.c.id.in_(runs))

    def work(connection: Connection) -> dict[int, tuple[datetime, datetime | None]]:
        return {row.id: (row.created_at, row.finished_at) for row in connection.execute(query)}

    return store.read(work)
