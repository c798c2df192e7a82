"""Where the spread of a score comes from: training again, drawing other noise, drawing only N images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.stats.pairs import primary_values

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class VarianceSplit:
    """Variances of one reading (one run, one noise set), in squared units of the score; NaN where unknown."""

    training_seed: float
    """Between runs of one arm."""
    noise_set: float
    """Shared by all runs that are sampled with the same noise; cancels in paired differences."""
    residual: float
    """Runs reacting differently to the same noise."""
    finite_n: float
    """Of drawing N images instead of infinitely many, as the jackknife within one reading estimates it. It is not a
    fourth part: noise_set + residual estimate the same thing from repeated draws."""

    @property
    def training_share(self) -> float:
        """Share of `training_seed` in the three parts, 0 to 1."""
        total = self.training_seed + self.noise_set + self.residual
        return self.training_seed / total if total > 0 else np.nan


# Searle, Casella & McCulloch 1992, sec. 4.3: two-way crossed random effects, one observation a cell
def variance_split(scores: list[Array], jackknife: list[Array]) -> VarianceSplit:
    """Variance components pooled over arms; negative estimates are set to 0.

    Args:
        scores: One [runs, noise sets] array an arm; only whole rows and columns, no NaN.
        jackknife: Standard error of each reading due to finite N, any shape; NaN where none was stored.
    """
    usable = [x for x in scores if x.shape[0] > 1 and x.shape[1] > 1]
    finite = np.concatenate([np.ravel(x) for x in jackknife] or [np.empty(0)])
    finite = finite[np.isfinite(finite)]
    finite_n = float((finite**2).mean()) if len(finite) else np.nan
    if not usable:
        return VarianceSplit(training_seed=_between_runs(scores), noise_set=np.nan, residual=np.nan, finite_n=finite_n)
    squares, freedom = np.zeros(3), np.zeros(3)
    runs, sets = np.zeros(len(usable)), np.zeros(len(usable))
    for k, x in enumerate(usable):
        runs[k], sets[k] = r, s = x.shape
        rows, columns = x.mean(1, keepdims=True), x.mean(0, keepdims=True)
        rest = x - rows - columns + x.mean()
        squares += s * ((rows - x.mean()) ** 2).sum(), r * ((columns - x.mean()) ** 2).sum(), (rest**2).sum()
        freedom += r - 1, s - 1, (r - 1) * (s - 1)
    by_run, by_set, residual = squares / freedom
    return VarianceSplit(
        training_seed=max(0.0, float((by_run - residual) / sets.mean())),
        noise_set=max(0.0, float((by_set - residual) / runs.mean())),
        residual=float(residual),
        finite_n=finite_n,
    )


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
    scores: list[Array] = []
    errors: list[Array] = []
    for _, arm in values.groupby("arm_id"):
        table = pd.DataFrame(arm["noise_values"].tolist(), index=arm["replicate"]).dropna(axis="columns", how="all")
        scores.append(table.dropna().to_numpy(float))
        errors += [np.array(list(each.values()), dtype=float) for each in arm["noise_errors"]]
    return variance_split(scores, errors)
