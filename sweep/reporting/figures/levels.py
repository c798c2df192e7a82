"""Paired differences at every evaluation level."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from sweep.reporting.figures.style import FAINT, INK, WIDE, LineStyle, blank, figure_style, shortened

SPREAD = 0.6
"""Share of the room between two levels that the arms of one level take."""


def level_differences(
    arms: pd.DataFrame, seeds: pd.DataFrame, styles: dict[str, LineStyle], *, title: str, width: float
) -> Figure:
    """Differences from the baseline, a group for each evaluation level: seeds as dots, means with their intervals.

    Args:
        arms: arm, evaluation_level, difference, low, high; levels in the order of the axis, without the baseline.
        seeds: arm, evaluation_level, difference: one row a paired seed.
        styles: Style of each arm (`arm_styles`); faint arms are left out.
        title: Name and direction of the score.
        width: Width in inches.
    """
    with figure_style():
        figure, (axes,) = blank(width, 3.8)
        levels = list(dict.fromkeys(arms["evaluation_level"]))
        named = [arm for arm in dict.fromkeys(arms["arm"]) if styles[str(arm)]["color"] != FAINT]
        axes.axhline(0.0, color=INK, linewidth=1.0)
        shown = seeds[seeds["arm"].isin(named)]
        colours = {arm: styles[str(arm)]["color"] for arm in named}
        dots = {"jitter": False, "size": 4, "alpha": 0.5, "legend": False}
        half = SPREAD / 2 if len(named) > 1 else 0.0
        for arm, shift in zip(named, np.linspace(-half, half, len(named)), strict=True):
            positions = {level: k + shift for k, level in enumerate(levels)}
            own = shown[shown["arm"] == arm]
            own = own.assign(position=own["evaluation_level"].map(positions) + 0.05)
            sns.stripplot(own, x="position", y="difference", color=colours[arm], native_scale=True, ax=axes, **dots)
            means = arms[arms["arm"] == arm]
            xs = means["evaluation_level"].map(positions)
            axes.vlines(xs, means["low"], means["high"], color=colours[arm], linewidth=2.4)
            marker = styles[str(arm)]["marker"]
            label = shortened(str(arm))
            axes.plot(xs, means["difference"], marker, color=colours[arm], markersize=8, linestyle="none", label=label)
        axes.set_xticks(range(len(levels)), [shortened(str(level), 22) for level in levels])
        if width < WIDE:
            axes.tick_params(axis="x", rotation=30)
            for text in axes.get_xticklabels():
                text.set(ha="right", rotation_mode="anchor")
        axes.set_xlim(-0.6, len(levels) - 0.4)
        axes.set_xlabel("")
        axes.set_ylabel("")
        axes.set_title(f"{title}, difference from the baseline")
        figure.legend(loc="outside lower left", ncols=2, handletextpad=0.1)
        return figure
