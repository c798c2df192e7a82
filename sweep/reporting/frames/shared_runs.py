"""Runs that other studies of the store read, too: equal train keys are one run, whichever studies ask for it."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import ColumnElement, Engine, func, select

from sweep.reporting.frames.query import frame_of
from sweep.store.sql.schema import CELL, STUDY


def shared_runs_of(engine: Engine, study_id: int, is_included: ColumnElement[bool]) -> pd.DataFrame:
    """One row for each arm and other study that have runs in common: arm_id, study, runs.

    Args:
        engine: Connection to the store.
        study_id: The study's id in it.
        is_included: Condition on CELL that selects the cells of the study.
    """
    other = CELL.alias("other")
    return frame_of(
        engine,
        select(CELL.c.arm_id, STUDY.c.name.label("study"), func.count(func.distinct(CELL.c.run_id)).label("runs"))
        .join(other, other.c.run_id == CELL.c.run_id)
        .join(STUDY, STUDY.c.id == other.c.study_id)
        .where(is_included, other.c.study_id != study_id)
        .group_by(CELL.c.arm_id, STUDY.c.id, STUDY.c.name)
        .order_by(CELL.c.arm_id, STUDY.c.id),
    )
