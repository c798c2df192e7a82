"""Interactions of a factorial: does a level change what another one does, beyond their sum?

For each seed the four corners of two levels give one number: what both change together, less what each changes alone.
So the seed is the unit here as everywhere, and what it shares with the other arms cancels.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from itertools import combinations, product
from math import prod
from typing import Any

import numpy as np
import pandas as pd

from sweep.config.design import FEWEST_SEEDS
from sweep.config.study import Study
from sweep.report.comparison import primary_values
from sweep.report.frames import StudyFrames
from sweep.report.statistics import ALPHA, deciding_test, holm, paired_difference

BASELINE = "baseline"
COLUMNS = ["first", "second", "n", "mean", "low", "high", "test", "p", "p_holm", "found"]


def levels_of_arms(frames: StudyFrames) -> pd.DataFrame:
    """arm_id, and the level of every scientific factor in each arm, `baseline` where an arm leaves it alone.

    A study that names no factors is read by the fields that its arms change.
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


def interactions(frames: StudyFrames) -> pd.DataFrame:
    """One row a pair of levels of different factors, over the seeds that finished all arms it takes.

    Returns:
        first, second (`factor=level`), n (seeds), mean (both together less the sum of each alone, averaged over the
        levels of the other factors, in the units of the score), low, high (95 % t interval), test, p, p_holm (over all
        rows), found. Empty where the arms are no whole factorial.
    """
    placed = levels_of_arms(frames)
    factors = [name for name in placed.columns if name != "arm_id"]
    values = primary_values(frames, frames.metric).merge(placed, on="arm_id")
    levels = {f: [BASELINE, *(x for x in dict.fromkeys(placed[f]) if x != BASELINE)] for f in factors}
    whole = prod(len(each) for each in levels.values())
    if len(factors) < 2 or values.empty or len(placed.drop_duplicates(factors)) < whole:
        return pd.DataFrame(columns=COLUMNS)
    table = values.pivot_table(index="replicate", columns=factors, values="value", aggfunc="mean")
    rows = [
        _contrast(table, levels, one, other, a, b)
        for one, other in combinations(factors, 2)
        for a, b in product(levels[one][1:], levels[other][1:])
    ]
    return _judged(pd.DataFrame(rows))


def _contrast(
    table: pd.DataFrame, levels: Mapping[str, list[str]], one: str, other: str, a: str, b: str
) -> dict[Hashable, Any]:
    rest = {name: each for name, each in levels.items() if name not in (one, other)}
    found = pd.Series(0.0, index=table.index)
    for x, y in product((BASELINE, a), (BASELINE, b)):
        sign = 1.0 if (x == BASELINE) == (y == BASELINE) else -1.0
        for others in product(*rest.values()):
            at = dict(zip(rest, others, strict=True)) | {one: x, other: y}
            place = tuple(at[str(name)] for name in table.columns.names)
            found += sign * (table[place] if place in table.columns else np.nan)
    per_seed = np.asarray((found / prod(len(each) for each in rest.values())).dropna(), dtype=np.float64)
    told = paired_difference(per_seed, np.zeros_like(per_seed))
    return {
        "first": f"{one}={a}", "second": f"{other}={b}", "n": told.n, "mean": told.mean, "low": told.low,
        "high": told.high, "p_t": told.p_t, "p_sign_flip": told.p_sign_flip,
    }  # fmt: skip


def _judged(rows: pd.DataFrame) -> pd.DataFrame:
    tests = [deciding_test(n, arms=len(rows)) for n in rows["n"]]
    p = np.where(np.array(tests) == "sign-flip", rows["p_sign_flip"], rows["p_t"]).astype(float)
    p_holm = holm(p)
    away = (rows["low"] > 0) | (rows["high"] < 0)
    found = away.to_numpy() & (p_holm < ALPHA) & (rows["n"] >= FEWEST_SEEDS).to_numpy()
    return rows.assign(test=tests, p=p, p_holm=p_holm, found=found)[COLUMNS]
