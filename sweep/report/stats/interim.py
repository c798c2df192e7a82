"""Reading a study before it is complete, by a plan that its file states: boundaries, levels, and the look in force.

A study that is read after every seed and stopped when it looks good finds effects that are not there. With `looks` in
the study file, verdicts are made from the seeds of the last planned look alone, at the level that the plan leaves to
it, however often the report is built in between. The study may stop at any look, and need not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sweep.report.frames.frames import StudyFrames
from sweep.report.stats.paired import ALPHA
from sweep.store.states import CellStatus

Array = NDArray[np.float64]
Shape = Callable[[Array], Array]
"""From shares of the planned seeds, each in (0, 1], to critical values of |Z| up to a common factor."""

FARTHEST = 7.0
"""|Z|; two-sided p of 3e-12."""
PATHS = 500_000
"""Simulated studies without an effect: a chance of 0.05 comes out to within 0.0003."""


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

    def levels(self) -> Array:
        """[K] two-sided p below which each look may stop: the chance of any false stop is `ALPHA`."""
        bound = np.quantile(_farthest(self), 1 - ALPHA, method="higher")
        return np.asarray(2 * stats.norm.sf(bound * self.shape_at_looks()), dtype=np.float64)

    def adjusted(self, p: float, look: int) -> float:
        """The smallest type I error of the whole plan at which p, seen at this look (from 0), would stop the study.

        It is a p value in its own right, valid whenever the study stops, so Holm's method takes it as any other.
        """
        if not np.isfinite(p):
            return p
        farthest = _farthest(self)
        reached = stats.norm.isf(p / 2) / self.shape_at_looks()[look]
        beyond = len(farthest) - np.searchsorted(farthest, reached, side="left")
        return float(max(p, (beyond + 1) / (len(farthest) + 1)))

    def shape_at_looks(self) -> Array:
        """[K] critical values of |Z| at each look, up to the common factor."""
        return SHAPES[self.shape](np.array(self.seeds) / self.seeds[-1])


# Published constants suppose that the variance is known. A t statistic of three or four seeds is far more often far out
# at one of several looks: held to those levels, it stops falsely in up to 6 % (Jennison & Turnbull 2000, sec. 4.4).
@cache
def _farthest(plan: LookPlan) -> Array:
    """[PATHS], rising: how far beyond the shape the paired t test of each study came at the worst of its looks.

    Seeds between two looks enter by their sum and their sum of squares about their mean, which are independent. The
    sign-flip test decides together with a t interval of the same level, so what it adds to this chance is nothing.
    """
    random, shape = np.random.default_rng(0), plan.shape_at_looks()
    farthest, total, squares = np.zeros(PATHS), np.zeros(PATHS), np.zeros(PATHS)
    for n, more, height in zip(plan.seeds, np.diff(plan.seeds, prepend=0), shape, strict=True):
        added = random.standard_normal(PATHS) * more**0.5
        squares += added**2 / more + (random.chisquare(more - 1, PATHS) if more > 1 else 0.0)
        total += added
        t = np.abs(total) / np.sqrt((squares - total**2 / n) / (n - 1) * n)
        np.maximum(farthest, _as_normal(t, n - 1) / height, out=farthest)
    return np.sort(farthest)


def _as_normal(t: Array, freedom: int) -> Array:
    """|Z| of the same two-sided p as |t|, interpolated: half a million quantiles would take a second."""
    z = np.linspace(0.0, FARTHEST, 2000)
    return np.interp(t, stats.t.isf(stats.norm.sf(z), freedom), z)


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
    open_ones = cells.loc[cells["status"] == CellStatus.MISSING, "replicate"]
    first_open = int(open_ones.min()) if len(open_ones) else int(cells["replicate"].max()) + 1 if len(cells) else 0
    return Look(plan=plan, number=sum(seeds <= first_open for seeds in plan.seeds))
