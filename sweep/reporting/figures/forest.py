"""Paired differences from the baseline."""

from __future__ import annotations

from textwrap import wrap

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sweep.reporting.figures.style import (
    BAND,
    FAINT,
    INK,
    VERDICT_COLOURS,
    VERDICT_MARKERS,
    blank,
    figure_style,
    shortened,
)

NAME_LENGTH = 25
"""Letters on a line beside the axis."""


def forest(
    arms: pd.DataFrame, pairs: pd.DataFrame, *, label: str, lower_is_better: bool, margin: float, width: float
) -> Figure:
    """Every seed a dot, the interval a bar, the smallest effect of interest a band around zero; baseline first.

    Args:
        arms: `Comparison.arms`, in the order of the rows.
        pairs: `Comparison.pairs`.
        label: Name and direction of the score.
        lower_is_better: Whether smaller values of the score are better.
        margin: Smallest effect of interest, in the units of the score.
        width: Width in inches.
    """
    with figure_style():
        names = [_name(row) for row in arms.to_dict("records")]
        lines = max(name.count("\n") + 1 for name in names)
        figure, (axes,) = blank(width, 1.5 + max(0.52, 0.12 + 0.2 * lines) * len(arms))
        if margin > 0:
            axes.axvspan(-margin, margin, color=BAND, zorder=0)
        axes.axvline(0.0, color=INK, linewidth=1.0, zorder=1)
        positions = {arm: y + 0.2 for y, arm in enumerate(arms["arm_id"])}
        seeds = pairs.assign(y=pairs["arm_id"].map(positions)).dropna(subset="y")
        sns.stripplot(
            seeds,
            x="difference",
            y="y",
            orient="h",
            native_scale=True,
            jitter=False,
            ax=axes,
            color=FAINT,
            size=4,
            alpha=0.8,
        )
        axes.set_ylabel("")
        for y, row in enumerate(arms.to_dict("records")):
            colour = VERDICT_COLOURS[row["verdict"]]
            axes.plot([row["low"], row["high"]], [y - 0.08] * 2, color=colour, linewidth=3.2, solid_capstyle="round")
            if row["is_baseline"]:
                axes.plot(0.0, y, "|", color=INK, markersize=14)
            else:
                axes.plot(row["difference"], y - 0.08, VERDICT_MARKERS[row["verdict"]], color=colour, markersize=8)
        axes.set_yticks(range(len(arms)), names)
        axes.set_ylim(len(arms) - 0.5, -0.6)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        locator = MaxNLocator(5)
        axes.xaxis.set_major_locator(locator)
        ticks = locator.tick_values(*axes.get_xlim())
        axes.set_xlim(ticks[0], ticks[-1])  # no point lies beyond the last tick
        better, worse = ("← better", "worse →") if lower_is_better else ("← worse", "better →")
        axes.set_xlabel(f"{better}{20 * ' '}{worse}\n{label},\ndifference from the baseline")
        return figure


def _name(row: dict[object, object]) -> str:
    """In full, because arms of a factorial begin alike."""
    lines = [shortened(line, NAME_LENGTH) for line in wrap(str(row["arm"]), NAME_LENGTH, break_long_words=False)]
    return "\n".join([*lines, str(row["verdict"])] if row["verdict"] else lines)
