"""Optuna as an adviser: it says what to try next and is told what came of it.

Only this folder imports optuna. Its tables lie in the same database as ours and can be rebuilt from ours. It is used by
ask and tell alone: who runs what, retries and totals are ours.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from optuna.samplers import BaseSampler, GPSampler, QMCSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from sweep.config.factors import Changes
from sweep.config.keys import derived_seed
from sweep.config.study import Study
from sweep.errors import StoreMismatch
from sweep.search.explorations import Exploration
from sweep.search.space import (
    Params,
    Space,
    changes_of,
    evaluation_points,
    params_of,
    primary_levels,
    space_of,
    space_sha256,
    suggested,
)

optuna.logging.set_verbosity(optuna.logging.WARNING)

# User attributes of Optuna's trials: our number of a trial that we asked for; or the number of the trial that another
# evaluation level was scored from, and which level.
NUMBER, OF, LEVEL = "trial", "of_trial", "level"


class _NumberedQMC(QMCSampler):
    """Point k of the sequence is trial k + 1's; the first trial is the baseline.

    Optuna counts points in its own tables: lost and told again, it would hand out the first points once more.
    """

    def __init__(self, seed: int, number: int) -> None:
        super().__init__(seed=seed, scramble=True, warn_asynchronous_seeding=False)
        self._place = max(0, number - 1)

    def _find_sample_id(self, study: optuna.Study, search_space: Space) -> int:
        del study, search_space
        return self._place


# (seed, trial number) -> sampler
SEARCH_SAMPLERS: dict[str, Callable[[int, int], BaseSampler]] = {
    # group: a factor that only some trials have is still modelled jointly with the rest.
    "tpe": lambda seed, _number: TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True),
    "random": lambda seed, _number: RandomSampler(seed=seed),
    "qmc": _NumberedQMC,
    "gp": lambda seed, _number: GPSampler(seed=seed),
}


class Advisor:
    """Optuna's side of one exploration. Hold the study's advisor lease while asking.

    Trials carry our numbers, which differ from Optuna's own: it also holds a finished trial for every evaluation level
    that was scored from a checkpoint. Its study is named after the space, so a changed space starts a new one, and
    whatever it does not know is told again from our store.
    """

    def __init__(self, study: Study, exploration: Exploration, storage: optuna.storages.BaseStorage) -> None:
        self._study = study
        self._exploration = exploration
        self._space = space_of(study, exploration)
        self._sampler = SEARCH_SAMPLERS[exploration.search_sampler]
        self._read: list[FrozenTrial] | None = None
        name = f"{exploration.optuna_name} {space_sha256(self._space)[:8]}"
        self._optuna = optuna.create_study(study_name=name, storage=storage, direction="minimize", load_if_exists=True)

    def ask(self, number: int) -> tuple[int, Changes]:
        """The next suggestion: its number, which is `number` or the next one that is free, and the fields it changes.

        A trial that was asked for and not recorded by us (a kill in between) is handed out again, so no draw is lost
        or repeated. Draws depend on the study's seed and the trial's number alone, and on what was told before.

        Args:
            number: One more than the largest number that our store holds.
        """
        self._read = None
        while (known := self._trial(number)) is not None and known.state.is_finished():
            number += 1
        # A sequence has one seed for all its points; the others' follow the number.
        per_trial = 0 if self._exploration.search_sampler == "qmc" else number
        with warnings.catch_warnings():
            # `group` and QMC are chosen knowingly; a note at every draw helps nobody.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            seed = derived_seed("search", self._study.first_seed, per_trial) % 2**32
            self._optuna.sampler = self._sampler(seed, number)
        self._read = None
        if known is None:
            start = (params_of(self._study, self._exploration, {}) or {}) if number == 0 else {}
            self._optuna.enqueue_trial(start | primary_levels(self._study), user_attrs={NUMBER: number})
        if known is None or known.state is TrialState.WAITING:
            trial = self._optuna.ask()
        else:
            trial = optuna.trial.Trial(self._optuna, known._trial_id)  # the one way to go on with a trial
        assert trial.user_attrs[NUMBER] == number
        return number, changes_of(self._study, self._exploration, suggested(trial, self._space))

    @property
    def optuna_study(self) -> optuna.Study:
        """Optuna's own, for whoever wants its dashboard or to fill it."""
        return self._optuna

    def numbers(self) -> frozenset[int]:
        """Of the trials that Optuna holds, told or not."""
        self._read = None
        return frozenset(trial.user_attrs[NUMBER] for trial in self._trials() if NUMBER in trial.user_attrs)

    def tell(
        self,
        number: int,
        value: float | None,
        *,
        changes: Changes,
        levels: Mapping[str, float | None] | None = None,
        rungs: Mapping[int, float] | None = None,
    ) -> None:
        """Tell a finite score; None for a trial that was pruned, diverged or failed. May be repeated.

        A diverged trial is told as pruned: told as failed, TPE ignores it and goes back there. The Gaussian process
        models finished trials alone; there, one without any score is told the worst so far.

        Args:
            changes: Of the trial, for an Optuna that does not know it; left out where they lie outside the space.
            levels: Scores of other evaluation levels of the same training, by `level_key`; each becomes a trial of
                its own, pruned where it is None because training or sampling diverged.
            rungs: Images seen -> score on the way.
        """
        asked = self._trial(number)
        taught = {trial.user_attrs[LEVEL] for trial in self._trials() if trial.user_attrs.get(OF) == number}
        self._read = None
        params = params_of(self._study, self._exploration, changes) if asked is None else asked.params
        if params is None:
            return
        state, value = self._ending(value, rungs)
        if asked is None:
            self._add(params, state, value, {NUMBER: number}, rungs)
        elif not asked.state.is_finished():
            trial = optuna.trial.Trial(self._optuna, asked._trial_id)
            for images in sorted((rungs or {}).keys() - asked.intermediate_values.keys()):
                trial.report((rungs or {})[images], images)
            self._optuna.tell(asked.number, value, state=state)
            self._read = None
        points = evaluation_points(self._study)
        for key, score in (levels or {}).items():
            if key not in taught:
                self._add(params | points[key], *self._ending(score, None), {OF: number, LEVEL: key})

    def _ending(self, value: float | None, rungs: Mapping[int, float] | None) -> tuple[TrialState, float | None]:
        if value is not None:
            return TrialState.COMPLETE, value
        if self._exploration.search_sampler != "gp" or rungs:
            return TrialState.PRUNED, None
        known = [t.value for t in self._trials() if t.state is TrialState.COMPLETE and t.value is not None]
        return (TrialState.COMPLETE, max(known)) if known else (TrialState.PRUNED, None)

    def expect(self, number: int, changes: Changes) -> None:
        """Hold a trial that is under way and that Optuna does not know, so that others are drawn apart from it."""
        params = params_of(self._study, self._exploration, changes)
        if params is not None and self._trial(number) is None:
            self._add(params, TrialState.RUNNING, None, {NUMBER: number})

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
        self._optuna.add_trial(
            create_trial(
                state=state,
                params=params,
                distributions=self._space,
                value=value,
                user_attrs=attributes,
                intermediate_values=dict(rungs or {}),
            )
        )
        self._read = None

    def _trials(self) -> list[FrozenTrial]:
        # Kept until the next change: to ask for them costs as much as to draw.
        if self._read is None:
            try:
                self._read = self._optuna.get_trials(deepcopy=False)
            except KeyError as gone:
                raise StorageInternalError("Optuna's study was rebuilt meanwhile") from gone
        return self._read

    def _trial(self, number: int) -> FrozenTrial | None:
        return next((trial for trial in self._trials() if trial.user_attrs.get(NUMBER) == number), None)


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


def open_storage(url: str) -> optuna.storages.RDBStorage:
    """Optuna's tables in our database."""
    return optuna.storages.RDBStorage(url, engine_kwargs=_engine_kwargs(url))


def _engine_kwargs(url: str) -> dict[str, Any]:
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": 60}}
    return {"pool_pre_ping": True, "connect_args": {"options": "-c timezone=UTC"}}


def check_version(recorded: str) -> None:
    """Refuse to mix Optuna majors on one study: they shift times and draw otherwise.

    Raises:
        StoreMismatch: the study was started under another major version.
    """
    if recorded.split(".", maxsplit=1)[0] != optuna.__version__.split(".")[0]:
        raise StoreMismatch(
            f"this study was started with Optuna {recorded}; here is {optuna.__version__}",
            why="Other majors draw other trials and read times shifted.",
            next=f"Install optuna=={recorded}, or start the study under a new name.",
        )
