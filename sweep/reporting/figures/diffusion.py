"""What the arms' schedules and weightings look like, and what the arms draw from the same noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sweep.reporting.figures.style import (
    FAINT,
    End,
    LineStyle,
    blank,
    figure_style,
    label_ends,
    plain_log_ticks,
    shortened,
)


def schedule_curves(points: pd.DataFrame, styles: dict[str, LineStyle], *, width: float) -> Figure:
    """log10 SNR and beta against t/T, one line a distinct schedule.

    Args:
        points: arm (the first that has it), label (all that have it), u (t/T), log10_snr, beta.
        styles: Style of each arm (`arm_styles`).
        width: Width in inches.
    """
    with figure_style():
        figure, (snr, beta) = blank(width, 6.0, rows=2)
        upper = _lines(snr, points, styles, "log10_snr")
        snr.set_title("Signal-to-noise ratio, log10")
        lower = _lines(beta, points, styles, "beta", log=True)
        beta.set_title("Betas")
        label_ends(figure, [(snr, upper), (beta, lower)])
        return figure


def loss_weight_curves(points: pd.DataFrame, styles: dict[str, LineStyle], *, width: float) -> Figure:
    """Weight of each t in the loss, one line a distinct weighting.

    Args:
        points: arm, label, u, weight.
        styles: Style of each arm (`arm_styles`).
        width: Width in inches.
    """
    with figure_style():
        figure, (axes,) = blank(width, 3.2)
        ends = _lines(axes, points, styles, "weight", log=True)
        axes.set_title("Weight on the squared error of the prediction")
        label_ends(figure, [(axes, ends)])
        return figure


def _lines(axes: Axes, points: pd.DataFrame, styles: dict[str, LineStyle], y: str, *, log: bool = False) -> list[End]:
    ends: list[End] = []
    for arm, each in points.groupby("arm", sort=False):
        style = styles[str(arm)]
        axes.plot(each["u"], each[y], color=style["color"], linestyle=style["linestyle"])
        last = each[each[y] > 0].iloc[-1:] if log else each.dropna().iloc[-1:]
        if len(last) and style["color"] != FAINT:
            ends.append((last["u"].iloc[0], last[y].iloc[0], str(each["label"].iloc[0]), style["color"]))
    if log:
        axes.set_yscale("log")
        plain_log_ticks(axes.yaxis)
    axes.set_xlabel("t / T")
    return ends


def sample_sheet(rows: Sequence[tuple[str, NDArray[np.uint8]]], *, width: float) -> Figure:
    """Sheets of generated images, one arm a row, pixels as they are.

    Args:
        rows: (name, uint8 [H, W], [H, W, 3] or [H, W, 4]) of each arm; equal places hold the same noise.
        width: Width in inches.
    """
    heights = [width * image.shape[0] / image.shape[1] for _, image in rows]
    with figure_style():
        figure = Figure(figsize=(width, sum(heights) + 0.34 * len(rows)), layout="constrained")
        panels = figure.subplots(len(rows), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, (name, image) in zip(panels, rows, strict=True):
            axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="none")
            axes.set_title(shortened(name, 60))
            axes.set_axis_off()
        return figure
