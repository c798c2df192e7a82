"""Moving a study on when its workers run dry: tell Optuna what happened, ask for the next trial, add what is due."""

from __future__ import annotations

import time
from collections.abc import Callable

from optuna.exceptions import StorageInternalError
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from sweep.config.factors import Changes
from sweep.config.study import Study
from sweep.errors import InfeasibleConfig, LeaseLost, StoreError, UsageError
from sweep.search.advisor import Advisor
from sweep.search.cells import cells_of
from sweep.search.climb import Climb
from sweep.search.explorations import Exploration, Known, explorations_of, grows, is_over, teaches
from sweep.search.memory import Memory
from sweep.search.optuna_storage import storage_url
from sweep.search.space import level_scores
from sweep.search.stages import requests_of
from sweep.store.advisor import advisor_lease, mark_told, release_advisor
from sweep.store.events import add_event, events
from sweep.store.plan import add_cells, add_search_cell
from sweep.store.records import ArmRecord
from sweep.store.registry import add_arms
from sweep.store.snapshots import CellRecord
from sweep.store.transaction import Store

ADVISOR_SECONDS = 60.0
POLL_SECONDS = 0.2
# Draws in a row that make no sense together, before the space itself is called wrong.
MAX_REDRAWS = 100
# Optuna's storage gives up at the first lost connection: with the last of these, where one is lost amid an update.
_AWAY = (StorageInternalError, DBAPIError, UnboundLocalError)
REFUSED = "infeasible_draw"
EVERY_EVENT = 10**9


def advance(
    store: Store, study: Study, study_id: int, *, owner: str, patience: float = 10.0, memory: Memory | None = None
) -> bool:
    """Add the next cells of a study that grows, if any are due. False when there is nothing to add now.

    One worker at a time does this. The others wait for their turn, because a worker that hears False too early and sees
    no work leaves a study that has some.

    Args:
        patience: Seconds to wait for the advisor's lease; an asking takes less than one.
        memory: Of this process; without one, everything is read anew.

    Raises:
        InfeasibleConfig: nothing in the search space makes sense together.
        StoreError: the database stayed away for longer than the store's patience.
    """
    kept = memory or Memory()
    if not grows(study) or not _lease(store, study_id, owner, patience):
        return False
    try:
        return _patiently(store, kept, lambda: _Growth(store, study, study_id, owner, kept).advance())
    except LeaseLost:  # it ran out, and another worker goes on
        return False
    finally:
        kept.rest()
        release_advisor(store, study_id, owner)


def _patiently(store: Store, memory: Memory, act: Callable[[], bool]) -> bool:
    """Begin again after a lost connection: what was half done is found and completed, as after a kill."""
    until: float | None = None
    while True:
        try:
            return act()
        except _AWAY as error:
            until = until or time.monotonic() + store.patience_seconds
            if time.monotonic() > until or store.give_up():
                raise StoreError(
                    "Optuna's tables cannot be used",
                    why=type(error).__name__,
                    next="sweep doctor; then type the same command again; nothing was lost.",
                ) from error
            memory.forget()  # what it names may be gone
            store.read(lambda connection: connection.scalar(select(1)))  # waits until the database is back


def rebuild(store: Store, study: Study, study_id: int, *, owner: str, patience: float = 10.0) -> int:
    """Drop what Optuna holds of a study and tell it all that our tables know; returns how many trials that is.

    Raises:
        UsageError: Optuna chooses nothing in this study.
        StoreError: a worker has been asking Optuna for longer than `patience` seconds.
    """
    if not explorations_of(study):
        raise UsageError(
            f"Optuna chooses nothing in study {study.name!r}",
            next=f"Nothing to do: the arms of {study.design.kind} are fixed.",
        )
    if not _lease(store, study_id, owner, patience):
        raise StoreError(f"a worker is asking Optuna about {study.name!r}", next="Type the same again in a minute.")
    memory = Memory()
    try:
        return _Growth(store, study, study_id, owner, memory).rebuild()
    finally:
        memory.forget()
        release_advisor(store, study_id, owner)


def _lease(store: Store, study_id: int, owner: str, patience: float) -> bool:
    until = time.monotonic() + patience
    while not advisor_lease(store, study_id, owner, ttl=ADVISOR_SECONDS):
        if time.monotonic() >= until:
            return False
        time.sleep(POLL_SECONDS)
    return True


class _Growth:
    def __init__(self, store: Store, study: Study, study_id: int, owner: str, memory: Memory) -> None:
        self._store = store
        self._study = study
        self._study_id = study_id
        self._owner = owner
        self._memory = memory
        found = memory.look(store, study, study_id)
        self._explorations = explorations_of(study)
        self._known = Known(found.cells, found.changes, study.metric)
        self._climbs = {
            each.optuna_name: Climb(store, study, study_id, found.protocol, self._known, each)
            for each in self._explorations
        }

    def advance(self) -> bool:
        climbed = [climb.advance() for climb in self._climbs.values()]
        return self._add_due() or any(climbed) or self._explore()

    def _add_due(self) -> bool:
        requests = requests_of(self._study, self._known)
        there = {(cell.arm_name, cell.phase, cell.replicate) for cell in self._known.cells} if requests else set()
        added = False
        for request in requests:
            asked = cells_of(self._study, request.arm, phase=request.phase)
            missing = [cell for cell in asked if (cell.arm_name, cell.phase, cell.replicate) not in there]
            if not missing:
                continue
            add_arms(self._store, self._study_id, [ArmRecord(request.arm.name, request.arm.changes)])
            add_cells(self._store, self._study_id, missing)
            if request.event:
                add_event(self._store, request.event, request.message, study_id=self._study_id, detail=request.detail)
            added = True
        return added

    def _explore(self) -> bool:
        """Tell what came to an end; then ask for the exploration that has the fewest trials."""
        for exploration in self._in_turn():
            trials = self._known.trials(exploration)
            over = [number for number, cell in sorted(trials.items()) if is_over(cell)]
            counted = sum(cell.excluded_reason is None for cell in trials.values())
            if all(trials[number].told for number in over) and counted >= exploration.trials:
                continue
            advisor = self._memory.advisor(self._study, exploration, storage_url(self._store))
            advisor.look()
            held = advisor.numbers()
            due = [number for number in over if not trials[number].told or number not in held]
            if any(advisor.was_told_otherwise(number, void=not teaches(trials[number])) for number in due):
                # Excluded after it was told, or run again after it had failed.
                advisor = self._memory.anew(self._study, exploration, storage_url(self._store))
                self._tell_all(advisor, exploration)
                due = []
            for number in due:
                self._tell(advisor, exploration, number, trials[number])
            if counted < exploration.trials and self._ask(advisor, exploration, len(trials) and max(trials) + 1):
                return True
        return False

    def rebuild(self) -> int:
        """Tell a new Optuna everything, in the order of the trials."""
        for exploration in self._explorations:
            self._tell_all(self._memory.anew(self._study, exploration, storage_url(self._store)), exploration)
        return sum(len(self._known.trials(exploration)) for exploration in self._explorations)

    def _tell_all(self, advisor: Advisor, exploration: Exploration) -> None:
        trials, refused = self._known.trials(exploration), self._refused(exploration)
        for number in sorted(trials.keys() | refused.keys()):
            cell = trials.get(number)
            if cell is None:
                advisor.tell(number, None, changes=refused[number])
            elif is_over(cell):
                self._tell(advisor, exploration, number, cell)

    def _refused(self, exploration: Exploration) -> dict[int, Changes]:
        """Draws that made no sense, by number: no cells, but no places to go back to either."""
        lines = (line.detail for line in events(self._store, self._study_id, limit=EVERY_EVENT) if line.kind == REFUSED)
        numbered = ((exploration.number_of(line.get("arm", "")), line["changes"]) for line in lines)
        return {number: changes for number, changes in numbered if number is not None}

    def _in_turn(self) -> list[Exploration]:
        return sorted(self._explorations, key=lambda each: len(self._known.trials(each)))

    def _tell(self, advisor: Advisor, exploration: Exploration, number: int, cell: CellRecord) -> None:
        if not advisor_lease(self._store, self._study_id, self._owner, ttl=ADVISOR_SECONDS):
            raise LeaseLost(f"worker {self._owner} lost the advisor lease of study {self._study_id}")
        value, levels = None, {}
        if cell.excluded_reason is None:
            value, levels = self._known.value(cell), level_scores(self._study, cell)
        rungs = self._climbs[exploration.optuna_name].scores(number)
        changes, void = self._known.changes[cell.arm_name], not teaches(cell)
        advisor.tell(number, value, levels=levels, rungs=rungs, changes=changes, void=void)
        mark_told(self._store, cell.cell_id)

    def _ask(self, advisor: Advisor, exploration: Exploration, number: int) -> bool:
        trials = self._known.trials(exploration).items()
        under_way = {trial: self._known.changes[cell.arm_name] for trial, cell in trials if not is_over(cell)}
        for _ in range(MAX_REDRAWS):
            number, changes = advisor.ask(number, under_way)
            arm = exploration.trial(number, changes)
            unique = self._unique(exploration, number)
            try:
                (cell,) = cells_of(self._study, arm, phase="search", trial_number=unique)
            except InfeasibleConfig as reason:
                # Not a training, so not one of the total; told, so that the draw is not repeated.
                advisor.tell(number, None, changes=changes)
                add_event(
                    self._store, REFUSED, f"{arm.name}: {reason.what}", study_id=self._study_id,
                    detail={"arm": arm.name, "changes": dict(changes), "why": reason.why},
                )  # fmt: skip
                continue
            record = ArmRecord(arm.name, arm.changes)
            total = sum(each.trials for each in self._explorations)
            return add_search_cell(self._store, self._study_id, self._owner, record, cell, total=total) is not None
        raise InfeasibleConfig(
            f"{MAX_REDRAWS} draws in a row from the search space make no sense together",
            why=f"The last ones stand as `{REFUSED}` in the study's events.",
            next="Narrow the factors of the study, then: sweep plan FILE",
        )

    def _unique(self, exploration: Exploration, number: int) -> int:
        """A number of the trial that is its own in the whole study: of several explorations, the next in the store."""
        if len(self._explorations) == 1:
            return number
        return max((c.trial_number for c in self._known.cells if c.trial_number is not None), default=-1) + 1
