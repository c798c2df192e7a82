"""Factorials and fractions of them: what levels do together."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from sweep.reporting.figures.search import interaction
from sweep.reporting.formatting import listed, number, value_in_words
from sweep.reporting.render.blocks import Block, note, picture
from sweep.reporting.render.tables import Column, Text, table, texts
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.stats.comparison import primary_values
from sweep.reporting.stats.interactions import BASELINE, aliased_effects, levels_of_arms
from sweep.reporting.stats.interactions import interactions as tests_of

DRAWN_PAIRS = 3


def interactions(study: ReportedStudy) -> list[Block]:
    """Every pair of levels and whether they do more or less together than each alone; then what that looks like."""
    factors = [name for name in levels_of_arms(study.frames).columns if name != "arm_id"]
    if len(factors) < 2 or primary_values(study.frames, study.frames.metric).empty:
        return [note("An interaction needs two factors with scores.")]
    found = tests_of(study.frames) if study.comparison.confirmatory else pd.DataFrame()
    pairs = list(combinations(factors, 2))
    if len(found):
        strongest = found.sort_values(["found", "p"], ascending=[False, True], kind="stable")
        sides = zip(strongest["first"], strongest["second"], strict=True)
        pairs = list(dict.fromkeys((a.partition("=")[0], b.partition("=")[0]) for a, b in sides))
    return [*_tested(study, found), *_untested(study), *_pictures(study, pairs)]


def _tested(study: ReportedStudy, found: pd.DataFrame) -> list[Block]:
    if found.empty:
        return []
    rows = found.to_dict("records")
    decimals = study.decimals
    columns = [
        Column("Pair", [Text(f"{row['first']} and {row['second']}") for row in rows]),
        Column("Beyond the sum", [Text(number(row["mean"], decimals, signed=True), _bounds(row, decimals))
                                  for row in rows], numeric=True),
        Column("p after Holm", [Text("too few" if pd.isna(row["p_holm"]) else f"{row['p_holm']:.2g}")
                                for row in rows], numeric=True),
        Column("Interaction", texts(["yes" if row["found"] else "not shown" for row in rows])),
        Column("Seeds", texts([row["n"] for row in rows]), numeric=True),
    ]  # fmt: skip
    caption = (
        f"What two levels change in {study.comparison.label} together, less what each changes alone, over seeds with "
        "its 95 % t interval and averaged over the other factors. Not shown does not mean that there is none."
    )
    if study.frames.subject.design.aliases_effects:
        caption += " In a fraction, interactions of three factors and more are mixed in, and are taken to be nothing."
    return [table("interactions", columns, caption=caption, data=found)]


def _bounds(row: Mapping[Hashable, Any], decimals: int) -> str:
    low, high = float(row["low"]), float(row["high"])
    return f"{number(low, decimals, signed=True)} to {number(high, decimals, signed=True)}" if np.isfinite(low) else ""


def _untested(study: ReportedStudy) -> list[Block]:
    """Which interactions the design gave up."""
    groups = aliased_effects(study.frames)
    if not groups:
        return []
    told = "; ".join(listed(group) for group in groups)
    return [note(f"Not tested, because this fraction cannot tell them apart: {told}.")]


def _pictures(study: ReportedStudy, pairs: list[tuple[str, str]]) -> list[Block]:
    frames = study.frames
    values = primary_values(frames, frames.metric).merge(levels_of_arms(frames), on="arm_id")
    baseline = frames.spec.get("baseline", {})
    label, direction = study.comparison.label, study.direction
    blocks: list[Block] = []
    for row, column in pairs[:DRAWN_PAIRS]:
        own = {factor: value_in_words(baseline[factor]) for factor in (row, column) if factor in baseline}
        named = values.assign(**{f: values[f].replace(BASELINE, own.get(f, BASELINE)) for f in (row, column)})
        means = named.pivot_table(index=row, columns=column, values="value", aggfunc="mean", sort=False)
        figure = interaction(means, label=label, direction=direction, decimals=study.decimals)
        told = [
            f"{row} {a}, {column} {b}: {number(float(means[b][a]), study.decimals)}"
            for a in means.index
            for b in means.columns
        ]
        data = means.reset_index().melt(id_vars=row, value_name="mean")
        caption = f"Mean {label} of each pair of levels, over seeds and the other factors."
        blocks.append(
            picture(f"interaction_{row}_{column}", figure, alt="; ".join(told[:24]), caption=caption, data=data)
        )
    return blocks
