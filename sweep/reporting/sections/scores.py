"""All scores of the same images: in percent of the baseline at a glance, and the others in their own units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

import numpy as np
import pandas as pd

from sweep.reporting.formatting import NOTHING, decimals_for, interval, join_words, number, percent
from sweep.reporting.metrics import ARROWS, CLASSIFIER, short_label_of
from sweep.reporting.render.blocks import Block, note
from sweep.reporting.render.tables import Column, TextCell, table_block, text_cells
from sweep.reporting.sections.scores_by_class import scores_by_class
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.stats.comparison import Comparison, compare_arms
from sweep.reporting.text.replicates import replicate_words
from sweep.scoring.metrics import METRICS, Direction, class_of_metric
from sweep.statistics.verdicts import excludes_zero

VERDICT_COLUMNS = ["arm_id", "p_adjusted", "p_sign_flip", "verdict", "why", "test"]
SURE_OF_BASELINE = 4.0
"""Standard errors that a baseline's mean must lie above 0, for a share of it to mean anything: KID can be near 0."""


def other_scores(study: ReportedStudy) -> list[Block]:
    """Every other score of the same images, with intervals and no verdict.

    Args:
        study: The study, with its comparison.
    """
    measured = set(study.frames.scores["metric"]) - {study.comparison.metric}
    measured = {name for name in measured if class_of_metric(name) is None}  # these have tables of their own
    names = [name for name in METRICS if name in measured] + sorted(measured - set(METRICS))
    if not names:
        return [note("No other score was measured.")]
    comparisons = [compare_arms(study.frames, name) for name in names]
    overview = scores_overview(study, [study.comparison, *comparisons])
    directions = {comparison.direction for comparison in comparisons}
    columns = [Column("Arm", text_cells(list(comparisons[0].arms["arm"])))]
    tidy = []
    for comparison in comparisons:
        decimals = decimals_for(comparison.decimals_at)
        rows = comparison.arms.to_dict("records")
        name = comparison.label.removesuffix(CLASSIFIER)
        cells = [TextCell(number(row["mean"], decimals), interval(row["low"], row["high"], decimals)) for row in rows]
        columns.append(Column(f"{name} {ARROWS[comparison.direction]}".rstrip(), cells, numeric=True))
        tidy.append(comparison.arms.drop(columns=VERDICT_COLUMNS).assign(score=comparison.metric))
    local = [
        comparison.label.removesuffix(CLASSIFIER) for comparison in comparisons if comparison.label.endswith(CLASSIFIER)
    ]
    features = f" Scores from the classifier's features: {join_words(local)}." if local else ""
    signs = ", ".join(
        f"{ARROWS[direction]} {direction}" for direction in Direction if ARROWS[direction] and direction in directions
    )
    caption = (
        f"Other scores of the same images. Each cell shows the mean over {replicate_words(study.frames).spread}, and "
        "below it the 95 % interval of the "
        "difference from the baseline, which holds for all arms at once. These scores are exploratory and have no "
        f"verdicts.{f' {signs}.' if signs else ''}{features}"
    )
    marked = list(comparisons[0].arms["is_baseline"])
    data = pd.concat(tidy, ignore_index=True)
    table = table_block("other_scores", columns, caption=caption, data=data, marked=marked)
    return [*overview, table, *scores_by_class(study)]


def scores_overview(study: ReportedStudy, comparisons: Sequence[Comparison]) -> list[Block]:
    """One row an arm, one column a score: differences from the baseline in percent of its mean, with their intervals.

    Args:
        study: The study, with its comparison.
        comparisons: Of each score, the deciding one first.
    """
    arms = comparisons[0].compared
    words = replicate_words(study.frames)
    if arms.empty or not (arms["pairs"] > 0).any():
        return []
    columns, tidy = [Column("Arm", text_cells(list(arms["arm"])))], []
    for comparison in comparisons:
        base = comparison.baseline_mean if _has_shares(comparison) else np.nan
        by_arm = comparison.compared.set_index("arm_id")
        rows = [by_arm.loc[arm] for arm in arms["arm_id"]]
        shares = [{key: float(row[key]) / base for key in ("difference", "low", "high")} for row in rows]
        label = short_label_of(comparison.metric, study.frames.protocol)
        title = f"{label} {ARROWS[comparison.direction]}".rstrip()
        columns.append(Column(title, [_share(each) for each in shares], numeric=True))
        tidy += [
            {"arm": name, "score": comparison.metric} | {f"{key}_share": share for key, share in each.items()}
            for name, each in zip(arms["arm"], shares, strict=True)
        ]
    caption = (
        f"Every score at a glance: the difference from the baseline over {words.many}, in percent of the baseline's "
        "mean, and below it the 95 % interval that holds for all arms of a score at once. ▲ and ▼ mark intervals "
        "without 0; a mark that points as the arrow of its column is good. The first score decides, the others are "
        f"exploratory. {NOTHING} stands where nothing is to be compared, or the baseline's mean is too near to 0."
    )
    return [table_block("scores_overview", columns, caption=caption, data=pd.DataFrame(tidy))]


def _has_shares(comparison: Comparison) -> bool:
    """Whether the baseline's mean is surely above 0, so that percent of it mean something."""
    baseline = comparison.arms[comparison.arms["is_baseline"]]
    if baseline.empty or not comparison.baseline_mean > 0:
        return False
    error = float(baseline["sd"].iloc[0]) / float(baseline["n"].iloc[0]) ** 0.5
    return not isfinite(error) or comparison.baseline_mean > SURE_OF_BASELINE * error


def _share(share: Mapping[str, float]) -> TextCell:
    if not isfinite(share["difference"]):
        return TextCell(NOTHING)
    text = percent(share["difference"], signed=True)
    if not isfinite(share["low"]):
        return TextCell(text)
    between = f"{percent(share['low'], signed=True)} to {percent(share['high'], signed=True)}"
    if not excludes_zero(share["low"], share["high"]):
        return TextCell(text, between)
    return TextCell(f"{'▲' if share['difference'] > 0 else '▼'} {text}", between)
