"""Reading a study before it is complete, by a plan that its file states: boundaries, levels, and the look in force.

A study that is read after every seed and stopped when it looks good finds effects that are not there. With `looks` in
the study file, verdicts are made from the seeds of the last planned look alone, at the level that the plan leaves to
it, however often the report is built in between. The study may stop at any look, and need not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from sweep.report.frames import StudyFrames
from sweep.report.statistics import ALPHA

Array = NDArray[np.float64]
Shape = Callable[[Array], Array]
"""From shares of the planned seeds, each in (0, 1], to critical values of |Z| up to a common factor."""

FARTHEST = 8.0
"""Standard errors; the chance of ever being beyond is below 1e-14."""
NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)


# Armitage, McPherson & Rowe 1969: densities of the partial sums S_k = sqrt(n_k) Z_k that have stayed inside
def chance_of_crossing(bounds: Array, seeds: Sequence[int] | None = None) -> float:
    """Chance that a standard Brownian test statistic leaves +-bounds at one of K looks.

    Args:
        bounds: [K] critical values of the standardised statistic Z_k.
        seeds: [K] paired seeds at each look, rising; equally spaced where None.
    """
    times = np.arange(1.0, len(bounds) + 1) if seeds is None else np.asarray(seeds, dtype=np.float64) / seeds[0]
    limits = np.minimum(bounds, FARTHEST) * np.sqrt(times)
    at, w = limits[0] * NODES, limits[0] * WEIGHTS
    density = stats.norm.pdf(at)
    for limit, step in zip(limits[1:], np.diff(times), strict=True):
        following = limit * NODES
        density = stats.norm.pdf(following[:, None], at, step**0.5) @ (w * density)
        at, w = following, limit * WEIGHTS
    return float(1.0 - w @ density)


# Pocock 1977
def pocock(shares: Array) -> Array:
    """The same at every look."""
    return np.ones_like(shares)


# O'Brien & Fleming 1979
def obrien_fleming(shares: Array) -> Array:
    """Hard early, nearly as without looks at the end."""
    return 1 / np.sqrt(shares)


SHAPES: dict[str, Shape] = {"pocock": pocock, "obrien_fleming": obrien_fleming}
SHAPE_NAMES = {"pocock": "Pocock", "obrien_fleming": "O'Brien and Fleming"}


@dataclass(frozen=True, kw_only=True)
class LookPlan:
    """When a study is read, and how the type I error is shared between the looks."""

    seeds: tuple[int, ...]
    """Paired seeds at each look, rising; the last is the whole study."""
    shape: str
    """Key of `SHAPES`."""

    def bounds(self, *, alpha: float = ALPHA) -> Array:
        """[K] critical values of |Z| that keep the chance of any false stop at `alpha`."""
        shape = self._shape()
        crossing = optimize.brentq(lambda c: chance_of_crossing(c * shape, self.seeds) - alpha, 0.5, 6.0)
        return np.asarray(crossing * shape, dtype=np.float64)

    def levels(self) -> Array:
        """[K] two-sided p below which each look may stop; t and sign-flip tests are held to the same levels
        (Jennison & Turnbull 2000, sec. 3.3)."""
        return _levels(self)

    def adjusted(self, p: float, look: int) -> float:
        """The smallest type I error of the whole plan at which p, seen at this look (from 0), would stop the study.

        It is a p value in its own right, valid whenever the study stops, so Holm's method takes it as any other.
        """
        if not np.isfinite(p):
            return p
        shape = self._shape()
        crossing = float(stats.norm.isf(p / 2)) / shape[look]
        return max(p, chance_of_crossing(crossing * shape, self.seeds))

    def _shape(self) -> Array:
        return SHAPES[self.shape](np.array(self.seeds) / self.seeds[-1])


@cache
def _levels(plan: LookPlan) -> Array:
    return np.asarray(2 * stats.norm.sf(plan.bounds()), dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Look:
    """The planned look that a study has come to."""

    plan: LookPlan
    number: int
    """From 1; 0 before the first."""

    @property
    def seeds(self) -> int:
        """Replicates 0 to this one, exclusive, are read; 0 before the first look."""
        return self.plan.seeds[self.number - 1] if self.number else 0

    @property
    def level(self) -> float:
        """Two-sided p below which one arm alone may be called better or worse; the first look's before it."""
        return float(self.plan.levels()[max(0, self.number - 1)])

    @property
    def following(self) -> int | None:
        """Seeds of the next look; None at the last one."""
        return self.plan.seeds[self.number] if self.number < len(self.plan.seeds) else None


def look_plan(spec: Mapping[str, Any]) -> LookPlan | None:
    """The plan of a study as stored; None for a study that is read once, when complete."""
    looks = spec.get("looks")
    return LookPlan(seeds=tuple(looks["at"]), shape=looks["shape"]) if looks else None


def current_look(frames: StudyFrames) -> Look | None:
    """The last look whose seeds have come to an end in every arm; None without a plan."""
    plan = look_plan(frames.spec)
    if plan is None:
        return None
    cells = frames.cells[frames.cells["phase"] == "confirm"]
    open_ones = cells.loc[cells["status"] == "missing", "replicate"]
    first_open = int(open_ones.min()) if len(open_ones) else int(cells["replicate"].max()) + 1 if len(cells) else 0
    return Look(plan=plan, number=sum(seeds <= first_open for seeds in plan.seeds))
