"""The score over images seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from sweep.reporting.figures.lines import Styles, crowd, log_if_positive
from sweep.reporting.figures.style import FAINT, End, blank, figure_style, label_ends
from sweep.reporting.stats.mean_interval import mean_interval


def scores_during_training(scores: pd.DataFrame, styles: Styles, *, title: str, width: float) -> Figure:
    """Score of every arm over the images that it has seen: means over seeds with their t intervals.

    Args:
        scores: arm, images, value: one row a seed and point.
        styles: Style of each arm (`arm_styles`).
        title: Name and direction of the score.
        width: Width in inches.
    """
    with figure_style():
        figure, (axes,) = blank(width, 3.6)
        means = scores.groupby(["arm", "images"], sort=False)["value"].mean().reset_index()
        named = [arm for arm in dict.fromkeys(scores["arm"]) if styles[str(arm)]["color"] != FAINT]
        faint = means[~means["arm"].isin(named)]
        crowd(axes, [each[["images", "value"]] for _, each in faint.groupby("arm", sort=False)])
        ends: list[End] = []
        for arm in named:
            style = styles[str(arm)]
            by = scores[scores["arm"] == arm].groupby("images")["value"]
            intervals = np.array([mean_interval(values) for _, values in by])
            at, mean = by.mean().index.to_numpy(float), by.mean().to_numpy(float)
            axes.vlines(at, intervals[:, 0], intervals[:, 1], color=style["color"], linewidth=1.5)
            axes.plot(at, mean, style["marker"], color=style["color"], linestyle=style["linestyle"], markersize=6)
            ends.append((at[-1], mean[-1], str(arm), style["color"]))
        log_if_positive(axes, means["value"])
        axes.set_title(title)
        axes.set_xlabel("images seen")
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_major_locator(MaxNLocator(5))
        label_ends(figure, [(axes, ends)])
        return figure
