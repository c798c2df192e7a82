"""The answer to a design's own question, in sentences: what comes before the comparison with the baseline."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from sweep.config.designs.contrasts import OwnQuestion
from sweep.config.values import shortest
from sweep.quantities import quantity
from sweep.reporting.formatting import NOTHING, join_words, number, percent
from sweep.reporting.stats.dose_response import DoseResponse
from sweep.statistics.verdicts import excludes_zero

Row = Mapping[Hashable, Any]
NAMED = 3
"""Contrasts that get a sentence of their own, those with the largest effects."""


def contrast_in_words(row: Row, label: str, decimals: int) -> str:
    """What a contrast changes, by how much and between which bounds.

    Args:
        row: A row of `own_contrasts`.
        label: Name of the score.
        decimals: Decimals of the score.
    """
    difference, low, high = (float(row[key]) for key in ("difference", "low", "high"))
    seeds = quantity(int(row["n"]), "seed")
    if not np.isfinite(low):
        return f"{row['subject']} changes {label} by {number(difference, decimals, signed=True)}, over {seeds}."
    if excludes_zero(low, high):
        between = " to ".join(number(bound, decimals) for bound in sorted((abs(low), abs(high))))
        share = percent(abs(float(row["share"]))) if np.isfinite(row["share"]) else NOTHING
        verb = "lowers" if difference < 0 else "raises"
        amount = f"{number(abs(difference), decimals)} ({share}; 95 % interval {between})"
        return f"{row['subject']} {verb} {label} by {amount}, over {seeds}."
    between = " to ".join(number(bound, decimals, signed=True) for bound in (low, high))
    amount = f"{number(difference, decimals, signed=True)} (95 % interval {between})"
    return f"{row['subject']} changes {label} by {amount}, over {seeds}: {row['why']}."


def own_answer(contrasts: pd.DataFrame, question: OwnQuestion, label: str, decimals: int) -> str:
    """The answer to a design's own question.

    Args:
        contrasts: As `own_contrasts` returns them.
        question: What the design is for.
        label: Name of the score.
        decimals: Decimals of the score.

    Returns:
        Sentences; empty where no contrast has a seed.
    """
    known = contrasts[contrasts["n"] > 0]
    if known.empty:
        return ""
    if question.conclusions:
        row = known.to_dict("records")[0]
        return f"{question.conclusions[row['verdict']]} {contrast_in_words(row, label, decimals)}"
    decided = known[known["verdict"].isin(["better", "worse"])]
    strongest = decided.loc[decided["difference"].abs().sort_values(ascending=False, kind="stable").index]
    sentences = [contrast_in_words(row, label, decimals) for row in strongest.head(NAMED).to_dict("records")]
    for verdict, words in {"no difference": "Shown to make no difference", "undecided": "Undecided"}.items():
        names = known.loc[known["verdict"] == verdict, "contrast"].tolist()
        if names:
            sentences.append(f"{words}: {join_words([str(name) for name in names])}.")
    return " ".join(sentences)


def dose_in_words(response: DoseResponse, label: str, decimals: int) -> str:
    """Trend and best level of a numeric factor.

    Args:
        response: Its dose-response.
        label: Name of the score.
        decimals: Decimals of the score.
    """
    trend = contrast_in_words(response.trend, label, decimals)
    levels = response.points["level"]
    others = [shortest(level) for level in response.not_worse if level != response.best]
    best = f"The best of {len(levels)} levels is {response.factor} = {shortest(response.best)}"
    certain = f"{join_words(others)} {'is' if len(others) == 1 else 'are'} not shown to be worse"
    at_end = response.best in (float(levels.min()), float(levels.max()))
    end = " It is an end of what was tried, so a better one may lie beyond." if at_end else ""
    return f"{trend} {best}; {certain if others else 'every other level is shown to be worse'}.{end}"
