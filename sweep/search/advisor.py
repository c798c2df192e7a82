"""Optuna as an adviser: it says what to try next and is told what came of it.

Only this folder imports optuna. Its tables lie in the same database as ours and can be rebuilt from ours. It says
what to try and is told what came of it: who runs what, retries and totals are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from optuna.trial import FrozenTrial, TrialState, create_trial

from sweep.config.factors import Changes
from sweep.config.keys import derived_seed
from sweep.config.study import Study
from sweep.search.explorations import Exploration
from sweep.search.samplers import Shown, draw
from sweep.search.space import (
    Params,
    changes_of,
    evaluation_points,
    params_of,
    primary_levels,
    space_of,
    space_sha256,
)

optuna.logging.set_verbosity(optuna.logging.WARNING)

# User attributes of Optuna's trials: our number of a trial that we asked for; or the number of the trial that another
# evaluation level was scored from, and which level.
NUMBER, OF, LEVEL = "trial", "of_trial", "level"
ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
# Our number and the evaluation level, "" for the primary one.
Point = tuple[int, str]


class Advisor:
    """Optuna's side of one exploration. Hold the study's advisor lease while asking.

    Its tables hold what it was told: a trial that came to an end, under our number, and one for every further
    evaluation level that was scored from its checkpoint. Trials that are under way are in our tables alone. Optuna's
    study is named after the space, so a changed space starts a new one, and whatever it does not know is told again
    from our store.
    """

    def __init__(self, study: Study, exploration: Exploration, storage: optuna.storages.BaseStorage) -> None:
        self._study = study
        self._exploration = exploration
        self._space = space_of(study, exploration)
        self._told: dict[Point, Shown] = {}
        self._seen: set[int] = set()
        self._under_way: dict[int, Shown | None] = {}
        name = f"{exploration.optuna_name} {space_sha256(self._space)[:8]}"
        self._optuna = optuna.create_study(study_name=name, storage=storage, direction="minimize", load_if_exists=True)
        self.look()

    @property
    def optuna_study(self) -> optuna.Study:
        """Optuna's own, for whoever wants its dashboard or to fill it."""
        return self._optuna

    def look(self) -> None:
        """Read what other workers told meanwhile."""
        try:
            held = self._optuna.get_trials(deepcopy=False, states=ENDED)
        except KeyError as gone:
            raise StorageInternalError("Optuna's study was rebuilt meanwhile") from gone
        for trial in held:
            if trial.number not in self._seen:
                self._seen.add(trial.number)
                self._remember(trial)

    def numbers(self) -> frozenset[int]:
        """Of the trials that Optuna was told."""
        return frozenset(number for number, level in self._told if not level)

    def ask(self, number: int, under_way: Mapping[int, Changes] | None = None) -> tuple[int, Changes]:
        """The next suggestion: its number, which is `number` or the next one that is free, and the fields it changes.

        Nothing is written. Draws depend on the study's seed, the trial's number, what was told and what is under way,
        in the order of the numbers; so a draw that was not recorded by us (a kill in between) comes again.

        Args:
            number: One more than the largest number that our store holds.
            under_way: Number -> changes of the trials that have not come to an end; others are drawn apart from them.
        """
        while (number, "") in self._told:
            number += 1
        # A sequence has one seed for all its points; the others' follow the number.
        per_trial = 0 if self._exploration.search_sampler == "qmc" else number
        seed = derived_seed("search", self._study.first_seed, per_trial) % 2**32
        start = (params_of(self._study, self._exploration, {}) or {}) if number == 0 else {}
        fixed = start | primary_levels(self._study)
        history = self._history(under_way or {})
        params = draw(self._exploration.search_sampler, seed, number, self._space, history, fixed)
        return number, changes_of(self._study, self._exploration, params)

    def tell(
        self,
        number: int,
        value: float | None,
        *,
        changes: Changes,
        levels: Mapping[str, float | None] | None = None,
        rungs: Mapping[int, float] | None = None,
        void: bool = False,
    ) -> None:
        """Tell a finite score; None for a trial that has none. May be repeated.

        A trial that diverged or makes no sense is told as pruned: told as failed, TPE ignores it and goes back there.
        The Gaussian process models finished trials alone; there, one without any score is told the worst so far.

        Args:
            changes: Of the trial; left out where they lie outside the space.
            levels: Scores of other evaluation levels of the same training, by `level_key`; each becomes a trial of
                its own, pruned where it is None because training or sampling diverged.
            rungs: Images seen -> score on the way.
            void: It ended for a reason that its settings do not answer for: told as failed, of which no search sampler
                learns anything.
        """
        params = params_of(self._study, self._exploration, changes)
        if params is None:
            return
        if (number, "") not in self._told:
            ending = (TrialState.FAIL, None) if void else self._ending(value, rungs)
            self._add(params, *ending, {NUMBER: number}, rungs)
        points = evaluation_points(self._study)
        for key, score in (levels or {}).items():
            if (number, key) not in self._told:
                self._add(params | points[key], *self._ending(score, None), {OF: number, LEVEL: key})

    def _ending(self, value: float | None, rungs: Mapping[int, float] | None) -> tuple[TrialState, float | None]:
        if value is not None:
            return TrialState.COMPLETE, value
        if self._exploration.search_sampler != "gp" or rungs:
            return TrialState.PRUNED, None
        told = self._told.values()
        known = [t.value for t in told if t.state is TrialState.COMPLETE and t.value is not None]
        return (TrialState.COMPLETE, max(known)) if known else (TrialState.PRUNED, None)

    def was_told_otherwise(self, number: int, *, void: bool) -> bool:
        """Whether Optuna has learned from a trial and should not have, or the other way round; it never unlearns."""
        known = self._told.get((number, ""))
        return known is not None and (known.state is TrialState.FAIL) != void

    def _add(
        self,
        params: Params,
        state: TrialState,
        value: float | None,
        attributes: dict[str, Any],
        rungs: Mapping[int, float] | None = None,
    ) -> None:
        if state is TrialState.PRUNED and rungs:
            value = rungs[max(rungs)]  # as Optuna itself has it, for a trial that it saw stopping
        trial = create_trial(
            state=state,
            params=params,
            distributions=self._space,
            value=value,
            user_attrs=attributes,
            intermediate_values=dict(rungs or {}),
        )
        self._optuna.add_trial(trial)
        self._remember(trial)

    def _remember(self, trial: FrozenTrial) -> None:
        told = trial.user_attrs
        number = told.get(NUMBER, told.get(OF))
        if number is not None and (number, told.get(LEVEL, "")) not in self._told:
            self._told[number, told.get(LEVEL, "")] = Shown(trial, self._space, number)

    def _history(self, under_way: Mapping[int, Changes]) -> list[Shown]:
        """What a sampler is shown, in the order of our numbers: whoever ends first changes no draw."""
        self._under_way = {number: self._under_way.get(number) or self._running(number, under_way[number])
                           for number in under_way}  # fmt: skip
        told = [trial for trial in self._told.values() if trial.state is not TrialState.FAIL]
        history = [*told, *filter(None, self._under_way.values())]
        history.sort(key=attrgetter("ours"))
        for place, trial in enumerate(history):
            trial.number = place
        return history

    def _running(self, number: int, changes: Changes) -> Shown | None:
        params = params_of(self._study, self._exploration, changes)
        if params is None:
            return None
        trial = create_trial(state=TrialState.RUNNING, params=params, distributions=self._space)
        return Shown(trial, self._space, number)


@contextmanager
def renewed(storage: optuna.storages.BaseStorage, exploration: Exploration) -> Iterator[None]:
    """Drop all that Optuna holds of an exploration, under any space that it had; its next study is made inside."""
    # SQLite hands a freed id out again, and a worker that runs would take the new study for the one that it remembers.
    guard = f"{exploration.optuna_name}/being-rebuilt"
    optuna.create_study(study_name=guard, storage=storage, load_if_exists=True)
    for each in optuna.get_all_study_summaries(storage, include_best_trial=False):
        # Not by a prefix: the name of one arm may begin that of another.
        if each.study_name.rpartition(" ")[0] == exploration.optuna_name:
            optuna.delete_study(study_name=each.study_name, storage=storage)
    yield
    optuna.delete_study(study_name=guard, storage=storage)
