"""What a design is for: the comparisons of its own question, and curves over numeric factors."""

from __future__ import annotations

from functools import partial

import pandas as pd

from sweep.config.values import shortest
from sweep.reporting.figures.dose_response import dose_response_curve
from sweep.reporting.formatting import interval, join_words, number, percent
from sweep.reporting.render.blocks import Block, figure_block, note
from sweep.reporting.render.tables import Badge, Column, TextCell, table_block, text_cells
from sweep.reporting.sections.search_claims import claims_in_words
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.stats.dose_response import DoseResponse
from sweep.reporting.stats.interactions import aliased_effects, interaction_tests
from sweep.reporting.text.own_answer import dose_in_words, own_answer


def own_sentences(study: ReportedStudy) -> str:
    """The answers to the design's own question and for its numeric factors; empty where there are none yet.

    Args:
        study: The study, with its comparison.
    """
    question = study.frames.study_ref.design.own_question
    label, decimals = study.score, study.decimals
    sentences = [own_answer(study.contrasts, question, label, decimals)] if question is not None else []
    sentences.append(_interactions(study))
    sentences += [dose_in_words(each, label, decimals) for each in study.dose_responses]
    sentences.append(claims_in_words(study))
    return " ".join(sentence for sentence in sentences if sentence)


def _interactions(study: ReportedStudy) -> str:
    """The pairs of levels that are shown to do more or less together than each alone; empty for none."""
    if not study.frames.study_ref.design.tests_interactions or not study.comparison.confirmatory:
        return ""
    tests = interaction_tests(study.frames)
    shown = [row for row in tests.to_dict("records") if row["is_shown"]]
    pairs = [
        f"{row['first']} and {row['second']} ({number(row['mean'], study.decimals, signed=True)})" for row in shown
    ]
    return f"Shown to change each other's effect: {join_words(pairs)}." if pairs else ""


def own_question(study: ReportedStudy) -> list[Block]:
    """The table of the design's own question, with its family of comparisons in the caption.

    Args:
        study: The study, with its comparison.
    """
    question = study.frames.study_ref.design.own_question
    rows = study.contrasts.to_dict("records")
    if question is None or not (study.contrasts["n"] > 0).any():
        return [note("No seed has a score in all arms that this comparison takes.")]
    decimals = study.decimals
    columns = [
        Column("Comparison", text_cells([row["contrast"] for row in rows])),
        Column(
            "Difference",
            [
                TextCell(
                    number(row["difference"], decimals, signed=True),
                    interval(row["low"], row["high"], decimals, unknown="no interval"),
                )
                for row in rows
            ],
            numeric=True,
        ),
        Column("Share", [TextCell(percent(row["share"], signed=True)) for row in rows], numeric=True),
        Column("Verdict", [Badge(row["verdict"], row["why"]) for row in rows]),
        Column("Seeds", text_cells([row["n"] for row in rows]), numeric=True),
    ]
    at_once = " Intervals hold for all rows at once." if len(rows) > 1 else ""
    caption = f"{study.comparison.label} ({study.direction}). {question.family}.{at_once}"
    return [table_block("own_question", columns, caption=caption, data=study.contrasts), *_aliased(study)]


def _aliased(study: ReportedStudy) -> list[Block]:
    """Which main effects a fraction cannot tell from other effects."""
    groups = [group for group in aliased_effects(study.frames) if any(" x " not in effect for effect in group)]
    if not groups:
        return []
    text = "; ".join(join_words(group) for group in groups)
    return [
        note(f"This fraction cannot tell apart: {text}. A main effect above may be that of what it is aliased with.")
    ]


def dose_response(study: ReportedStudy) -> list[Block]:
    """A curve for each numeric factor, with the baseline's level in it.

    Args:
        study: The study, with its comparison.
    """
    blocks = [_curve(study, response) for response in study.dose_responses]
    return blocks or [note("A curve needs scores of the baseline and of two other levels of a numeric factor.")]


def _curve(study: ReportedStudy, response: DoseResponse) -> Block:
    comparison, decimals = study.comparison, study.decimals
    values = comparison.pairs[comparison.pairs["arm"].isin(response.points["arm"])]
    level_of = dict(zip(response.points["arm"], response.points["level"], strict=True))
    seeds = pd.DataFrame(
        {"replicate": values["replicate"], "level": values["arm"].map(level_of), "value": values["value"]}
    )
    base = values.drop_duplicates("replicate")
    base = pd.DataFrame({"replicate": base["replicate"], "level": response.baseline, "value": base["baseline"]})
    seeds = pd.concat([seeds, base]).sort_values(["replicate", "level"], kind="stable", ignore_index=True)
    draw = partial(
        dose_response_curve,
        response.points,
        seeds,
        factor=response.factor,
        baseline=response.baseline,
        not_worse=response.not_worse,
        is_log=response.is_log,
        label=f"{study.score} ({study.direction})",
    )
    trend = "each doubling" if response.is_log else "the way from the lowest to the highest level"
    caption = (
        f"Mean {study.score} at each level of {response.factor}, over seeds; each thin line is one seed. Bars are "
        "95 % intervals of the difference from the baseline, which hold for all arms at once; the dashed line is the "
        f"baseline, {response.factor} = {shortest(response.baseline)}. Filled points are the levels that no other one "
        f"is shown to beat: the best level is among them with 95 % certainty. The trend is for {trend}; the trends of "
        "all factors are one family."
    )
    name = f"dose_response_{response.factor.replace('.', '_')}"
    return figure_block(
        name, draw, alt=dose_in_words(response, comparison.label, decimals), caption=caption, data=response.points
    )
