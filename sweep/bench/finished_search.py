"""A search with thousands of finished trials, made in bulk to measure what the next one costs."""

from __future__ import annotations

import math
import random

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from sweep.bench.filled_study import finish_all
from sweep.bench.planned_study import PROTOCOL
from sweep.config.keys import sha256_of
from sweep.config.study import Study
from sweep.planning.cells import cells_of
from sweep.planning.tuning import tuning_runs_of
from sweep.search.search_space import space_of, suggested_changes
from sweep.store.records import ArmRecord, NewCell
from sweep.store.sql.transaction import Store
from sweep.store.states import Phase
from sweep.store.studies.cells import add_cells
from sweep.store.studies.studies import register_study

FACTORS = {
    "lr": {"role": "nuisance", "range": [1e-5, 1e-2], "log": True},
    "weight_decay": {"role": "nuisance", "range": [1e-6, 1e-1], "log": True},
    "grad_clip": {"role": "nuisance", "range": [0.5, 2.0]},
    "schedule": {"role": "scientific", "levels": ["cosine", "quadratic"]},
    "target": {"role": "scientific", "levels": ["v"]},
}


def finished_search(store: Store, name: str, *, trials: int, more: int) -> tuple[Study, int]:
    """Make a TPE search of five factors with thousands of finished trials.

    Args:
        store: The open database.
        name: Name of the study, new in this store; it also seeds the draws, so that no two studies share runs.
        trials: Number of finished trials.
        more: Number of trials that are still to come.

    Returns:
        The study, and its row id.
    """
    baseline = {"data": "digits", "net": "mlp_small", "T": 100, "optimizer": "adamw"}
    spec = {"name": name, "question": "What does the next trial cost?", "baseline": baseline, "factors": FACTORS}
    study = Study.model_validate(spec | {"design": {"kind": "search", "trials": trials + more}, "seeds": 1})
    (tuning_run,) = tuning_runs_of(study)
    space, draws = space_of(study, tuning_run), random.Random(name)  # noqa: S311 - any will do, but none twice in a store
    arms, cells = [ArmRecord("baseline", {}, is_baseline=True)], list[NewCell]()
    for number in range(trials):
        params = {each: _drawn(draws, space[each]) for each in space}
        arm = tuning_run.trial(number, suggested_changes(study, tuning_run, params))
        arms.append(ArmRecord(arm.name, arm.changes))
        cells += cells_of(study, arm, phase=Phase.SEARCH, trial_number=number)
    record = register_study(
        store,
        name,
        question=study.question,
        spec=study.model_dump(mode="json"),
        spec_sha256=sha256_of(name),
        arms=arms,
        protocol=PROTOCOL,
        versions={},
    )
    add_cells(store, record.id, cells)
    finish_all(store, record.id, study.metric)
    return study, record.id


def _drawn(draws: random.Random, distribution: BaseDistribution) -> object:
    if isinstance(distribution, CategoricalDistribution):
        return draws.choice(distribution.choices)
    assert isinstance(distribution, FloatDistribution)
    if distribution.log:
        return math.exp(draws.uniform(math.log(distribution.low), math.log(distribution.high)))
    return draws.uniform(distribution.low, distribution.high)
