"""The budget of a study: device hours over all workers and relaunches."""

from __future__ import annotations

from sweep.config.study import Study
from sweep.store.queries.spending import training_seconds
from sweep.store.sql.transaction import Store

BUDGET_REACHED = 3
HOUR = 3600.0


def device_hours(store: Store, study_id: int) -> float:
    """Hours of training so far, those of attempts under way included. A run that several arms share counts once."""
    return training_seconds(store, study_id) / HOUR


def over_budget(store: Store, study: Study, study_id: int) -> bool:
    """Whether the study has had all the device hours that its file allows."""
    return study.budget is not None and device_hours(store, study_id) >= study.budget.gpu_hours
