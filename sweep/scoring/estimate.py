"""A mean over noise sets, with its standard error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A mean over noise sets. Its error is that of sampling from one trained net, never that of retraining."""

    value: float
    standard_error: float | None
    """The larger of the jackknife's and that between noise sets; None if neither is known."""


def estimate(values: list[float], standard_errors: list[float] | None = None) -> Estimate:
    """Mean of K noise sets. Rare bad images make the jackknife too small, and then sets differ by more than it says.

    Args:
        values: Value of each noise set.
        standard_errors: Jackknife standard error of each value; None where none is known.
    """
    known = []
    if standard_errors:
        known.append(float(np.sqrt(np.mean(np.square(standard_errors)) / len(values))))
    if len(values) > 1:
        known.append(float(np.std(values, ddof=1) / np.sqrt(len(values))))
    return Estimate(float(np.mean(values)), max(known, default=None))
