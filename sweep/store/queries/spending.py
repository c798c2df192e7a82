"""What a study has cost so far: one sum, which every worker of a study with a budget asks for at each heartbeat."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Integer, Select, and_, bindparam, func, select

from sweep.store.sql.clock import now, seconds_since
from sweep.store.sql.schema import ATTEMPT, CELL, RUN
from sweep.store.sql.transaction import Store
from sweep.store.states import RunState


def training_seconds(store: Store, study_id: int) -> float:
    """Sum the seconds for which the runs of a study were trained on a device, over all workers and attempts.

    An attempt under a live lease counts up to this moment. A run that several cells share counts once.

    Args:
        store: The open database.
        study_id: Row id of the study.

    Returns:
        Seconds of training.
    """
    spent = store.read(lambda connection: connection.execute(_spent(), {"study": study_id}).one())
    return sum(float(seconds or 0.0) for seconds in spent)


@cache
def _spent() -> Select[Any]:
    runs = select(CELL.c.run_id).where(CELL.c.study_id == bindparam("study", type_=Integer))
    ended = select(func.sum(RUN.c.seconds)).where(RUN.c.id.in_(runs)).scalar_subquery()
    this = and_(ATTEMPT.c.run_id == RUN.c.id, ATTEMPT.c.token == RUN.c.token, ATTEMPT.c.score_id.is_(None))
    live = (RUN.c.state == RunState.TRAINING, RUN.c.lease_until >= now(), RUN.c.id.in_(runs))
    under_way = select(func.sum(seconds_since(ATTEMPT.c.started_at))).join(RUN, this).where(*live).scalar_subquery()
    return select(ended.label("ended"), under_way.label("under_way"))
