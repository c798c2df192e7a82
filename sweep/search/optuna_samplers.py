"""Optuna's samplers, asked directly: one draw from a list of trials, with no storage in between.

Every trial of a tuning run has the whole space, so no sampler needs to infer it from thousands of trials. And whoever
asks holds the advisor's lease and knows all trials, so nothing needs to be read or written while a sampler works: at
5,000 trials that was most of the time.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, GPSampler, QMCSampler, RandomSampler, TPESampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from sweep.search.search_space import Params, Space


class Shown(FrozenTrial):
    """A trial as samplers read it, with what TPE asks of each of thousands at every draw worked out once.

    Args:
        trial: With all parameters of the space.
        space: Distribution of every parameter.
        ours: Its number in our tables; Optuna's own is its place in the history that it is shown in.
    """

    # Plain attributes, where Optuna computes them at every call: a sort of thousands looks at each.
    constraints: Mapping[str, float] = {}  # type: ignore[assignment] # ours have none
    number: int = 0
    value: float | None = None

    def __init__(self, trial: FrozenTrial, space: Space, ours: int) -> None:
        super().__init__(
            number=trial.number,
            state=trial.state,
            value=trial.value,
            params=trial.params,
            distributions=space,
            datetime_start=None,
            datetime_complete=None,
            user_attrs={},
            system_attrs={},
            intermediate_values=trial.intermediate_values,
            trial_id=trial.number,
        )
        self.number, self.value, self.ours = trial.number, trial.value, ours
        self.point = [space[name].to_internal_repr(trial.params[name]) for name in _varied(space)]


class _TPE(TPESampler):
    """All factors together, trials under way counted as bad ones."""

    def __init__(self, seed: int, space: Space) -> None:
        super().__init__(seed=seed, multivariate=True, constant_liar=True)
        self._whole = _varied(space)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> Space:
        """As Optuna's own would find it; it looks at every trial for that."""
        del study, trial
        return dict(self._whole)

    def _get_internal_repr(self, trials: list[Any], search_space: Space, study: optuna.Study) -> dict[str, Any]:
        del study
        points = np.array([trial.point for trial in trials]).reshape(-1, len(search_space))
        return {name: points[:, index] for index, name in enumerate(search_space)}


class _GP(GPSampler):
    """Takes scores for noisy, and estimates their noise: Optuna has no argument for a noise that is known."""

    def __init__(self, seed: int, space: Space) -> None:
        super().__init__(seed=seed, deterministic_objective=False)
        self._whole = _varied(space)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> Space:
        """As Optuna's own would find it."""
        del study, trial
        return dict(self._whole)


class _NumberedQMC(QMCSampler):
    """Point k of the sequence is trial k + 1's; the first trial is the baseline.

    Optuna counts points in its own tables: lost and told again, it would hand out the first points once more.
    """

    def __init__(self, seed: int, number: int, space: Space) -> None:
        super().__init__(seed=seed, scramble=True, warn_asynchronous_seeding=False, warn_independent_sampling=False)
        self._whole = dict(space) if number > 0 else {}
        self._position = max(0, number - 1)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> Space:
        """The space; nothing for the first trial, where the baseline lies outside, so that no point is used twice."""
        del study, trial
        return dict(self._whole)

    def _find_sample_id(self, study: optuna.Study, search_space: Space) -> int:
        del study, search_space
        return self._position


def _worst_for_unscored(history: Sequence[Shown], space: Space) -> Sequence[Shown]:
    known = [trial.value for trial in history if trial.state is TrialState.COMPLETE and trial.value is not None]
    if not known:
        return history

    def scored(trial: Shown) -> Shown:
        if trial.state is not TrialState.PRUNED:
            return trial
        worst = create_trial(params=trial.params, distributions=space, value=max(known))
        return Shown(worst, space, trial.ours)

    return [scored(trial) for trial in history]


# (seed, trial number, space) -> sampler
SEARCH_SAMPLERS: dict[str, Callable[[int, int, Space], BaseSampler]] = {
    "tpe": lambda seed, _number, space: _TPE(seed, space),
    "random": lambda seed, _number, _space: RandomSampler(seed=seed),
    "qmc": _NumberedQMC,
    "gp": lambda seed, _number, space: _GP(seed, space),
}

# (history, space) -> history. The Gaussian process models finished trials alone, and would go back to what diverged or
# was stopped: there, a trial without a final score counts as the worst.
SHOWN_INSTEAD: dict[str, Callable[[Sequence[Shown], Space], Sequence[Shown]]] = {"gp": _worst_for_unscored}


def draw(
    search_sampler: str, seed: int, number: int, space: Space, history: Sequence[Shown], fixed: Mapping[str, Any]
) -> Params:
    """One suggestion, which depends on nothing but the arguments.

    Args:
        search_sampler: A name of `SEARCH_SAMPLERS`.
        seed: 0 .. 2^32 - 1; of this trial alone, or of the whole sequence for `qmc`.
        number: Of the trial, from 0.
        space: Distribution of every parameter.
        history: What the sampler models, in this order: trials that are finished or under way.
        fixed: Values that are not drawn.
    """
    with warnings.catch_warnings():
        # Chosen knowingly; a note at every draw helps nobody.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = SEARCH_SAMPLERS[search_sampler](seed, number, space)
    study = optuna.create_study(storage=_History(history), sampler=sampler, direction="minimize")
    trial = create_trial(state=TrialState.RUNNING)
    trial.number = len(history)
    sampler.before_trial(study, trial)
    relative = sampler.sample_relative(study, trial, sampler.infer_relative_search_space(study, trial))
    params: Params = {}
    for name, distribution in space.items():
        if name in fixed:
            params[name] = fixed[name]
        elif distribution.single():
            params[name] = _only(distribution)
        elif name in relative:
            params[name] = relative[name]
        else:
            params[name] = sampler.sample_independent(study, trial, name, distribution)
    return params


class _History(InMemoryStorage):
    """Trials as samplers read them."""

    def __init__(self, history: Sequence[Shown]) -> None:
        super().__init__()
        self._history = history
        for index, trial in enumerate(history):
            trial.number = index

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[Any]:
        """The trials themselves: samplers change none."""
        del study_id, deepcopy
        return [trial for trial in self._history if states is None or trial.state in states]

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Samplers leave notes for others that draw at the same time; nobody does."""


def _varied(space: Space) -> Space:
    return {name: space[name] for name in sorted(space) if not space[name].single()}


def _only(distribution: BaseDistribution) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[0]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return distribution.low
