"""What a study still trains that nobody has planned yet, so that it is not called done between two trials."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sweep.store.queries.views import cells, status
from sweep.store.sql.transaction import Store
from sweep.store.states import StudyState
from sweep.store.status_records import StatusRecord
from sweep.store.stored_config import study_spec

if TYPE_CHECKING:
    from sweep.config.study import Study
    from sweep.planning.trial_records import TrialRecords

# Designs whose studies get no cells after the launch. Their status is shown without loading the models of the
# configuration, which would take most of the time; a design that is missing here is asked itself.
PLANNED_WHOLE = ("one_at_a_time", "leave_one_out", "add_one_in", "factorial", "fractional", "given")


def status_of(store: Store, study_id: int) -> StatusRecord:
    """How far a study is, with the trainings that are decided on the way. Reads only.

    Args:
        store: Open store of studies, runs and scores.
        study_id: Number of the study in the store.

    Raises:
        StoreError: the database cannot be read.
    """
    stored = status(store, study_id)
    spec = stored.study.spec
    is_whole = (spec.get("design") or {}).get("kind", "one_at_a_time") in PLANNED_WHOLE and not spec.get("tune")
    if is_whole and not (spec.get("interim_analyses") or {}).get("stop_decided"):
        return stored
    return replace(stored, to_come=to_come(store, stored))


def to_come(store: Store, now: StatusRecord) -> int:
    """Trainings of a study that grows and that are not planned yet; 0 of a cancelled one.

    While results are out that decide what comes next, as many as the design may ask for; then exactly what is due.

    Args:
        store: Open store of studies, runs and scores.
        now: The study as its tables have it.
    """
    from sweep.planning.plan import expected_trainings
    from sweep.planning.trial_records import TrialRecords

    if now.study.state == StudyState.CANCELLED:
        return 0
    study = study_spec(now.study.spec, of=now.study.name)
    if not study.grows:
        return 0
    changes = {arm.name: dict(arm.changes) for arm in now.study.arms}
    known = TrialRecords(cells(store, now.study.id), changes, study.metric)
    due = _trials_due(study, known) + _requested(study, known)
    if not due and now.runs_left + now.scores_left == 0:
        return 0
    planned = sum(cell.excluded_reason is None for cell in known.cells)
    return max(due, expected_trainings(study) - planned)


def _trials_due(study: Study, known: TrialRecords) -> int:
    from sweep.planning.tuning import tuning_runs_of

    return sum(max(0, each.trials - known.counted(each)) for each in tuning_runs_of(study))


def _requested(study: Study, known: TrialRecords) -> int:
    """Cells that the results so far ask for and that nobody has added yet."""
    from sweep.planning.cells import cells_of_request
    from sweep.planning.tuning import tuning_runs_of
    from sweep.search.more_seeds import seeds_due

    existing_cells = {(cell.arm_name, cell.phase, cell.replicate) for cell in known.cells}
    wanted = (
        cell
        for request in study.design.next_cells(study, tuning_runs_of(study), known)
        for cell in cells_of_request(study, request)
    )
    requested = {(cell.arm_name, cell.phase, cell.replicate) for cell in wanted} - existing_cells
    return len(requested | {(cell.arm_name, cell.phase, cell.replicate) for cell in seeds_due(study, known)})
