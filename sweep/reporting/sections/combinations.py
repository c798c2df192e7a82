"""Factorials and fractions of them: what levels do together."""

from __future__ import annotations

from functools import partial
from itertools import combinations

import pandas as pd

from sweep.reporting.figures.search import interaction
from sweep.reporting.formatting import interval, join_words, number, value_in_words
from sweep.reporting.render.blocks import Block, figure_block, note
from sweep.reporting.render.tables import Column, TextCell, table_block, text_cells
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.stats.interactions import BASELINE, aliased_effects, interaction_tests, levels_of_arms
from sweep.reporting.stats.pairs import primary_values

DRAWN_PAIRS = 3


def interactions(study: ReportedStudy) -> list[Block]:
    """Every pair of levels and whether they do more or less together than each alone; then what that looks like.

    Args:
        study: The study, with its comparison.
    """
    factors = [name for name in levels_of_arms(study.frames).columns if name != "arm_id"]
    if len(factors) < 2 or primary_values(study.frames, study.frames.metric).empty:
        return [note("An interaction needs two factors with scores.")]
    tests = interaction_tests(study.frames) if study.comparison.confirmatory else pd.DataFrame()
    pairs = list(combinations(factors, 2))
    if len(tests):
        strongest = tests.sort_values(["is_shown", "p"], ascending=[False, True], kind="stable")
        sides = zip(strongest["first"], strongest["second"], strict=True)
        pairs = list(dict.fromkeys((a.partition("=")[0], b.partition("=")[0]) for a, b in sides))
    return [*_tested(study, tests), *_untested(study), *_pictures(study, pairs)]


def _tested(study: ReportedStudy, tests: pd.DataFrame) -> list[Block]:
    if tests.empty:
        return []
    rows = tests.to_dict("records")
    decimals = study.decimals
    columns = [
        Column("Pair", [TextCell(f"{row['first']} and {row['second']}") for row in rows]),
        Column(
            "Beyond the sum",
            [
                TextCell(number(row["mean"], decimals, signed=True), interval(row["low"], row["high"], decimals))
                for row in rows
            ],
            numeric=True,
        ),
        Column(
            "p after Holm",
            [TextCell("too few" if pd.isna(row["p_holm"]) else f"{row['p_holm']:.2g}") for row in rows],
            numeric=True,
        ),
        Column("Interaction", text_cells(["yes" if row["is_shown"] else "not shown" for row in rows])),
        Column("Seeds", text_cells([row["n"] for row in rows]), numeric=True),
    ]
    caption = (
        f"The change of {study.score} by two levels together, minus the changes by each of them alone, "
        "averaged over the other factors, with its 95 % t interval over seeds. An interaction that is not shown may "
        "still exist."
    )
    if study.frames.study_ref.design.aliases_effects:
        caption += (
            " In a fractional factorial, interactions of three or more factors are part of it and assumed to be 0."
        )
    return [table_block("interactions", columns, caption=caption, data=tests)]


def _untested(study: ReportedStudy) -> list[Block]:
    """Which interactions the design gave up."""
    groups = aliased_effects(study.frames)
    if not groups:
        return []
    groups_text = "; ".join(join_words(group) for group in groups)
    return [note(f"These effects are not tested, because this fraction cannot tell them apart: {groups_text}.")]


def _pictures(study: ReportedStudy, pairs: list[tuple[str, str]]) -> list[Block]:
    frames = study.frames
    values = primary_values(frames, frames.metric).merge(levels_of_arms(frames), on="arm_id")
    baseline = frames.spec.get("baseline", {})
    label, direction = study.score, study.direction
    blocks: list[Block] = []
    for row, column in pairs[:DRAWN_PAIRS]:
        baseline_values = {factor: value_in_words(baseline[factor]) for factor in (row, column) if factor in baseline}
        named = values.assign(
            **{f: values[f].replace(BASELINE, baseline_values.get(f, BASELINE)) for f in (row, column)}
        )
        means = named.pivot_table(index=row, columns=column, values="value", aggfunc="mean", sort=False)
        draw = partial(interaction, means, label=label, direction=direction, decimals=study.decimals)
        cell_texts = [
            f"{row} {a}, {column} {b}: {number(float(means[b][a]), study.decimals)}"
            for a in means.index
            for b in means.columns
        ]
        data = means.reset_index().melt(id_vars=row, value_name="mean")
        caption = f"Mean {label} of each pair of levels, over seeds and the other factors."
        blocks.append(
            figure_block(
                f"interaction_{row}_{column}", draw, alt="; ".join(cell_texts[:24]), caption=caption, data=data
            )
        )
    return blocks
