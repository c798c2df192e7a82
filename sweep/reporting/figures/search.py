"""Search studies and factorials: history, importances, interactions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from sweep.reporting.figures.style import COLOURS, FAINT, INK, blank, figure_style, shortened

CHANCE = "95th percentile of what any factor reaches by chance"


def history(trials: pd.DataFrame, *, label: str, direction: str, width: float) -> Figure:
    """Every trial a dot, the best so far a line.

    Args:
        trials: trial_number, value, best_so_far.
        label: Name of the score.
        direction: Which values of the score are better, for the title.
        width: Width in inches.
    """
    with figure_style():
        figure, (axes,) = blank(width, 3.4)
        axes.plot(trials["trial_number"], trials["value"], "o", color=FAINT, linestyle="none", label="a trial")
        axes.plot(
            trials["trial_number"], trials["best_so_far"], color=COLOURS[0], drawstyle="steps-post", label="best so far"
        )
        axes.set_xlabel("trial")
        axes.set_title(f"{label} ({direction})")
        figure.legend(loc="outside lower left", ncols=2)
        return figure


def importance_bars(bars: pd.DataFrame, *, width: float) -> Figure:
    """Importance of each factor, the largest first, with a line across each where chance ends.

    Args:
        bars: factor, importance (0 to 1), chance (0 to 1; the 95th percentile of what any factor reaches by chance),
            beyond_chance.
        width: Width in inches.
    """
    with figure_style():
        figure, (axes,) = blank(width, 1.6 + 0.42 * len(bars))
        colours = [COLOURS[0] if beyond else FAINT for beyond in bars["beyond_chance"]]
        names = bars["factor"].astype(str)
        sns.barplot(
            bars, x="importance", y=names, hue=names, palette=colours, saturation=1, width=0.6, legend=False, ax=axes
        )
        axes.set_ylabel("")
        rows = range(len(bars))
        axes.vlines(bars["chance"], [y - 0.4 for y in rows], [y + 0.4 for y in rows], color=INK, label=CHANCE)
        for y, row in enumerate(bars.to_dict("records")):
            text = f" {100 * row['importance']:.0f} %" + ("" if row["beyond_chance"] else "  (not beyond chance)")
            axes.text(max(row["importance"], row["chance"]), y, text, va="center", fontsize=11)
        axes.set_yticks(rows, [shortened(str(name)) for name in bars["factor"]])
        axes.set_xlim(0, 1.35 * max(0.05, float(bars[["importance", "chance"]].max().max())))
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("PED-ANOVA importance, share of the sum over factors")
        figure.legend(loc="outside lower left")
        return figure


def interaction(table: pd.DataFrame, *, label: str, direction: str, decimals: int, width: float) -> Figure:
    """Mean score of each pair of levels; numbers in the squares, so that colour is only a help.

    Args:
        table: Means; index the levels of one factor, columns those of another, both named.
        label: Name of the score.
        direction: Which values of the score are better, for the title.
        decimals: Decimals of the score.
        width: Width in inches.
    """
    with figure_style():
        figure, (axes,) = blank(width, 1.6 + 0.55 * len(table))
        # A missing cell is no number, which seaborn leaves blank; its word is written afterwards.
        sns.heatmap(
            table.astype(float), cmap="Blues", annot=True, fmt=f".{decimals}f", cbar=False, linewidths=1, ax=axes
        )
        for row, column in np.argwhere(~np.isfinite(table.to_numpy(float))):
            axes.text(column + 0.5, row + 0.5, "missing", ha="center", va="center")
        axes.set_xticks(np.arange(table.shape[1]) + 0.5, [shortened(str(name), 14) for name in table.columns])
        axes.set_yticks(np.arange(len(table)) + 0.5, [shortened(str(name), 14) for name in table.index], rotation=0)
        axes.set_xlabel(str(table.columns.name))
        axes.set_ylabel(str(table.index.name))
        axes.grid(visible=False)
        axes.set_title(f"{label} ({direction})")
        return figure
