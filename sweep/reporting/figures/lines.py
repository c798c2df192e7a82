"""Curves: learning, evaluation factors, score against cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter, MaxNLocator
from matplotlib.transforms import Bbox

from sweep.config.values import shortest
from sweep.reporting.figures.style import (
    FAINT,
    INK,
    End,
    LineStyle,
    blank,
    figure_style,
    label_ends,
    plain_log_ticks,
    shortened,
)
from sweep.reporting.stats.mean_interval import mean_interval

Styles = dict[str, LineStyle]
DODGE = 0.06
"""Distance between two arms at one level of an evaluation factor, of 1 between levels."""
MAX_THIN_LINES = 20
"""Thin lines an arm; more are a band of ink."""


def learning(curves: pd.DataFrame, styles: Styles, *, x: str, names: dict[str, str], width: float) -> Figure:
    """Mean over seeds of each arm, the first `MAX_THIN_LINES` of them as thin lines behind; one panel a curve.

    Args:
        curves: arm, replicate, point, name, value, batches (that the value is the mean of), and column `x`.
        styles: Of `arm_styles`.
        x: `images` or `seconds`.
        names: Curve -> title of its panel.
        width: Width in inches.
    """
    named = [arm for arm in dict.fromkeys(curves["arm"]) if styles[str(arm)]["color"] != FAINT]
    with figure_style():
        figure, panels = blank(width, 2.8 * len(names), rows=len(names))
        lines: list[tuple[Axes, list[End]]] = []
        for axes, (name, title) in zip(panels, names.items(), strict=True):
            points = curves[curves["name"] == name]
            means = points.groupby(["arm", "point"], sort=False)[[x, "value", "batches"]].mean()
            means = means.dropna(subset=[x, "value"]).reset_index()
            is_mixed = bool((points["batches"] > 1).any())
            crowd(axes, [each[[x, "value"]] for _, each in means[~means["arm"].isin(named)].groupby("arm", sort=False)])
            ends: list[End] = []
            for arm in named:
                style = styles[str(arm)]
                single = points[(points["arm"] == arm) & (points["replicate"] < MAX_THIN_LINES)]
                seeds = single.groupby("replicate")
                crowd(axes, [seed[[x, "value"]] for _, seed in seeds], colour=style["color"], width=0.7, alpha=0.3)
                mean = means[means["arm"] == arm]
                axes.plot(mean[x], mean["value"], color=style["color"], linestyle=style["linestyle"])
                if is_mixed:
                    noisy = mean[mean["batches"] == 1]
                    axes.plot(noisy[x], noisy["value"], "o", color=style["color"], fillstyle="none", markersize=7)
                if len(mean):
                    ends.append((mean[x].iloc[-1], mean["value"].iloc[-1], str(arm), style["color"]))
            log_if_positive(axes, points["value"])
            axes.set_title(title)
            axes.set_xlabel({"images": "images seen", "seconds": "seconds of training"}[x])
            # 500 thousandths of a second would read 500m.
            axes.xaxis.set_major_formatter(
                EngFormatter(sep="") if x == "images" else FuncFormatter(lambda s, _: f"{s:g}")
            )
            axes.xaxis.set_major_locator(MaxNLocator(5))
            lines.append((axes, ends))
        label_ends(figure, lines)
        return figure


def factor_curves(
    scores: pd.DataFrame,
    styles: Styles,
    *,
    factor: str,
    title: str,
    numeric: bool,
    width: float,
    chosen: pd.DataFrame | None = None,
) -> Figure:
    """Score of every arm against one evaluation factor: means over seeds with their t intervals.

    Args:
        scores: arm, level (number, or text), value: one row a seed, in the order of the axis; the baseline's own level
            included.
        styles: Style of each arm (`arm_styles`).
        factor: Name of the evaluation factor.
        title: Name and direction of the score.
        numeric: Whether its levels are numbers.
        width: Width in inches.
        chosen: arm, level, value (mean): levels that arms chose as their best, which get a ring; None for no rings.
    """
    with figure_style():
        figure, (axes,) = blank(width, 3.6)
        positions = {level: k for k, level in enumerate(dict.fromkeys(scores["level"]))}
        scores = scores.assign(level=scores["level"].map(positions))
        means = scores.groupby(["arm", "level"], sort=False)["value"].mean().reset_index()
        named = [arm for arm in dict.fromkeys(scores["arm"]) if styles[str(arm)]["color"] != FAINT]
        faint = means[~means["arm"].isin(named)]
        crowd(axes, [each[["level", "value"]] for _, each in faint.groupby("arm", sort=False)])
        named_styles = [styles[str(arm)] for arm in named]
        sns.pointplot(
            scores[scores["arm"].isin(named)],
            x="level",
            y="value",
            hue="arm",
            hue_order=named,
            palette=[style["color"] for style in named_styles],
            markers=[style["marker"] for style in named_styles],
            linestyles=[style["linestyle"] for style in named_styles],
            errorbar=mean_interval,
            dodge=DODGE * (len(named) - 1),
            native_scale=True,
            markersize=6,
            linewidth=1.8,
            err_kws={"linewidth": 1.5},
            legend=False,
            ax=axes,
        )
        spread = np.linspace(-1.0, 1.0, len(named)) * DODGE * (len(named) - 1) / 2
        shifts = dict(zip(named, spread, strict=True))
        last = means.sort_values("level").groupby("arm", sort=False)[["level", "value"]].last()
        points = [(arm, last.loc[arm]) for arm in named]
        ends = [(at["level"] + shifts[arm], at["value"], str(arm), styles[str(arm)]["color"]) for arm, at in points]
        if chosen is not None:
            _draw_rings(axes, chosen.assign(level=chosen["level"].map(positions)), shifts, styles)
        axes.set_xticks(list(positions.values()), [shortest(level) if numeric else str(level) for level in positions])
        axes.set_xlabel(factor.replace("_", " "))
        axes.set_ylabel("")
        axes.set_title(title)
        label_ends(figure, [(axes, ends)])
        return figure


def _draw_rings(axes: Axes, points: pd.DataFrame, shifts: Mapping[str, float], styles: Styles) -> None:
    """A ring around each point (arm, level, value) of an arm that has a line, in its colour."""
    for row in points[points["arm"].isin(shifts)].to_dict("records"):
        at, colour = row["level"] + shifts[row["arm"]], styles[row["arm"]]["color"]
        (ring,) = axes.plot(at, row["value"], "o", color=colour, fillstyle="none")
        ring.set_markersize(15)
        ring.set_markeredgewidth(1.8)


def cost_front(points: pd.DataFrame, styles: Styles, *, label: str, direction: str, width: float) -> Figure:
    """Score against seconds of sampling; points that nothing beats on both counts are joined.

    Args:
        points: arm, reading, seconds, mean, on_front.
        styles: Style of each arm (`arm_styles`).
        label: Name of the score.
        direction: Which values of the score are better, for the title.
        width: Width in inches.
    """
    with figure_style():
        figure, (axes,) = blank(width, 4.2)
        faint = points["arm"].map(lambda arm: styles[str(arm)]["color"] == FAINT)
        axes.plot(points.loc[faint, "seconds"], points.loc[faint, "mean"], ".", color=FAINT, linestyle="none")
        for arm, each in points[~faint].groupby("arm", sort=False):
            style = styles[str(arm)]
            axes.plot(
                each["seconds"],
                each["mean"],
                style["marker"],
                color=style["color"],
                linestyle="none",
                label=shortened(str(arm)),
            )
        front = points[points["on_front"]].sort_values("seconds")
        axes.plot(front["seconds"], front["mean"], color=INK, linewidth=1.0, zorder=0, drawstyle="steps-post")
        axes.set_xscale("log")
        plain_log_ticks(axes.xaxis)
        axes.margins(x=0.35, y=0.15)
        axes.set_xlabel("seconds to sample all images of a score")
        axes.set_title(f"{label} ({direction})")
        figure.legend(loc="outside lower left", ncols=2, fontsize=11, handletextpad=0.1, columnspacing=1.0)
        _name_front(figure, axes, front[::-1])  # along the front the score gets better with the cost
        return figure


def _name_front(figure: Figure, axes: Axes, front: pd.DataFrame) -> None:
    """Names beside the points, the best first; one that would lie on another is left to the table and the alt text."""
    figure.draw_without_rendering()  # sizes are known when all else has its place
    taken: list[Bbox] = []
    for row in front.to_dict("records"):
        text = axes.annotate(
            f"{shortened(row['arm'], 26)}\n{shortened(row['evaluation_level'], 26)}",
            (row["seconds"], row["mean"]),
            xytext=(7, 7),
            textcoords="offset points",
            fontsize=10,
        )
        if text.get_window_extent().y1 > axes.get_window_extent().y1:  # above the point it would touch the title
            text.set_position((7, -7))
            text.set_verticalalignment("top")
        box = text.get_window_extent()
        if any(box.overlaps(other) for other in taken):
            text.remove()
        else:
            taken.append(box)


def crowd(
    axes: Axes, lines: Sequence[pd.DataFrame], *, colour: str = FAINT, width: float = 1.0, alpha: float = 0.4
) -> None:
    """Many thin lines as one artist, which a thousand of them would take minutes for.

    Args:
        lines: x and y of each, in two columns.
        axes: The axes to draw on.
        colour: Colour of all lines.
        width: Width of a line in points.
        alpha: Opacity, 0 to 1.
    """
    segments = [line.to_numpy(float) for line in lines]
    segments = [each[np.isfinite(each).all(axis=1)] for each in segments]
    if segments:
        axes.add_collection(LineCollection(segments, colors=colour, linewidths=width, alpha=alpha))
        axes.autoscale_view()


def log_if_positive(axes: Axes, values: pd.Series[float]) -> None:
    """Scale an axis by the logarithm where its values are positive and spread over more than a factor of 3.

    Args:
        axes: The axes, whose y axis is scaled.
        values: All values that are drawn.
    """
    known = values.dropna()
    if len(known) and known.min() > 0 and known.max() > 3 * known.min():
        axes.set_yscale("log")
        plain_log_ticks(axes.yaxis)
