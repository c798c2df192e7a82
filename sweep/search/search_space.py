"""A tuning run in Optuna's terms: parameters, their distributions, and the way back to settings.

Optuna sees the names of levels, never their values. Evaluation levels are parameters too: a trial that was asked for
has the primary ones, and every other level that was scored from its checkpoint is a finished trial beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

from sweep.config.designs.arms import BASELINE
from sweep.config.designs.tuning import TuningRun
from sweep.config.factors import Changes, Factor, value_of_field
from sweep.config.keys import canonical_json, sha256_of
from sweep.config.study import Study
from sweep.planning.trial_records import value_of
from sweep.store.cell_records import CellRecord
from sweep.store.states import FailureClass, RunState

Params = dict[str, Any]
Space = dict[str, BaseDistribution]


def space_of(study: Study, tuning_run: TuningRun) -> Space:
    """Distribution of every factor that is explored, and of the evaluation factors.

    Args:
        study: The study, as read from its file.
        tuning_run: What is searched for: its factors, arms and number of trials.
    """
    space = {name: _distribution(study, name, factor) for name, factor in tuning_run.factors.items()}
    for name, primary in primary_levels(study).items():
        space[name] = CategoricalDistribution(list(dict.fromkeys([primary, *study.levels_of(name)])))
    return space


def space_sha256(space: Space) -> str:
    """Identity of a space: Optuna cannot go on with another one under the same name."""
    return sha256_of({name: distribution_to_json(distribution) for name, distribution in space.items()})


def suggested_changes(study: Study, tuning_run: TuningRun, params: Params) -> Changes:
    """The fields that a suggestion changes; evaluation levels change none, since all are scored.

    Args:
        study: The study, as read from its file.
        tuning_run: What is searched for: its factors, arms and number of trials.
        params: The suggestion, in Optuna's terms.
    """
    changes: Changes = {}
    for name, factor in tuning_run.factors.items():
        changes |= {name: params[name]} if factor.range is not None else study.levels_of(name)[params[name]]
    return changes


def params_of(study: Study, tuning_run: TuningRun, changes: Changes) -> Params | None:
    """The way back: changes in Optuna's terms, at the primary evaluation levels; None where they lie outside.

    Args:
        study: The study, as read from its file.
        tuning_run: What is searched for: its factors, arms and number of trials.
        changes: Fields that differ from the baseline, with their values.
    """
    params: Params = {}
    for name, factor in tuning_run.factors.items():
        if factor.range is not None:
            value: Any = changes[name] if name in changes else value_of_field(study.baseline, name)
            # A baseline that switches the field off (null) lies outside, as any other value beyond the range.
            inside = [value] if value is not None and factor.range[0] <= value <= factor.range[1] else []
        else:
            levels = study.levels_of(name)
            fields = {field for level in levels.values() for field in level}
            changed = {field: value for field, value in changes.items() if field in fields}
            # As a trial has it, which took it from here; or as another study file spells the same.
            inside = [level for level, own in levels.items() if own == changed] or _equal(study, levels, changed)
        if not inside:
            return None
        params[name] = inside[0]
    return params | primary_levels(study)


def _equal(study: Study, levels: Mapping[str, Changes], changes: Changes) -> list[str]:
    setting = study.setting(changes)
    return [level for level, own in levels.items() if study.setting(own) == setting]


def primary_levels(study: Study) -> dict[str, str]:
    """Evaluation factor -> the level that the primary score has: the baseline's, by its name where it is listed."""
    return {
        name: next(
            (level for level, changes in study.levels_of(name).items() if study.setting(changes) == study.baseline),
            BASELINE,
        )
        for name in study.factors_of("evaluation")
    }


def evaluation_points(study: Study) -> dict[str, Params]:
    """Key of each further evaluation level -> its parameters."""
    primary = primary_levels(study)
    return {
        level_key(changes): primary | {name: level}
        for name in primary
        for level, changes in study.levels_of(name).items()
        if level != primary[name]
    }


def level_scores(study: Study, cell: CellRecord) -> dict[str, float | None]:
    """Key -> score of a trial's further evaluation levels; None where its training or its sampling diverged.

    Args:
        study: The study, as read from its file.
        cell: The cell, as the store holds it.
    """
    points = evaluation_points(study)
    if cell.run_state == RunState.INFEASIBLE:
        return dict.fromkeys(points)
    scores_by_level = {level_key(score.level): score for score in cell.scores}
    values = {
        key: value_of(scores_by_level[key].measurements, study.metric) for key in points if key in scores_by_level
    }
    return {key: v for key, v in values.items() if v is not None or scores_by_level[key].failure == FailureClass.NAN}


def level_key(changes: Mapping[str, Any]) -> str:
    """One spelling of an evaluation level: numbers come back from a database as others of the same value."""
    return canonical_json({field: float(v) if isinstance(v, int | float) else v for field, v in changes.items()})


def _distribution(study: Study, name: str, factor: Factor) -> BaseDistribution:
    if factor.range is None:
        return CategoricalDistribution(list(study.levels_of(name)))
    low, high = factor.range
    # By the field's own type: the baseline's value may be null.
    if isinstance(value_of_field(study.setting({name: low}), name), int):
        return IntDistribution(int(low), int(high), log=factor.log)
    return FloatDistribution(low, high, log=factor.log)
