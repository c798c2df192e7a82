"""Interactions: does a level change what another one does, beyond their sum?

For each seed all arms of a factorial, or of a fraction of one, give one number: what two levels change together, less
what each changes alone, averaged over the levels of the other factors. So the seed is the unit here as everywhere, and
what it shares with the other arms cancels.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd

from sweep.config.designs.fractional_factorial import Fraction
from sweep.config.interim_analyses import MIN_SEEDS
from sweep.config.study import Study
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.stats.pairs import primary_values
from sweep.statistics.paired import ALPHA, holm, paired_difference

BASELINE = "baseline"
COLUMNS = ["first", "second", "n", "mean", "low", "high", "p", "p_holm", "is_shown"]
Levels = tuple[str, ...]
"""The level of every factor in one arm."""


def levels_of_arms(frames: StudyFrames) -> pd.DataFrame:
    """arm_id, and the level of every scientific factor in each arm, `baseline` where an arm leaves it alone.

    In a study without named factors, the fields that its arms change take their place.

    Args:
        frames: The tables of the study.
    """
    arms = frames.arms
    levels = _named_levels(frames)
    if not levels:
        fields = sorted({field for changes in arms["changes"] for field in changes})
        values = {f: [str(changes.get(f, BASELINE)) for changes in arms["changes"]] for f in fields}
        return pd.DataFrame({"arm_id": arms["arm_id"], **values})
    return pd.DataFrame(
        {"arm_id": arms["arm_id"], **{f: [_level(each, arm) for arm in arms["changes"]] for f, each in levels.items()}}
    )


def _named_levels(frames: StudyFrames) -> dict[str, dict[str, dict[str, Any]]]:
    """Factor -> level -> what it sets, without levels that say what the baseline says."""
    if not frames.spec.get("factors"):
        return {}
    study = Study.model_validate(frames.spec)
    return {
        name: {
            level: dict(sets) for level, sets in study.levels_of(name).items() if study.setting(sets) != study.baseline
        }
        for name in study.factors_of("scientific")
    }


def _level(levels: Mapping[str, Mapping[str, Any]], changes: Mapping[str, Any]) -> str:
    """The level that sets most of what an arm changes: one level may set a part of what another does."""
    fitting = [name for name, sets in levels.items() if sets.items() <= changes.items()]
    return max(fitting, key=lambda name: len(levels[name]), default=BASELINE)


def aliased_effects(frames: StudyFrames) -> list[list[str]]:
    """Effects that a fractional factorial cannot tell apart: factors, and pairs of them (`a x b`).

    Args:
        frames: The tables of the study.

    Returns:
        One list of effects for each contrast that they share; empty for other designs.
    """
    fraction = _fraction(frames)
    if fraction is None:
        return []
    groups: list[list[str]] = []
    for alias in fraction.aliases():
        one, other = fraction.shown(alias.effect), fraction.shown(alias.with_)
        shared = next((group for group in groups if one in group or other in group), None)
        if shared is None:
            groups.append([one, other])
        else:
            shared += [effect for effect in (one, other) if effect not in shared]
    return groups


def interaction_tests(frames: StudyFrames) -> pd.DataFrame:
    """One row a pair of levels of different factors that is aliased with nothing, over the seeds that finished all
    arms it takes.

    Args:
        frames: The tables of the study.

    Returns:
        first, second (`factor=level`), n (seeds), mean (both together less the sum of each alone, averaged over the
        levels of the other factors, in the units of the score), low, high (95 % t interval), p (paired t test), p_holm
        (over all rows), found. Empty where the arms are neither a whole factorial nor the fraction that the study
        states.
    """
    arm_levels = levels_of_arms(frames)
    factors = [name for name in arm_levels.columns if name != "arm_id"]
    values = primary_values(frames, frames.metric).merge(arm_levels, on="arm_id")
    levels = {f: [BASELINE, *(x for x in dict.fromkeys(arm_levels[f]) if x != BASELINE)] for f in factors}
    if len(factors) < 2 or values.empty:
        return pd.DataFrame(columns=COLUMNS)
    runs = _runs(frames, levels)
    trained = set(arm_levels[factors].itertuples(index=False, name=None))
    aliased = {effect for group in aliased_effects(frames) for effect in group}
    if runs is None or not trained.issuperset(runs):
        return pd.DataFrame(columns=COLUMNS)
    table = values.pivot_table(index="replicate", columns=factors, values="value", aggfunc="mean")
    rows = [
        _contrast(table.reindex(columns=pd.MultiIndex.from_tuples(runs, names=factors)), one, other, a, b)
        for one, other in combinations(factors, 2)
        if f"{one} x {other}" not in aliased
        for a, b in product(levels[one][1:], levels[other][1:])
    ]
    return _judged(pd.DataFrame(rows)) if rows else pd.DataFrame(columns=COLUMNS)


def _runs(frames: StudyFrames, levels: Mapping[str, Sequence[str]]) -> list[Levels] | None:
    """The arms that the design consists of, as levels of all factors; None where a factor has no level but one."""
    if any(len(each) < 2 for each in levels.values()):
        return None
    fraction = _fraction(frames)
    if fraction is None:
        return list(product(*levels.values()))
    return [tuple(each[1] if factor in run else BASELINE for factor, each in levels.items()) for run in fraction.runs]


def _fraction(frames: StudyFrames) -> Fraction | None:
    if not frames.study_ref.design.aliases_effects:
        return None
    study = Study.model_validate(frames.spec)
    return study.design.fraction(study)


# Box, Hunter & Hunter 2005, ch. 5 and 6
def _contrast(table: pd.DataFrame, one: str, other: str, a: str, b: str) -> dict[Hashable, Any]:
    """Mean over the arms of each corner, added up with signs: as many arms in each, so that all else cancels.

    Args:
        table: [replicate, arm] scores, columns by the levels of all factors.
    """
    first, second = table.columns.get_level_values(one), table.columns.get_level_values(other)
    per_arm = pd.Series(0.0, index=range(table.shape[1]))
    for x, y in product((BASELINE, a), (BASELINE, b)):
        corner = (first == x) & (second == y)
        per_arm[corner] = (1.0 if (x == BASELINE) == (y == BASELINE) else -1.0) / corner.sum()
    used = per_arm.to_numpy() != 0.0
    contrasts = table.to_numpy(float)[:, used] @ per_arm.to_numpy()[used]
    per_seed = np.asarray(contrasts[np.isfinite(contrasts)], dtype=np.float64)
    difference = paired_difference(per_seed, np.zeros_like(per_seed))
    return {
        "first": f"{one}={a}",
        "second": f"{other}={b}",
        "n": difference.n,
        "mean": difference.mean,
        "low": difference.low,
        "high": difference.high,
        "p": difference.p,
    }


def _judged(rows: pd.DataFrame) -> pd.DataFrame:
    p_holm = holm(rows["p"].to_numpy(float))
    away = (rows["low"] > 0) | (rows["high"] < 0)
    is_shown = away.to_numpy() & (p_holm < ALPHA) & (rows["n"] >= MIN_SEEDS).to_numpy()
    return rows.assign(**{"p_holm": p_holm, "is_shown": is_shown})[COLUMNS]
