"""The answer: one sentence, and the figure that shows it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

import numpy as np
import pandas as pd

from sweep.config.designs.arms import ALL
from sweep.quantities import quantity
from sweep.reporting.figures.forest import forest
from sweep.reporting.formatting import join_words, number, percent, rounded_duration
from sweep.reporting.metrics import extractor_of
from sweep.reporting.render.blocks import Block, Html, figure_block, note
from sweep.reporting.render.templates import fragment
from sweep.reporting.sections.during_training import sign_changes
from sweep.reporting.sections.level_ends import own_best_warnings
from sweep.reporting.sections.levels import level_warnings
from sweep.reporting.sections.own_question import own_sentences
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.stats.comparison import Comparison
from sweep.reporting.stats.work_done import runs_of, work_by_kind
from sweep.reporting.text.replicates import IMAGES_ALONE, replicate_words
from sweep.reporting.text.warnings import warnings_of
from sweep.statistics.verdicts import Verdict, excludes_zero
from sweep.store.states import CellStatus, Phase, RunState

DRAWN_ARMS = 40
LOCAL_SCALE = "Its features are those of a classifier of this data set, so it cannot be compared with published scores."
Row = Mapping[Hashable, Any]
"""A row of `Comparison.arms`."""


@dataclass(frozen=True)
class Answer:
    """The verdict in words."""

    word: Verdict
    sentence: str
    basis: str  # arms, seeds, N, extractor
    row: Row | None = None
    """What the sentence is about: a row of `Comparison.arms`, or as much of a trend; None where there is none."""


def verdict(study: ReportedStudy) -> list[Block]:
    """The question, its answer in one sentence, and what to know before believing it.

    Args:
        study: The study, with its comparison.
    """
    result = answer(study)
    html = fragment(
        "verdict.html.j2",
        word=result.word,
        sentence=result.sentence,
        basis=result.basis,
        question=study.frames.question,
    )
    turned = sign_changes(study, only_decided=True)
    warnings = [*level_warnings(study), *turned, *own_best_warnings(study), *warnings_of(study.frames)]
    return [Html(html), Html(fragment("warnings.html.j2", warnings=warnings))]


def answer(study: ReportedStudy) -> Answer:
    """One sentence for the whole study, from the rows of the ablation table.

    Args:
        study: The study, with its comparison.
    """
    comparison = study.comparison
    arms = comparison.compared
    if not comparison.confirmatory:
        return _exploratory(study)
    scored = arms[arms["pairs"] > 0]
    if scored.empty:
        done = int((study.frames.cells["status"] == CellStatus.DONE).sum())
        planned = quantity(len(study.frames.cells), "planned cell")
        sentence = f"No arm can be compared with the baseline yet: {done} of {planned} have a score."
        for lost in arms[arms["lost"] > 0].head(1).to_dict("records"):
            sentence = f"{lost['says']}: {lost['why']}."
            return Answer(lost["verdict"], sentence, f"{_tally(arms)}{_basis(study)}", lost)
        return Answer("undecided", sentence, _basis(study))
    own = own_sentences(study)
    if study.answered_by_curves:
        trend = study.dose_responses[0].trend
        row: Row = {"says": trend["subject"], "pairs": trend["n"]} | {
            key: trend[key] for key in ("difference", "low", "high")
        }
        return Answer(trend["verdict"], own, f"{_tally(arms)}{_basis(study)}", row)
    row = _headline_arm(scored, comparison.lower_is_better)
    sentence = difference_in_words(study, row)
    if row["lost"] + row["won"]:
        sentence += f" This counts only the seeds where both have a score: {row['why']}."
    if len(arms) > 1 and row["arm"] != ALL and not (arms["verdict"] == "better").any():
        sentence = f"No arm of {len(arms)} is shown to be better than the baseline. The closest arm: {sentence}"
    return Answer(row["verdict"], f"{own} {sentence}".strip(), f"{_tally(arms)}{_basis(study)}", row)


def _headline_arm(scored: pd.DataFrame, lower_is_better: bool) -> Row:
    """The full combination, where the design has one; else the best of the arms shown to be better, or without one
    the arm with the best mean difference."""
    combination = scored[scored["arm"] == ALL]
    if len(combination):
        return combination.to_dict("records")[0]
    better = scored[scored["verdict"] == "better"]
    pool = better if len(better) else scored
    differences = pool["difference"] if lower_is_better else -pool["difference"]
    return pool.loc[[differences.idxmin()]].to_dict("records")[0]


def difference_in_words(study: ReportedStudy, row: Row) -> str:
    """What changed, by how much in units and in percent, between which bounds, over how many seeds.

    Args:
        study: The study, with its comparison.
        row: A row of `Comparison.arms`.
    """
    base, decimals = study.comparison.baseline_mean, study.decimals
    difference, low, high = (float(row[key]) for key in ("difference", "low", "high"))
    words = replicate_words(study.frames)
    seeds = words.count(int(row["pairs"]))
    start = f"the baseline's {number(base, decimals)}"
    if not np.isfinite(low):
        change = f"{number(difference, decimals, signed=True)} from {start}"
        return f"{row['says']} changes {study.score} by {change}, over {seeds}. An interval needs two {words.unit}s."
    if excludes_zero(low, high):
        verb = "lowers" if difference < 0 else "raises"
        near, far = sorted((abs(low), abs(high)))
        between = f"{number(near, decimals)} to {number(far, decimals)}"
        amount = f"{number(abs(difference), decimals)} (95 % interval {between})"
        share = f"{percent(abs(difference) / base)} ({percent(near / base)} to {percent(far / base)})" if base else ""
        return f"{row['says']} {verb} {study.score} by {_share(share, amount, start)}, over {seeds}."
    between = " to ".join(number(bound, decimals, signed=True) for bound in (low, high))
    amount = f"{number(difference, decimals, signed=True)} (95 % interval {between})"
    low_share, high_share = (percent(bound / base, signed=True) if base else "" for bound in (low, high))
    share = f"{percent(difference / base, signed=True)} ({low_share} to {high_share})" if base else ""
    return f"{row['says']} changes {study.score} by {_share(share, amount, start)}, over {seeds}: {row['why']}."


def _share(share: str, amount: str, start: str) -> str:
    return f"{amount}, which is {share} of {start}" if share else f"{amount} from {start}"


def _tally(arms: pd.DataFrame) -> str:
    if len(arms) < 2:
        return ""
    words = [word for word in get_args(Verdict) if (arms["verdict"] == word).any()]
    diverged = list(arms.loc[arms["verdict"] == "diverged", "says"])
    diverged_text = f"In every seed {join_words(diverged)} diverged. " if diverged else ""
    tally = join_words([f"{int((arms['verdict'] == word).sum())} {word}" for word in words])
    return f"Of {len(arms)} arms: {tally}. {diverged_text}"


def _basis(study: ReportedStudy) -> str:
    protocol = study.frames.protocol
    sets = len(protocol.get("noise_sets", ())) or 1
    drawn = f"N = {protocol.get('n', 0):,} images in each of {quantity(sets, 'noise set')}"
    as_of = study.frames.data_as_of
    when = f" Data as of {as_of:%Y-%m-%d %H:%M} UTC." if as_of else ""
    local = "" if protocol.get("extractor") == "inception" else f" {LOCAL_SCALE}"
    measured = f"{study.comparison.label}: {study.direction}; {drawn}; extractor {extractor_of(protocol)}"
    return f"{measured}.{local}{_cost(study)}{when}"


def _cost(study: ReportedStudy) -> str:
    trained = int((runs_of(study.frames)["state"] == RunState.TRAINED).sum())
    hours = float(work_by_kind(study.frames)["hours"].sum())
    if trained == 0 or not hours > 0:
        return ""
    return (
        f" It took {quantity(trained, 'training')}: {rounded_duration(3600 * hours)} of work of all workers together."
    )


def _exploratory(study: ReportedStudy) -> Answer:
    trials = study.frames.cells[study.frames.cells["phase"] == Phase.SEARCH]
    done = int((trials["status"] == CellStatus.DONE).sum())
    sentence = (
        f"This is a search: {done} of {quantity(len(trials), 'trial')} have a score, and no arm was trained again on "
        "new "
        "seeds. The best of many trials is the best partly by chance, so there is no verdict."
    )
    return Answer("undecided", sentence, _basis(study))


def differences(study: ReportedStudy) -> list[Block]:
    """The forest plot.

    Args:
        study: The study, with its comparison.
    """
    comparison = study.comparison
    arms, words = comparison.arms, replicate_words(study.frames)
    if not len(comparison.pairs):
        return [note(f"No arm shares {words.finished} with the baseline, so there is no difference to draw.")]
    shown = arms.head(DRAWN_ARMS + 1)
    draw = partial(
        forest,
        shown,
        comparison.pairs,
        label=f"{study.score} ({study.direction})",
        lower_is_better=comparison.lower_is_better,
        margin=comparison.margin,
    )
    left_out = (
        f" The figure shows {DRAWN_ARMS} of {len(arms) - 1} arms, the table all." if len(arms) > len(shown) else ""
    )
    caption = (
        f"{words.dot} Bars are 95 % intervals{interval_scope(comparison)}. The shaded band is the smallest effect of "
        f"interest, ±{number(comparison.margin, study.decimals)}.{left_out}"
        f"{items_note(study)}"
    )
    rows = shown[~shown["is_baseline"] & (shown["pairs"] > 0)].to_dict("records")
    alt = "Differences from the baseline. " + " ".join(
        f"{row['arm']}: {difference_in_words(study, row)}" for row in rows[:12]
    )
    data = comparison.pairs.drop(columns="arm_id")
    return [figure_block("differences", draw, alt=alt, caption=caption, data=data)]


def items_note(study: ReportedStudy) -> str:
    """What intervals of arms with a single item leave out, as a sentence after others; empty where all have several.

    Args:
        study: The study, with its comparison.
    """
    compared = study.comparison.compared
    alone = compared[(compared["pairs"] == 1) & np.isfinite(compared["low"])]
    if alone.empty:
        return ""
    arms = "" if len(alone) == len(compared) else f" of {join_words(list(alone['arm']))}"
    return f" With one item, the {IMAGES_ALONE.replace('intervals are', f'intervals{arms} are', 1)}."


def interval_scope(comparison: Comparison) -> str:
    """What intervals are of, and what they hold for together.

    Args:
        comparison: The comparison that they are from.
    """
    of = " of the mean ratio, times the baseline's mean" if comparison.ratio else ""
    return of + ("" if comparison.family < 2 else f", which hold for all {comparison.family} arms at once")
