"""Where the spread of a score comes from: training again, drawing other noise, drawing only N images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.metrics import is_noise_per_seed
from sweep.reporting.stats.pairs import primary_values

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class VarianceSplit:
    """Variances of one reading (one run, one noise set), in squared units of the score; NaN where unknown."""

    training_seed: float
    """Between runs of one arm."""
    noise_set: float
    """Shared by all runs that are sampled with the same noise; cancels in differences between them."""
    residual: float
    """Runs reacting differently to the same noise; with noise sets of each seed, that of arms is in it."""
    finite_n: float
    """Of drawing N images instead of infinitely many, as the jackknife within one reading estimates it. It is not a
    fourth part: noise_set + residual estimate the same thing from repeated draws."""

    @property
    def training_share(self) -> float:
        """Share of `training_seed` in the three parts, 0 to 1."""
        total = self.training_seed + self.noise_set + self.residual
        return self.training_seed / total if total > 0 else np.nan


def shared_noise_split(scores: list[Array], jackknife: list[Array]) -> VarianceSplit:
    """Variance components of a study whose runs all have the same noise sets; negative estimates are set to 0.

    Args:
        scores: One [runs, noise sets] array an arm; only whole rows and columns, no NaN.
        jackknife: Standard error of each reading due to finite N, any shape; NaN where none was stored.
    """
    usable = [x for x in scores if x.shape[0] > 1 and x.shape[1] > 1]
    finite_n = _mean_square(jackknife)
    if not usable:
        return VarianceSplit(training_seed=_between_runs(scores), noise_set=np.nan, residual=np.nan, finite_n=finite_n)
    by_run, by_set, residual = _mean_squares(usable)
    runs, sets = np.mean([x.shape for x in usable], axis=0)
    return VarianceSplit(
        training_seed=max(0.0, float((by_run - residual) / sets)),
        noise_set=max(0.0, float((by_set - residual) / runs)),
        residual=float(residual),
        finite_n=finite_n,
    )


def per_seed_noise_split(scores: Sequence[Mapping[int, Array]], jackknife: list[Array]) -> VarianceSplit:
    """Variance components of a study whose noise sets go with the training seed; negative estimates are set to 0.

    Arms of one seed are crossed with its noise sets, which tells the noise from the reactions to it. What is left of
    the spread between the runs of an arm is of their training.

    Args:
        scores: Of each arm, replicate -> its score with each noise set, [noise sets], no NaN. Position j is the same
            noise in all arms of a replicate.
        jackknife: Standard error of each reading due to finite N, any shape; NaN where none was stored.
    """
    arms = [each for each in scores if each]
    replicates = sorted({replicate for each in arms for replicate in each})
    crossed = [np.stack([each[replicate] for each in arms if replicate in each]) for replicate in replicates]
    between = _between_runs([np.stack(list(each.values())) for each in arms])
    sets = crossed[0].shape[1] if crossed else 0
    shared = [x for x in crossed if len(x) > 1]
    if sets < 2:
        noise, residual, of_mean = np.nan, np.nan, 0.0
    elif shared:
        _, by_set, residual = _mean_squares(shared)
        noise = float((by_set - residual) / np.mean([len(x) for x in shared]))
        of_mean = (noise + residual) / sets
    else:  # one arm alone: the noise and the reaction to it are one
        noise, residual = np.nan, float(np.mean([x.var(ddof=1) for x in crossed]))
        of_mean = residual / sets
    return VarianceSplit(
        training_seed=float(np.maximum(0.0, between - of_mean)),
        noise_set=float(np.maximum(0.0, noise)),
        residual=float(residual),
        finite_n=_mean_square(jackknife),
    )


# Searle, Casella & McCulloch 1992, sec. 4.3: two-way crossed random effects, one observation a cell
def _mean_squares(tables: list[Array]) -> Array:
    """Of rows, of columns and of the rest, pooled over tables of more than one row and column."""
    squares, freedom = np.zeros(3), np.zeros(3)
    for x in tables:
        r, s = x.shape
        rows, columns = x.mean(1, keepdims=True), x.mean(0, keepdims=True)
        rest = x - rows - columns + x.mean()
        squares += s * ((rows - x.mean()) ** 2).sum(), r * ((columns - x.mean()) ** 2).sum(), (rest**2).sum()
        freedom += r - 1, s - 1, (r - 1) * (s - 1)
    return squares / freedom


def _mean_square(jackknife: list[Array]) -> float:
    finite = np.concatenate([np.ravel(x) for x in jackknife] or [np.empty(0)])
    finite = finite[np.isfinite(finite)]
    return float((finite**2).mean()) if len(finite) else np.nan


def _between_runs(scores: list[Array]) -> float:
    """Pooled variance of run means, where noise sets cannot be told apart."""
    means = [x.mean(1) for x in scores if x.shape[0] > 1 and x.shape[1] > 0]
    if not means:
        return np.nan
    return float(sum(((m - m.mean()) ** 2).sum() for m in means) / sum(len(m) - 1 for m in means))


def split_of(frames: StudyFrames) -> VarianceSplit:
    """Sources of the variance of the deciding score, pooled over arms.

    Args:
        frames: The tables of the study.
    """
    values = primary_values(frames, frames.metric)
    by_set = pd.DataFrame(values["noise_values"].tolist(), index=[values["arm_id"], values["replicate"]])
    by_set = by_set.dropna(axis="columns", how="all").dropna().astype(float)
    tables = [table.droplevel(0) for _, table in by_set.groupby(level=0)]
    errors = [np.array(list(each.values()), dtype=float) for each in values["noise_errors"]]
    if is_noise_per_seed(frames.protocol):
        return per_seed_noise_split([dict(zip(t.index, t.to_numpy(), strict=True)) for t in tables], errors)
    return shared_noise_split([table.to_numpy() for table in tables], errors)
