"""Who worked on a study and when: attempts at its runs and scores, and the workers that made them."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import ColumnElement, Engine, select

from sweep.reporting.frames.query import frame_of
from sweep.store.sql.schema import ATTEMPT, CELL, WORKER


def attempts_of(engine: Engine, is_included: ColumnElement[bool]) -> pd.DataFrame:
    """Attempts at the runs and scores of a study, oldest first; columns as in `frames`.

    Args:
        engine: Connection to the store.
        is_included: Condition on CELL that selects the cells.
    """
    return frame_of(
        engine,
        select(
            *(ATTEMPT.c.run_id, ATTEMPT.c.score_id, ATTEMPT.c.worker_id, WORKER.c.device, ATTEMPT.c.started_at),
            *(ATTEMPT.c.ended_at, ATTEMPT.c.end_reason, ATTEMPT.c.detail, ATTEMPT.c.device_workers),
            *(ATTEMPT.c.peak_bytes, ATTEMPT.c.execution, ATTEMPT.c.execution_reason),
        )
        .join(WORKER, WORKER.c.id == ATTEMPT.c.worker_id)
        .where(ATTEMPT.c.run_id.in_(select(CELL.c.run_id).where(is_included)))
        .order_by(ATTEMPT.c.id),
    )


def workers_of(engine: Engine, is_included: ColumnElement[bool]) -> pd.DataFrame:
    """Workers that made these attempts, by host and device; columns as in `frames`.

    Args:
        engine: Connection to the store.
        is_included: Condition on CELL that selects the cells.
    """
    attempts = select(ATTEMPT.c.worker_id).where(ATTEMPT.c.run_id.in_(select(CELL.c.run_id).where(is_included)))
    return frame_of(
        engine,
        select(WORKER.c.id.label("worker_id"), WORKER.c.host, WORKER.c.device, WORKER.c.environment)
        .where(WORKER.c.id.in_(attempts))
        .order_by(WORKER.c.host, WORKER.c.device, WORKER.c.id),
    )
