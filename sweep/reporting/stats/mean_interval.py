"""The interval of a mean over seeds."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


def mean_interval(values: ArrayLike) -> tuple[float, float]:
    """Ends of the 95 % t interval of a mean; NaN for fewer than two values.

    Args:
        values: One score for each seed, in the units of the score.
    """
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    if known.size < 2:
        return np.nan, np.nan
    half = stats.t.ppf(0.975, known.size - 1) * known.std(ddof=1) / known.size**0.5
    return float(known.mean() - half), float(known.mean() + half)
