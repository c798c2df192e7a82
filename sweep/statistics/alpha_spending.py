"""How the type I error is shared between interim analyses.

A study that is read after every seed, and stopped when a difference seems large, finds effects that do not exist. At
the levels of a plan, it may stop at any of its analyses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sweep.statistics.paired import ALPHA

Array = NDArray[np.float64]
Shape = Callable[[Array], Array]
"""From shares of the planned seeds, each in (0, 1], to critical values of |Z| up to a common factor."""

MAX_Z = 7.0
"""|Z|; two-sided p of 3e-12."""
SIMULATIONS = 500_000
"""Simulated studies without an effect: a chance of 0.05 comes out to within 0.0003."""


# Pocock 1977
def pocock(shares: Array) -> Array:
    """Critical values that are equal at every analysis.

    Args:
        shares: Shares of the planned seeds at the analyses, each in (0, 1].
    """
    return np.ones_like(shares)


# O'Brien & Fleming 1979
def obrien_fleming(shares: Array) -> Array:
    """Critical values that are strict at first, and at the last analysis close to those without earlier analyses.

    Args:
        shares: Shares of the planned seeds at the analyses, each in (0, 1].
    """
    return 1 / np.sqrt(shares)


SHAPES: dict[str, Shape] = {"pocock": pocock, "obrien_fleming": obrien_fleming}
SHAPE_NAMES = {"pocock": "Pocock", "obrien_fleming": "O'Brien and Fleming"}


@dataclass(frozen=True, kw_only=True)
class AlphaSpending:
    """When results are read, and how the type I error is shared between the analyses."""

    seeds: tuple[int, ...]
    """Paired seeds at each analysis, rising; the last is the whole study."""
    shape: str
    """Key of `SHAPES`."""

    def levels(self) -> Array:
        """[K] two-sided p below which each analysis may stop the study: the chance of any false stop is `ALPHA`."""
        largest = _largest_ratios(self)  # rising, so that the quantile needs no search
        bound = largest[ceil((1 - ALPHA) * (len(largest) - 1))]
        return np.asarray(2 * stats.norm.sf(bound * self.shape_at_analyses()), dtype=np.float64)

    def adjusted(self, p: float, analysis: int) -> float:
        """p adjusted for all analyses: the smallest type I error of the plan at which p would stop the study.

        The result is a valid p value whenever the study stops.

        Args:
            p: Two-sided p at the analysis, adjusted for all arms; NaN stays NaN.
            analysis: Index of the analysis, from 0.
        """
        if not np.isfinite(p):
            return p
        largest = _largest_ratios(self)
        reached = stats.norm.isf(p / 2) / self.shape_at_analyses()[analysis]
        beyond = len(largest) - np.searchsorted(largest, reached, side="left")
        return float(max(p, (beyond + 1) / (len(largest) + 1)))

    def shape_at_analyses(self) -> Array:
        """[K] critical values of |Z| at each analysis, up to the common factor."""
        return SHAPES[self.shape](np.array(self.seeds) / self.seeds[-1])


# Published constants suppose that the variance is known. A t statistic of three or four seeds is far more often far out
# at one of several analyses: held to those levels, it stops falsely in up to 6 % (Jennison & Turnbull 2000, sec. 4.4).
@cache
def _largest_ratios(plan: AlphaSpending) -> Array:
    """[PATHS], rising: how far beyond the shape the paired t test of each study came at the worst of its analyses.

    Seeds between two analyses enter by their sum and their sum of squares about their mean, which are independent.
    Several arms keep to the same levels: a p value that is adjusted for all of them is judged as that of one arm is.
    """
    random, shape = np.random.default_rng(0), plan.shape_at_analyses()
    largest, total, squares = np.zeros(SIMULATIONS), np.zeros(SIMULATIONS), np.zeros(SIMULATIONS)
    for n, more, critical in zip(plan.seeds, np.diff(plan.seeds, prepend=0), shape, strict=True):
        added = random.standard_normal(SIMULATIONS) * more**0.5
        squares += added**2 / more + (random.chisquare(more - 1, SIMULATIONS) if more > 1 else 0.0)
        total += added
        t = np.abs(total) / np.sqrt((squares - total**2 / n) / (n - 1) * n)
        np.maximum(largest, _as_normal(t, n - 1) / critical, out=largest)
    return np.sort(largest)


def _as_normal(t: Array, freedom: int) -> Array:
    """|Z| of the same two-sided p as |t|, interpolated: half a million quantiles would take a second."""
    z = np.linspace(0.0, MAX_Z, 2000)
    return np.interp(t, stats.t.isf(stats.norm.sf(z), freedom), z)
