"""Whether a verdict holds at other evaluation levels: the same comparison, at each level of the same checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import pandas as pd

from sweep.reporting.figures.levels import level_differences
from sweep.reporting.formatting import interval, join_words, number
from sweep.reporting.render.blocks import Block, figure_block
from sweep.reporting.render.tables import Column, TextCell, table_block, text_cells
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.stats.comparison import Comparison, compare_arms

DECIDED = ("better", "worse")


def comparisons_by_level(study: ReportedStudy) -> dict[str, Comparison]:
    """The comparison of all arms at each evaluation level, the deciding one first; one entry without other levels.

    Args:
        study: The study, with its comparison.
    """
    scores = study.frames.scores
    scores = scores[(scores["metric"] == study.comparison.metric) & ~of_earlier_weights(scores)]
    primary = set(scores.loc[scores["is_primary"], "evaluation_level"])
    others = [str(level) for level in dict.fromkeys(scores["evaluation_level"]) if level not in primary]
    return {"as decided": study.comparison} | {level: comparison_at(study, level) for level in others}


def comparison_at(study: ReportedStudy, level: str) -> Comparison:
    """The comparison of all arms at one evaluation level.

    Args:
        study: The study, with its comparison.
        level: The level, as the scores name it.
    """
    at = study.frames.scores.assign(is_primary=study.frames.scores["evaluation_level"] == level)
    return compare_arms(replace(study.frames, scores=at))


def of_earlier_weights(scores: pd.DataFrame) -> pd.Series[bool]:
    """Which scores are those of a training before its end.

    Args:
        scores: Rows of `StudyFrames.scores`.
    """
    return scores["level"].map(lambda level: "training_share" in level).astype(bool)


def level_warnings(study: ReportedStudy) -> Iterator[str]:
    """A sentence for each arm whose verdict has another sign, or none, at another evaluation level.

    Args:
        study: The study, with its comparison.
    """
    if not study.comparison.confirmatory:
        return
    levels = comparisons_by_level(study)
    decided = study.comparison.compared
    for row in decided[decided["verdict"].isin(DECIDED)].to_dict("records"):
        turned: list[str] = []
        faded: list[str] = []
        for level, comparison in list(levels.items())[1:]:
            at_level = comparison.arms[comparison.arms["arm_id"] == row["arm_id"]].iloc[0]
            if at_level["pairs"] < 2 or at_level["verdict"] == row["verdict"]:
                continue
            described = f"{level} ({number(float(at_level['difference']), study.decimals, signed=True)})"
            (turned if at_level["verdict"] in DECIDED else faded).append(described)
        decided_by = number(float(row["difference"]), study.decimals, signed=True)
        subject = f"{row['says']} is {row['verdict']} as decided ({decided_by})"
        if turned:
            yield f"{subject}, and the opposite at {join_words(turned)}."
        if faded:
            yield (
                f"{subject}, and the same comparison does not show that at {join_words(faded)}. "
                "The verdict is about the deciding evaluation level only."
            )


def differences_by_level(study: ReportedStudy) -> list[Block]:
    """Paired differences at every evaluation level, as a figure and as a table.

    Args:
        study: The study, with its comparison.
    """
    caption = (
        f"Differences of {study.score} from the baseline over paired seeds, at every evaluation level of the same "
        "checkpoints, with 95 % intervals that hold for all arms of a level at once. Only the column as decided was "
        "planned to decide; the others are exploratory."
    )
    return difference_blocks(study, comparisons_by_level(study), name="level_differences", caption=caption)


def difference_blocks(
    study: ReportedStudy, levels: Mapping[str, Comparison], *, name: str, caption: str
) -> list[Block]:
    """Paired differences at several levels, as a figure and as a table; none with one level or without pairs.

    Args:
        study: The study, with its comparison.
        levels: Name of each level, with the comparison of all arms there.
        name: Name of the figure and of the table.
        caption: Caption of both.
    """
    arms = pd.concat(
        [each.compared.assign(evaluation_level=level) for level, each in levels.items()], ignore_index=True
    )
    if len(levels) < 2 or not (arms["pairs"] > 0).any():
        return []
    seeds = pd.concat([each.pairs.assign(evaluation_level=level) for level, each in levels.items()], ignore_index=True)
    draw = partial(level_differences, arms, seeds, study.styles, title=f"{study.score} ({study.direction})")
    rows = list(dict.fromkeys(arms["arm"]))
    columns = [Column("Arm", text_cells(rows))]
    for level, comparison in levels.items():
        by_arm = comparison.compared.set_index("arm")
        cells = [_cell(by_arm.loc[arm], study.decimals) for arm in rows]
        columns.append(Column(level, cells, numeric=True))
    alt = "; ".join(
        f"{row['arm']} at {row['evaluation_level']}: {number(row['difference'], study.decimals, signed=True)}"
        for row in arms.head(24).to_dict("records")
    )
    data = arms[["arm", "evaluation_level", "pairs", "difference", "low", "high"]]
    return [
        figure_block(name, draw, alt=f"Differences from the baseline. {alt}", caption=caption, data=data),
        table_block(name, columns, caption=caption, data=data),
    ]


def _cell(row: pd.Series, decimals: int) -> TextCell:
    difference, low, high = (float(row[key]) for key in ("difference", "low", "high"))
    return TextCell(number(difference, decimals, signed=True), interval(low, high, decimals))
