"""One style for all figures: readable on a phone, in grey, and by colour-blind readers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import offset_copy

LineStyle = dict[str, Any]
Dashes = str | tuple[int, tuple[float, ...]]

INK, FAINT = "#1f2328", "#8c959f"
GRID, BAND = "#e6e8eb", "#eef1f4"
# Okabe & Ito 2008, without the yellow, which is lost on white; the baseline is always grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
# The first of each is the baseline's.
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES: tuple[Dashes, ...] = (
    "-",
    (0, (6, 2)),
    (0, (1.5, 1.5)),
    (0, (6, 2, 1.5, 2)),
    (0, (12, 2)),
    (0, (3, 3)),
    (0, (6, 2, 1.5, 2, 1.5, 2)),
)
VERDICT_COLOURS = {
    "better": "#009E73",
    "worse": "#D55E00",
    "no difference": "#0072B2",
    "diverged": "#D55E00",
    "undecided": FAINT,
    "": INK,
}
VERDICT_MARKERS = {"better": "v", "worse": "^", "no difference": "s", "diverged": "X", "undecided": "o", "": "|"}
WIDE, NARROW = 11.0, 5.4
"""Widths in inches: of a page at a desk, where letters are as large as those of the text, and of one in a hand."""
LINE_POINTS = 13
"""Height of a line of small text."""
MAX_NAMED = 6
"""Lines in one plot that get a colour and a name; more cannot be told apart."""

RC = {
    "font.size": 12,
    "axes.titlesize": 12,
    "axes.labelsize": 12,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "text.parse_math": False,  # a name with two dollar signs is not mathematics
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "legend.frameon": False,
    "font.family": "DejaVu Sans",
}


def arm_styles(arms: Sequence[str]) -> dict[str, LineStyle]:
    """Colour, marker and dashes of each arm, the same in all figures: the baseline, which comes first, in ink, six
    others told apart, the rest faint.

    Args:
        arms: Names of the arms, the baseline first.
    """
    styles = [
        {"color": colour, "marker": marker, "linestyle": dashes}
        for colour, marker, dashes in zip((INK, *COLOURS), MARKERS, DASHES, strict=True)
    ]
    faint = {"color": FAINT, "marker": "", "linestyle": "-", "alpha": 0.4, "linewidth": 1.0}
    return {arm: styles[k] if k < len(styles) else faint for k, arm in enumerate(arms)}


@contextmanager
def figure_style() -> Iterator[None]:
    """A context with the style of all figures; figures are drawn inside it."""
    with mpl.rc_context(RC):  # type: ignore[arg-type] # its keys are checked by matplotlib, not by their type
        yield


def blank(
    width: float, height: float, *, columns: int = 1, rows: int = 1, share_y: bool = False
) -> tuple[Figure, list[Axes]]:
    """An empty figure without a window, and its axes row by row.

    Args:
        width: Width in inches, `WIDE` or `NARROW`.
        height: Height in inches.
        columns: Axes in a row.
        rows: Rows of axes.
        share_y: Whether all axes have one y scale.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=share_y)
    return figure, list(axes.flat)


def plain_log_ticks(axis: Axis) -> None:
    """Plain tick labels such as 0.01 and 1e-05 on a logarithmic axis: mathematics is switched off, see `RC`.

    Args:
        axis: The axis, on a logarithmic scale.
    """
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1.0,) if high > 30 * low else (1.0, 2.0, 3.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def shortened(name: str, length: int = 26) -> str:
    """A name that fits beside an axis.

    Args:
        name: The name.
        length: The most characters; a longer name ends in an ellipsis.
    """
    return name if len(name) <= length else name[: length - 1] + "…"


End = tuple[float, float, str, str]
"""x and y of a line's last point in data units, its name, its colour."""


def fix_layout(figure: Figure) -> None:
    """Compute the layout once; otherwise drawing would compute it twice more.

    Args:
        figure: The drawn figure.
    """
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")


def label_ends(figure: Figure, lines: Sequence[tuple[Axes, Sequence[End]]]) -> None:
    """Write names right of all lines, moved apart so that none covers another, each joined to the end of its line.

    Args:
        figure: The drawn figure.
        lines: The axes, each with the ends of its lines.
    """
    engine = figure.get_layout_engine()
    assert engine is not None, "`blank` gives every figure one"
    engine.execute(figure)  # only now do points know their places
    for axes, ends in lines:
        if not ends:
            continue
        heights = axes.transData.transform([(x, y) for x, y, _, _ in ends])[:, 1] * 72 / figure.dpi
        order = np.argsort(heights, kind="stable")
        label_heights = heights[order].copy()
        for k in range(1, len(label_heights)):
            label_heights[k] = max(label_heights[k], label_heights[k - 1] + LINE_POINTS)
        label_heights -= (label_heights - heights[order]).mean()
        right = max(x for x, *_ in ends)
        for k, index in enumerate(order):
            x, y, text, colour = ends[index]
            lift = float(label_heights[k] - heights[index])
            axes.annotate(
                shortened(text, 24),
                (x, y),
                xytext=(right, y),
                textcoords=offset_copy(axes.transData, figure, x=14, y=lift, units="points"),
                va="center",
                arrowprops={
                    "arrowstyle": "-",
                    "color": colour,
                    "linewidth": 0.7,
                    "alpha": 0.6,
                    "shrinkA": 1,
                    "shrinkB": 3,
                    "relpos": (0.0, 0.5),
                },
                color=colour,
                fontsize=11,
                annotation_clip=False,
            )
