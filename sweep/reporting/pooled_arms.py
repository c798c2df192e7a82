"""Arms of two studies whose trainings differ in nothing but their seeds: one arm, in which each run counts once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from sweep.statistics.paired import Difference, welch_difference

MIN_RUNS = 2
"""Runs on each side from which the parts of a pool are compared."""


@dataclass(frozen=True, kw_only=True)
class PooledArm:
    """An arm of one study, or equal arms of both.

    Attributes:
        studies: The studies that have it, that of the reference first.
        names: Its name in each of them.
        changes: Its changes from the baseline of the first of them.
        values: Scores as `cross_study.values_of` returns them, one row a run.
        shared_runs: Runs that both studies read.
        added: Runs of the second study alone; empty for an arm of one study.
    """

    studies: tuple[str, ...]
    names: tuple[str, ...]
    changes: Mapping[str, Any]
    values: pd.DataFrame
    shared_runs: int = 0
    added: Set[int] = frozenset()

    def moved(self) -> Difference | None:
        """The runs of the second study alone minus those of the first; None where one of them has fewer than two."""
        is_added = self.values["run_id"].isin(self.added)
        old, new = (self.values.loc[part, "value"].to_numpy(float) for part in (~is_added, is_added))
        return welch_difference(new, old) if min(len(old), len(new)) >= MIN_RUNS else None


def pooled_arms(first: Sequence[PooledArm], second: Sequence[PooledArm], *, excluded_runs: Set[int]) -> list[PooledArm]:
    """The arms of both studies, equal ones pooled at the place of the first study's.

    Args:
        first: Arms of the first study, its baseline first.
        second: Arms of the second study.
        excluded_runs: Runs that one of the studies has excluded; they are in no pool.
    """
    by_training = {_training(arm): arm for arm in second if len(arm.values)}
    pools, taken = [], []
    for arm in first:
        equal = by_training.get(_training(arm)) if len(arm.values) else None
        if equal is None:
            pools.append(arm)
            continue
        taken.append(equal)
        runs, others = set(arm.values["run_id"]), set(equal.values["run_id"])
        values = pd.concat([arm.values, equal.values]).drop_duplicates("run_id")
        pools.append(
            replace(
                arm,
                studies=(*arm.studies, *equal.studies),
                names=(*arm.names, *equal.names),
                values=values[~values["run_id"].isin(excluded_runs)].reset_index(drop=True),
                shared_runs=len(runs & others),
                added=frozenset(others - runs),
            )
        )
    return pools + [arm for arm in second if not any(arm is each for each in taken)]


def _training(arm: PooledArm) -> str:
    """What its trainings have in common: everything but the seed."""
    return str(arm.values["training"].iloc[0])
