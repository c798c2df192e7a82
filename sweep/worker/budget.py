"""The budget of a study: device hours over all workers and relaunches."""

from __future__ import annotations

from datetime import UTC, datetime

from sweep.config.study import Study
from sweep.store import cells, status
from sweep.store.transaction import Store

BUDGET_REACHED = 3
HOUR = 3600.0


def device_hours(store: Store, study_id: int) -> float:
    """Hours of training so far, those of attempts under way included. A run that several arms share counts once."""
    spent = {cell.run_id: cell.seconds for cell in cells(store, study_id)}
    now = datetime.now(UTC)
    for work in status(store, study_id).running:
        if work.kind == "train" and not work.is_stale:
            # Shown, not decided, by the worker's clock elsewhere; here an hour of skew costs at most that hour.
            spent[work.run_id] = spent.get(work.run_id, 0.0) + max(0.0, (now - work.started_at).total_seconds())
    return sum(spent.values()) / HOUR


def over_budget(store: Store, study: Study, study_id: int) -> bool:
    """Whether the study has had all the device hours that its file allows."""
    return study.budget is not None and device_hours(store, study_id) >= study.budget.gpu_hours
