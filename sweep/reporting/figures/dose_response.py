"""The score over a numeric factor."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from sweep.config.values import shortest
from sweep.reporting.figures.style import COLOURS, FAINT, INK, blank, figure_style


def dose_response_curve(
    points: pd.DataFrame,
    seeds: pd.DataFrame,
    *,
    factor: str,
    baseline: float,
    not_worse: Collection[float],
    is_log: bool,
    label: str,
    width: float,
) -> Figure:
    """Means as a line, seeds as thin lines behind it, intervals as bars.

    Args:
        points: level, mean, low, high; by rising level.
        seeds: replicate, level, value.
        factor: Name of the factor.
        baseline: The baseline's level.
        not_worse: Levels whose points are filled.
        is_log: Whether the levels are spaced by their logarithm.
        label: Name and direction of the score.
        width: Width in inches.
    """
    with figure_style():
        figure, (axes,) = blank(width, 3.6)
        if is_log:
            axes.set_xscale("log", base=2)
        for _, each in seeds.groupby("replicate"):
            axes.plot(each["level"], each["value"], color=FAINT, linewidth=0.8, alpha=0.5)
        axes.axvline(baseline, color=INK, linewidth=1.0, linestyle="--")
        axes.vlines(points["level"], points["low"], points["high"], color=COLOURS[0], linewidth=3.0, alpha=0.6)
        axes.plot(points["level"], points["mean"], color=COLOURS[0])
        for row in points.to_dict("records"):
            filled = COLOURS[0] if row["level"] in not_worse else "none"
            axes.plot(row["level"], row["mean"], "o", color=COLOURS[0], markerfacecolor=filled, markersize=8)
        axes.xaxis.set_major_locator(FixedLocator(points["level"].tolist()))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda level, _: shortest(float(level))))
        axes.set_xlabel(factor)
        axes.set_title(label)
        return figure
