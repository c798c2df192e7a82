"""Optuna as an adviser: what its search samplers are shown of our trials, and what they draw next.

Only this folder imports optuna. It keeps nothing: our tables hold what happened, and every draw follows from them
alone. A worker that died while it asked, a trial that is excluded or run again, a space that was changed: nothing has
to be put right in a second place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import optuna
from optuna.trial import TrialState, create_trial

from sweep.config.designs.tuning import TuningRun
from sweep.config.factors import Changes
from sweep.config.keys import derived_seed
from sweep.config.study import Study
from sweep.search.optuna_samplers import SHOWN_INSTEAD, Shown, draw
from sweep.search.search_space import Params, evaluation_points, params_of, primary_levels, space_of, suggested_changes
from sweep.search.subset import modelled

optuna.logging.set_verbosity(optuna.logging.WARNING)

# Draws in a row that make no sense, before others are tried: a model that knows one valley well sees no gain anywhere.
INSISTS = 20
_NO_RUNGS: Mapping[int, float] = {}


@dataclass(frozen=True)
class TrialOutcome:
    """What the end of a trial tells its search sampler.

    Attributes:
        value: Its primary score; None where there is none: it diverged, made no sense or was stopped at a rung.
        levels: Scores of other evaluation levels of the same training, by `level_key`; None where training or sampling
            diverged.
        rungs: Images seen -> score on the way.
        is_uninformative: It has no score, for a reason that has nothing to do with its settings.
    """

    value: float | None
    levels: Mapping[str, float | None] = field(default_factory=dict)
    rungs: Mapping[int, float] = field(default_factory=dict)
    is_uninformative: bool = False


class Advisor:
    """Optuna's side of one tuning run.

    Args:
        study: The study, as read from its file.
        tuning_run: What is searched for: its factors, arms and number of trials.
    """

    def __init__(self, study: Study, tuning_run: TuningRun) -> None:
        self._study = study
        self._tuning_run = tuning_run
        self._space = space_of(study, tuning_run)
        self._primary = primary_levels(study)
        self._points = evaluation_points(study)

    def ask(self, number: int, history: Sequence[Shown], *, refused: int = 0) -> Changes:
        """The fields that trial `number` changes. A draw that was not recorded by us (a kill in between) comes again.

        Args:
            number: One more than any other trial's, refused draws counted.
            history: What `shown` says of all other trials, in the order of their numbers. Draws depend on it, on the
                study's seed and on the number alone.
            refused: How many draws before this one, in a row, made no sense together. A sampler that insists on such is
                passed over for a draw at random.
        """
        search_sampler = self._tuning_run.search_sampler if refused < INSISTS else "random"
        # A sequence has one seed for all its points; the others' follow the number.
        per_trial = 0 if search_sampler == "qmc" else number
        seed = derived_seed("search", self._study.first_seed, per_trial) % 2**32
        start = (params_of(self._study, self._tuning_run, {}) or {}) if number == 0 else {}
        fixed = start | self._primary
        if search_sampler in SHOWN_INSTEAD:
            history = SHOWN_INSTEAD[search_sampler](history, self._space)
        history = modelled(search_sampler, history)
        params = draw(search_sampler, seed, number, self._space, history, fixed)
        return suggested_changes(self._study, self._tuning_run, params)

    def shown(self, number: int, changes: Changes, outcome: TrialOutcome | None) -> tuple[Shown, ...]:
        """A trial as search samplers see it, with each further evaluation level that was scored as a trial beside it.

        A trial without a score is shown as pruned: one that failed, TPE ignores, and it goes back there. A trial that
        lies outside the space is not shown.

        Args:
            number: Number of the trial, from 0.
            changes: Fields that differ from the baseline, with their values.
            outcome: None while it is under way: others are drawn apart from it.
        """
        params = params_of(self._study, self._tuning_run, changes)
        if params is None:
            return ()
        if outcome is None:
            return (self._trial(number, params, TrialState.RUNNING, None),)
        points = [] if outcome.is_uninformative else [(params, outcome.value, outcome.rungs)]
        points += [(params | self._points[key], score, _NO_RUNGS) for key, score in outcome.levels.items()]
        return tuple(self._ended(number, *point) for point in points)

    def _ended(self, number: int, params: Params, value: float | None, rungs: Mapping[int, float]) -> Shown:
        if value is not None:
            return self._trial(number, params, TrialState.COMPLETE, value, rungs)
        # Of one that was stopped, the last score counts, as Optuna itself has it.
        return self._trial(number, params, TrialState.PRUNED, rungs[max(rungs)] if rungs else None, rungs)

    def _trial(
        self,
        number: int,
        params: Params,
        state: TrialState,
        value: float | None,
        rungs: Mapping[int, float] = _NO_RUNGS,
    ) -> Shown:
        trial = create_trial(
            state=state, params=params, distributions=self._space, value=value, intermediate_values=dict(rungs)
        )
        return Shown(trial, self._space, number)
