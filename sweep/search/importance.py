"""Which factors of a search mattered, by two methods on our own table of trials, with a parameter that does nothing."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterable
from typing import Literal

import optuna
from optuna.distributions import FloatDistribution
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import create_trial

from sweep.config.factors import Changes
from sweep.config.keys import derived_seed
from sweep.config.study import Study
from sweep.planning.tuning import tuning_runs_of
from sweep.search.search_space import params_of, space_of

optuna.logging.set_verbosity(optuna.logging.WARNING)

# PED-ANOVA compares the best tenth with the rest, and needs a few trials in it.
MIN_TRIALS = 20


Method = Literal["ped_anova", "fanova"]


def factor_importances(
    study: Study, trials: Iterable[tuple[Changes, float]], *, canary: str, method: Method = "ped_anova"
) -> dict[str, float]:
    """Share of the variance between trials that each factor explains, largest first.

    Args:
        study: A search.
        trials: What each finished trial changed, and its score; lower is better.
        canary: Name of an added parameter that was drawn at random and does nothing: what is no more important than
            it, is no more important than chance.
        method: ped_anova: among the best tenth (Watanabe et al. 2023); keeps its head where a search went after the
            best. fanova: over the whole space, by a random forest (Hutter et al. 2014); misled by such a search.

    Returns:
        Factor -> 0..1, the canary among them; empty when there are fewer than `MIN_TRIALS` trials.
    """
    (tuning_run,) = tuning_runs_of(study)
    space = {name: d for name, d in space_of(study, tuning_run).items() if name in tuning_run.factors}
    table = optuna.create_study(direction="minimize")
    chance = random.Random(derived_seed("canary", study.name))  # noqa: S311 - not a secret
    for changes, value in trials:
        params = params_of(study, tuning_run, changes)
        if params is not None:
            drawn = {name: params[name] for name in space} | {canary: chance.random()}
            distributions = space | {canary: FloatDistribution(0.0, 1.0)}
            table.add_trial(create_trial(params=drawn, distributions=distributions, value=value))
    if len(table.trials) < MIN_TRIALS:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if method == "ped_anova":
            return dict(get_param_importances(table, evaluator=PedAnovaImportanceEvaluator()))
        if len({trial.value for trial in table.trials}) == 1:
            return {}  # no variance to share out: a forest refuses it
        seed = derived_seed("fanova", study.name) % 2**32
        return dict(get_param_importances(table, evaluator=FanovaImportanceEvaluator(seed=seed)))
