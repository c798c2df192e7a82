"""The budget of a study: device hours, summed over all workers and launches."""

from __future__ import annotations

from sweep.config.study import Study
from sweep.store.queries.spending import training_seconds
from sweep.store.sql.transaction import Store

BUDGET_REACHED = 3
HOUR = 3600.0


def device_hours(store: Store, study_id: int) -> float:
    """Device hours that the trainings of a study have taken so far.

    Attempts under way are included. A run that several arms share counts once.

    Args:
        store: The store that holds the study.
        study_id: The study's id in it.
    """
    return training_seconds(store, study_id) / HOUR


def over_budget(store: Store, study: Study, study_id: int) -> bool:
    """Whether a study has used all the device hours that its file allows.

    Args:
        store: The store that holds the study.
        study: The study file; without a budget it allows any number of hours.
        study_id: The study's id in the store.
    """
    return study.budget is not None and device_hours(store, study_id) >= study.budget.gpu_hours
