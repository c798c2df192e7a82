"""Curves: learning, evaluation factors, score against cost."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from sweep.report.figures.style import FAINT, INK, End, LineStyle, blank, label_ends, look, plain_log_ticks, shortened

Styles = dict[str, LineStyle]


def learning(curves: pd.DataFrame, styles: Styles, *, x: str, names: dict[str, str]) -> Figure:
    """Mean over seeds of each arm, seeds as thin lines behind; one panel a curve.

    Args:
        curves: arm, replicate, point, name, value, and column `x`.
        styles: Of `arm_styles`.
        x: `images` or `seconds`.
        names: Curve -> title of its panel.
    """
    with look():
        figure, panels = blank(2.8 * len(names), rows=len(names))
        lines: list[tuple[Axes, list[End]]] = []
        for axes, (name, title) in zip(panels, names.items(), strict=True):
            ends: list[End] = []
            for arm, each in curves[curves["name"] == name].groupby("arm", sort=False):
                style = styles[str(arm)]
                for _, seed in each.groupby("replicate"):
                    axes.plot(seed[x], seed["value"], color=style["color"], linewidth=0.7, alpha=0.3)
                mean = each.groupby("point")[[x, "value"]].mean().dropna()
                axes.plot(mean[x], mean["value"], color=style["color"], linestyle=style["linestyle"])
                if len(mean) and style["color"] != FAINT:
                    ends.append((mean[x].iloc[-1], mean["value"].iloc[-1], str(arm), style["color"]))
            _log_if_positive(axes, curves.loc[curves["name"] == name, "value"])
            axes.set_title(f"{title} (lower is better)")
            axes.set_xlabel({"images": "images seen", "seconds": "seconds of training"}[x])
            axes.xaxis.set_major_formatter(EngFormatter(sep=""))
            axes.xaxis.set_major_locator(MaxNLocator(5))
            lines.append((axes, ends))
        label_ends(figure, lines)
        return figure


def factor_curves(
    levels: pd.DataFrame, styles: Styles, *, factor: str, label: str, direction: str, numeric: bool
) -> Figure:
    """Score of every arm against one evaluation factor, with t intervals over seeds.

    Args:
        levels: arm, level (number, or text), mean, low, high; the baseline's own level included.
    """
    with look():
        figure, (axes,) = blank(3.6)
        at = list(dict.fromkeys(levels["level"]))
        places = {level: float(k) for k, level in enumerate(at)}
        ends = []
        for k, (arm, each) in enumerate(levels.groupby("arm", sort=False)):
            style = styles[str(arm)]
            shift = 0.06 * (k - (levels["arm"].nunique() - 1) / 2) if levels["arm"].nunique() < 12 else 0.0
            xs = each["level"].map(places) + shift
            axes.vlines(xs, each["low"], each["high"], color=style["color"], linewidth=1.5, alpha=0.7)
            axes.plot(xs, each["mean"], **style)
            if style["color"] != FAINT:
                ends.append((xs.iloc[-1], each["mean"].iloc[-1], str(arm), style["color"]))
        axes.set_xticks(list(places.values()), [f"{level:g}" if numeric else str(level) for level in places])
        axes.set_xlabel(factor.replace("_", " "))
        axes.set_title(f"{label} ({direction})")
        label_ends(figure, [(axes, ends)])
        return figure


def cost_front(points: pd.DataFrame, styles: Styles, *, label: str, direction: str) -> Figure:
    """Score against seconds of sampling; points that nothing beats on both counts are joined.

    Args:
        points: arm, reading, seconds, mean, on_front.
    """
    with look():
        figure, (axes,) = blank(3.8)
        for arm, each in points.groupby("arm", sort=False):
            style = styles[str(arm)]
            marker = style["marker"] or "."
            axes.plot(each["seconds"], each["mean"], marker, color=style["color"], linestyle="none")
        front = points[points["on_front"]].sort_values("seconds")
        axes.plot(front["seconds"], front["mean"], color=INK, linewidth=1.0, zorder=0, drawstyle="steps-post")
        for row in front.to_dict("records"):
            axes.annotate(
                f"{shortened(row['arm'], 22)}\n{shortened(row['reading'], 22)}",
                (row["seconds"], row["mean"]),
                xytext=(7, 7),
                textcoords="offset points",
                fontsize=10,
            )
        axes.set_xscale("log")
        plain_log_ticks(axes.xaxis)
        axes.margins(x=0.35, y=0.15)
        axes.set_xlabel("seconds to sample all images of a score")
        axes.set_title(f"{label} ({direction})")
        return figure


def _log_if_positive(axes: Axes, values: pd.Series[float]) -> None:
    known = values.dropna()
    if len(known) and known.min() > 0 and known.max() > 3 * known.min():
        axes.set_yscale("log")
        plain_log_ticks(axes.yaxis)
