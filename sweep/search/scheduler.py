"""Moving a study on when its workers run dry: add what is due, or the next trial that Optuna advises."""

from __future__ import annotations

import time

from sweep.config.designs.tuning import TuningRun
from sweep.config.study import Study
from sweep.errors import InfeasibleConfig, LeaseLost
from sweep.planning.cells import cells_of, cells_of_request
from sweep.planning.trial_records import TrialRecords
from sweep.planning.tuning import MAX_MODELLED, exceeds, tuning_runs_of
from sweep.search.more_seeds import seeds_due
from sweep.search.promotion import Promotion
from sweep.search.renewal import renewing
from sweep.search.scheduling_result import SchedulingResult
from sweep.search.suggest import TrialOutcome
from sweep.search.trial_cache import TrialCache
from sweep.store.queue.events import add_event, add_event_once
from sweep.store.queue.search_lease import advisor_lease, record_infeasible_suggestion, release_advisor
from sweep.store.records import ArmRecord
from sweep.store.sql.transaction import Store
from sweep.store.states import EventKind, Phase
from sweep.store.studies.arms import add_arms
from sweep.store.studies.cells import add_cells, add_search_cell

ADVISOR_SECONDS = 60.0
POLL_SECONDS = 0.2
"""Kind of the event that tells of a search sampler that models only some of the trials."""
# Draws in a row that make no sense together, before the space itself is called wrong.
MAX_REDRAWS = 100


def advance(
    store: Store, study: Study, study_id: int, *, owner: str, patience: float = 10.0, cache: TrialCache | None = None
) -> SchedulingResult:
    """Add the next cells of a study that grows, if any are due.

    One worker at a time does this, under the advisor's lease, which is renewed for as long as it takes.

    Args:
        store: Open store of studies, runs and scores.
        study: The study, as read from its file.
        study_id: Number of the study in the store.
        owner: Id of the worker.
        patience: Seconds to wait for the advisor's lease; a suggestion seldom takes more than one.
        cache: Of this process; without one, everything is read anew.

    Returns:
        What came of it. `NOTHING_DUE` is what the store holds at this moment: work under way may make more due.

    Raises:
        InfeasibleConfig: nothing in the search space makes sense together.
        StoreError: the database stayed away for longer than the store's patience.
    """
    if not study.grows:
        return SchedulingResult.NOTHING_DUE
    if not _lease(store, study_id, owner, patience):
        return SchedulingResult.UNKNOWN
    try:
        with renewing(store, study_id, owner, ttl=ADVISOR_SECONDS):
            added = _Scheduler(store, study, study_id, owner, cache or TrialCache()).advance()
        return SchedulingResult.ADDED if added else SchedulingResult.NOTHING_DUE
    except LeaseLost:
        return SchedulingResult.UNKNOWN
    finally:
        release_advisor(store, study_id, owner)


def _lease(store: Store, study_id: int, owner: str, patience: float) -> bool:
    until = time.monotonic() + patience
    while not advisor_lease(store, study_id, owner, ttl=ADVISOR_SECONDS):
        if time.monotonic() >= until:
            return False
        time.sleep(POLL_SECONDS)
    return True


class _Scheduler:
    def __init__(self, store: Store, study: Study, study_id: int, owner: str, cache: TrialCache) -> None:
        self._store = store
        self._study = study
        self._study_id = study_id
        self._owner = owner
        self._cache = cache
        snapshot = cache.refresh(store, study, study_id)
        self._tuning_runs = tuning_runs_of(study)
        self._known = TrialRecords(snapshot.cells, snapshot.changes, study.metric)
        self._refused = snapshot.refused
        self._promotions = {
            each.prefix: Promotion(store, study, study_id, snapshot.protocol, self._known, each)
            for each in self._tuning_runs
        }

    def advance(self) -> bool:
        promoted = [promotion.advance() for promotion in self._promotions.values()]
        return self._add_due() or self._add_seeds() or any(promoted) or self._explore()

    def _add_seeds(self) -> bool:
        due = seeds_due(self._study, self._known)
        if due:
            add_cells(self._store, self._study_id, due)
        return bool(due)

    def _add_due(self) -> bool:
        requests = self._study.design.next_cells(self._study, self._tuning_runs, self._known)
        existing_cells = (
            {(cell.arm_name, cell.phase, cell.replicate) for cell in self._known.cells} if requests else set()
        )
        added = False
        for request in requests:
            wanted_cells = cells_of_request(self._study, request)
            missing = [
                cell for cell in wanted_cells if (cell.arm_name, cell.phase, cell.replicate) not in existing_cells
            ]
            if not missing:
                continue
            add_arms(self._store, self._study_id, [ArmRecord(request.arm.name, request.arm.changes)])
            add_cells(self._store, self._study_id, missing)
            if request.event:
                add_event(
                    self._store,
                    EventKind(request.event),
                    request.message,
                    study_id=self._study_id,
                    detail=request.detail,
                )
            added = True
        return added

    def _explore(self) -> bool:
        """Ask for the tuning run that has the fewest trials and wants more."""
        for tuning_run in sorted(self._tuning_runs, key=lambda each: len(self._known.trials(each))):
            if self._known.counted(tuning_run) < tuning_run.trials and self._ask(tuning_run):
                return True
        return False

    def _ask(self, tuning_run: TuningRun) -> bool:
        history = self._cache.history(self._study, tuning_run)
        refused = tuning_run.numbered(self._refused)
        shown = history.now(self._known, self._promotions[tuning_run.prefix], refused)
        trials = self._known.trials(tuning_run)
        self._warn_of_subset(tuning_run, sum(trial.value is not None for trial in shown))
        after = max(trials, default=-1)
        first = max([after, *refused]) + 1
        for number in range(first, first + MAX_REDRAWS):
            changes = history.advisor.ask(number, shown, refused=number - after - 1)
            arm = tuning_run.trial(number, changes)
            unique = self._unique(tuning_run, number)
            try:
                (cell,) = cells_of(self._study, arm, phase=Phase.SEARCH, trial_number=unique)
            except InfeasibleConfig as reason:
                # Not a training, so not one of the total; kept, so that the draw is not repeated.
                record_infeasible_suggestion(
                    self._store, self._study_id, arm.name, changes, what=reason.what, why=reason.why
                )
                shown += history.advisor.shown(number, changes, TrialOutcome(None))
                continue
            record = ArmRecord(arm.name, arm.changes)
            total = self._max_trials()
            return add_search_cell(self._store, self._study_id, self._owner, record, cell, total=total) is not None
        raise InfeasibleConfig(
            f"{MAX_REDRAWS} draws in a row from the search space make no sense together",
            why=f"The last ones stand as `{EventKind.INFEASIBLE_DRAW}` in the study's events.",
            next="Narrow the factors of the study, then: sweep plan FILE",
        )

    def _max_trials(self) -> int:
        """Trials of the whole study, with those that an earlier revision asked for and this one does not."""
        counted = {each.prefix: self._known.counted(each) for each in self._tuning_runs}
        trials = sum(cell.phase == Phase.SEARCH and cell.excluded_reason is None for cell in self._known.cells)
        wanted = sum(max(each.trials, counted[each.prefix]) for each in self._tuning_runs)
        return wanted + trials - sum(counted.values())

    def _warn_of_subset(self, tuning_run: TuningRun, finished: int) -> None:
        sampler = tuning_run.search_sampler
        if exceeds(sampler, finished):
            limit = MAX_MODELLED[sampler]
            message = f"search sampler {sampler} models {limit} of {finished} finished trials: the best and a sample"
            add_event_once(self._store, EventKind.SUBSET, message, study_id=self._study_id)

    def _unique(self, tuning_run: TuningRun, number: int) -> int:
        """A number of the trial that is its own in the whole study: of several tuning runs, the next in the store."""
        if len(self._tuning_runs) == 1:
            return number
        return max((c.trial_number for c in self._known.cells if c.trial_number is not None), default=-1) + 1
