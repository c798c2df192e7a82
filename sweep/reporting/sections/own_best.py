"""Each arm at its own best evaluation level: the second verdict table."""

from __future__ import annotations

import pandas as pd

from sweep.reporting.formatting import changes_in_words, join_words
from sweep.reporting.render.blocks import Block, note
from sweep.reporting.render.tables import Badge, Column, TextCell, table_block, text_cells
from sweep.reporting.sections.ablation import difference_cell, mean_and_sd
from sweep.reporting.sections.answer import interval_scope
from sweep.reporting.sections.level_ends import tuned_factors
from sweep.reporting.sections.study import ReportedStudy


def own_best_levels(study: ReportedStudy) -> list[Block]:
    """The arms compared each at its own best evaluation level.

    Args:
        study: The study, with its comparison.
    """
    tuned = study.own_best
    if tuned is None:
        return [note("No arm has the scores yet among which its best evaluation level is chosen.")]
    comparison, decimals = tuned.comparison, study.decimals
    rows = comparison.arms.to_dict("records")
    columns = [
        Column("Arm", text_cells([row["arm"] for row in rows])),
        Column("Best level", [TextCell(_levels_in_words(tuned.chosen, row["arm_id"])) for row in rows]),
        Column("Verdict", [Badge(row["verdict"], row["why"]) for row in rows]),
        Column("Mean ± SD", [TextCell(mean_and_sd(row, decimals)) for row in rows], numeric=True),
        Column(
            "Difference",
            [TextCell(*difference_cell(row, decimals, comparison.baseline_mean)) for row in rows],
            numeric=True,
        ),
        Column("Seeds", [TextCell(f"{row['n']}") for row in rows], numeric=True),
    ]
    caption = (
        f"{comparison.label} ({study.direction}) of each arm, the baseline too, at its own best level of "
        f"{join_words(tuned_factors(study))}. A level is chosen on one half of the noise sets by the mean over seeds, "
        "and scored on the other half, both ways round; the two scores of a seed are averaged. So the chance that made "
        "a level the best on one half is not in its scores. Two levels are named where the halves chose differently. "
        f"Differences are over paired seeds, with 95 % intervals{interval_scope(comparison)}."
    )
    data = comparison.arms.drop(columns="arm_id").merge(_chosen_by_arm(tuned.chosen), on="arm", how="left")
    marked = list(comparison.arms["is_baseline"])
    return [table_block("own_best", columns, caption=caption, data=data, marked=marked)]


def _levels_in_words(chosen: pd.DataFrame, arm_id: int) -> str:
    of_arm = chosen[chosen["arm_id"] == arm_id]
    names = [changes_in_words(level) or "as planned" for level in of_arm["level"]]
    return "; ".join(dict.fromkeys(names))


def _chosen_by_arm(chosen: pd.DataFrame) -> pd.DataFrame:
    by_half = chosen.pivot(index="arm", columns="half", values="evaluation_level")
    return by_half.rename(columns={0: "best_on_first_half", 1: "best_on_second_half"}).reset_index()
