"""Which factors of a search mattered, beside what chance makes of the same trials."""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import optuna
from optuna.importance import BaseImportanceEvaluator, FanovaImportanceEvaluator, PedAnovaImportanceEvaluator
from optuna.trial import FrozenTrial, create_trial

from sweep.config.factors import Changes
from sweep.config.keys import derived_seed
from sweep.config.study import Study
from sweep.planning.tuning import tuning_runs_of
from sweep.search.search_space import params_of, space_of

optuna.logging.set_verbosity(optuna.logging.WARNING)

# PED-ANOVA compares the best tenth with the rest, and needs a few trials in it.
MIN_TRIALS = 20
PERMUTATIONS = 99
"""Of the scores over the trials. With them 5 % is exact: a factor is beyond chance if at most 4 exceed it."""
ALLOWED = (PERMUTATIONS + 1) // 20 - 1


@dataclass(frozen=True)
class FactorImportance:
    """How much a factor mattered.

    Attributes:
        share: Of the importance of all factors together, 0 to 1.
        chance_share: What `share` exceeds, for any factor, in at most 5 % of searches in which none matters.
    """

    share: float
    chance_share: float

    @property
    def is_beyond_chance(self) -> bool:
        """Whether the factor mattered more than chance explains."""
        return self.share > self.chance_share


def factor_importances(study: Study, trials: Iterable[tuple[Changes, float]]) -> dict[str, FactorImportance]:
    """How much each factor tells the best tenth of the trials from the rest, by PED-ANOVA (Watanabe et al. 2023).

    It keeps its head where a search went after the best. The scores are permuted over the trials `PERMUTATIONS` times,
    so that no factor matters and everything else stays. What chance makes of a factor depends on its number of levels,
    so each importance is compared with the mean of its own permutations, and the largest such ratio of all factors in
    each permutation tells what any of them reaches by chance (Westfall & Young 1993, maxT).

    Args:
        study: A search.
        trials: What each finished trial changed, and its score; lower is better. In the order of their numbers.

    Returns:
        By factor, the largest share first; empty when there are fewer than `MIN_TRIALS` trials.
    """
    table, scores = _table(study, trials)
    if len(scores) < MIN_TRIALS:
        return {}
    evaluator = PedAnovaImportanceEvaluator()
    observed = _importances(evaluator, table, scores)
    chance = random.Random(derived_seed("importance", study.name))  # noqa: S311 - not a secret
    permuted = [_importances(evaluator, table, chance.sample(scores, len(scores))) for _ in range(PERMUTATIONS)]
    means = {name: math.fsum(each[name] for each in permuted) / PERMUTATIONS for name in observed}
    largest = sorted((max(_ratio(each[name], means[name]) for name in observed) for each in permuted), reverse=True)
    total = math.fsum(observed.values()) or 1.0
    shares = {
        name: FactorImportance(value / total, largest[ALLOWED] * means[name] / total)
        for name, value in observed.items()
    }
    return dict(sorted(shares.items(), key=lambda item: -item[1].share))


def forest_shares(study: Study, trials: Iterable[tuple[Changes, float]]) -> dict[str, float]:
    """Share of each factor by fANOVA (Hutter et al. 2014): a random forest over the whole space.

    An uneven search misleads it, and a forest takes too long for permutations, so it has no line of chance.

    Args:
        study: A search.
        trials: As those of `factor_importances`.

    Returns:
        Factor -> 0..1; empty when there are fewer than `MIN_TRIALS` trials, or when all scores are equal.
    """
    table, scores = _table(study, trials)
    if len(scores) < MIN_TRIALS or len(set(scores)) == 1:
        return {}
    evaluator = FanovaImportanceEvaluator(seed=derived_seed("fanova", study.name) % 2**32)
    observed = _importances(evaluator, table, scores)
    total = math.fsum(observed.values()) or 1.0
    return {name: value / total for name, value in observed.items()}


def _table(study: Study, trials: Iterable[tuple[Changes, float]]) -> tuple[optuna.Study, list[float]]:
    """The trials inside the space as Optuna reads them, and their scores by number; no evaluation factors."""
    (tuning_run,) = tuning_runs_of(study)
    space = {name: d for name, d in space_of(study, tuning_run).items() if name in tuning_run.factors}
    table, scores = optuna.create_study(direction="minimize"), []
    for changes, value in trials:
        params = params_of(study, tuning_run, changes)
        if params is not None:
            own = {name: params[name] for name in space}
            table.add_trial(create_trial(params=own, distributions=space, value=value))
            scores.append(value)
    return table, scores


def _importances(
    evaluator: BaseImportanceEvaluator, table: optuna.Study, scores: Sequence[float]
) -> Mapping[str, float]:
    """Importances, not scaled to a sum of 1, if the trials had these scores."""

    def score(trial: FrozenTrial) -> float:
        return scores[trial.number]

    with warnings.catch_warnings():
        # Of a target of one's own it says which end is taken for the better one; it is the lower one, as meant.
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return evaluator.evaluate(table, target=score)


def _ratio(value: float, mean: float) -> float:
    return value / mean if mean > 0 else 0.0
