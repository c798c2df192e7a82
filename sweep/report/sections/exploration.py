"""Search trials and factorials: what was looked through, and what mattered."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import kendalltau, spearmanr

from sweep.config.study import Study
from sweep.report.blocks import Block, note, picture
from sweep.report.comparison import primary_values
from sweep.report.figures.search import history, importance_bars, interaction
from sweep.report.frames import StudyFrames
from sweep.report.metrics import direction_of, label_of, lower_is_better
from sweep.report.sections.study import ReportedStudy
from sweep.report.tables import Column, Text, table, texts
from sweep.report.words import count, decimals_for, number, value_in_words

BEST = 10
CANARY = "nothing (canary)"
ENOUGH_TRIALS = 50
ENOUGH_RANKS = 5


def trials_of(frames: StudyFrames) -> pd.DataFrame:
    """Search trials in their order: trial_number, status, value (NaN without a score), best_so_far, one column a
    field that some trial changed."""
    cells = frames.cells[frames.cells["phase"] == "search"].merge(frames.arms[["arm_id", "changes"]], on="arm_id")
    scores = frames.scores
    mine = scores["is_primary"] & (scores["metric"] == frames.metric) & (scores["phase"] == "search")
    cells = cells.merge(scores.loc[mine, ["cell_id", "value"]], on="cell_id", how="left")
    cells = cells.sort_values(["trial_number", "cell_id"], kind="stable").reset_index(drop=True)
    # Candidates of a path are no trials of Optuna's and have no number of its; they are counted on.
    cells["trial_number"] = cells["trial_number"].astype(float).fillna(pd.Series(cells.index, cells.index, dtype=float))
    fields = sorted({field for changes in cells["changes"] for field in changes})
    told = cells[["trial_number", "status", "value"]].astype({"value": float})
    best = told["value"].cummin() if lower_is_better(frames.metric) else told["value"].cummax()
    told["best_so_far"] = best.ffill()
    for field in fields:
        told[field] = pd.Series([changes.get(field) for changes in cells["changes"]], told.index, dtype=object)
    return told


def search(study: ReportedStudy) -> list[Block]:
    """History and best trials."""
    frames = study.frames
    trials = trials_of(frames)
    known = trials.dropna(subset="value")
    if known.empty:
        return [note("No search trial has a score.")]
    label, direction = label_of(frames.metric, frames.protocol), direction_of(frames.metric)
    ascending = lower_is_better(frames.metric)
    best = known.sort_values("value", ascending=ascending, kind="stable").head(BEST)
    decimals = decimals_for(float(known["value"].std(ddof=0)) / 10 or abs(float(known["value"].iloc[0])) / 100)
    states = ", ".join(f"{n} {status}" for status, n in trials["status"].value_counts(sort=False).items())
    first = best.iloc[0]
    figure = history(trials, label=label, direction=direction)
    alt = (
        f"{count(len(trials), 'trial')} ({states}). Best: trial {int(first['trial_number'])} with "
        f"{number(float(first['value']), decimals)}."
    )
    caption = f"{alt} Few seeds each, so neighbours in this list may trade places when retrained."
    columns = [
        Column("Trial", texts([int(n) for n in best["trial_number"]])),
        Column(label, [Text(number(float(value), decimals)) for value in best["value"]], numeric=True),
    ]
    for field in trials.columns[4:]:
        columns.append(Column(field, [Text(value_in_words(value)) for value in best[field]], numeric=True))
    listed = table("best_trials", columns, caption=f"The {len(best)} best trials; exploratory.", data=best)
    return [picture("history", figure, alt=alt, caption=caption, data=trials), listed, *ladder(study)]


def ladder(study: ReportedStudy) -> list[Block]:
    """How well cheaper protocols and earlier rungs rank the trials that also have the deciding score."""
    frames = study.frames
    told = rank_correlations(frames)
    if told.empty:
        return []
    rows = told.to_dict("records")

    def cells(name: str) -> list[Text]:
        return [Text("too few" if pd.isna(row[name]) else f"{row[name]:.2f}") for row in rows]

    columns = [
        Column("Of the training", texts([f"{row['share']:.0%}" for row in rows]), numeric=True),
        Column("N", texts([row["n"] for row in rows]), numeric=True),
        Column("Trials with both", texts([row["trials"] for row in rows]), numeric=True),
        Column("Spearman", cells("spearman"), numeric=True),
        Column("Kendall", cells("kendall"), numeric=True),
    ]
    caption = (
        f"Rank correlation of cheaper scores with the deciding {label_of(frames.metric, frames.protocol)}, over the "
        f"trials that have both. Fewer than {ENOUGH_RANKS} are too few. Pruned trials have no deciding score, which "
        "makes the correlations of rungs before the end look worse than they are."
    )
    return [table("rank_correlations", columns, caption=caption, data=told)]


def rank_correlations(frames: StudyFrames) -> pd.DataFrame:
    """share (of the training), n, trials, spearman, kendall (NaN under `ENOUGH_RANKS` trials); each run once."""
    rungs = frames.rungs[frames.rungs["metric"] == frames.metric].drop_duplicates(["run_id", "step", "n"])
    scores = frames.scores
    final = scores.loc[scores["is_primary"] & (scores["metric"] == frames.metric), ["run_id", "value"]]
    both = rungs.merge(final.drop_duplicates("run_id"), on="run_id", suffixes=("", "_final"))
    both = both.assign(share=(both["step"] / both["steps"]).round(2))
    rows = []
    for (share, n), group in both.groupby(["share", "n"]):
        enough = len(group) >= ENOUGH_RANKS
        pair = (group["value"], group["value_final"])
        row = {"share": share, "n": n, "trials": len(group)}
        row["spearman"] = float(spearmanr(*pair).statistic) if enough else np.nan
        row["kendall"] = float(kendalltau(*pair).statistic) if enough else np.nan
        rows.append(row)
    return pd.DataFrame(rows, columns=["share", "n", "trials", "spearman", "kendall"])


def importances(study: ReportedStudy) -> list[Block]:
    """How much of the spread between trials each factor explains."""
    # Optuna computes them; every other section does without it.
    from sweep.search.importance import importances as shares_of

    frames = study.frames
    known = trials_of(frames).dropna(subset="value")
    fields = known.columns[4:]
    points = [
        ({field: trial[field] for field in fields if trial[field] is not None}, float(trial["value"]))
        for trial in known.to_dict("records")
    ]
    sign = 1.0 if lower_is_better(frames.metric) else -1.0
    shares = shares_of(Study.model_validate(frames.spec), [(c, sign * v) for c, v in points], canary=CANARY)
    bars = pd.DataFrame(list(shares.items()), columns=["factor", "importance"])
    return importance(bars, trials=len(points))


def importance(bars: pd.DataFrame, *, trials: int) -> list[Block]:
    """Shares of the variance between trials.

    Args:
        bars: factor, importance (0 to 1); a row named `CANARY` is a parameter that does nothing, and what is no more
            important than it is said to be no more than chance.
        trials: Finished trials that they were computed from.
    """
    if bars.empty:
        return [note("Too few finished trials to tell which factors matter.")]
    chance = float(bars.loc[bars["factor"] == CANARY, "importance"].max()) if CANARY in set(bars["factor"]) else np.nan
    shown = bars.sort_values("importance", ascending=False, kind="stable").assign(
        below_canary=lambda frame: frame["importance"] <= chance
    )
    alt = "Importances: " + "; ".join(
        f"{row['factor']} {100 * row['importance']:.0f} %" for row in shown.head(12).to_dict("records")
    )
    caveat = "" if trials >= ENOUGH_TRIALS else f" {trials} trials are few for this: take it as a hint at most."
    caption = (
        "Share of the variance between trials that each factor explains. A search that follows its own nose samples "
        f"unevenly, which distorts these shares; random or quasi-random trials do not.{caveat}"
    )
    return [picture("importances", importance_bars(shown.head(20)), alt=alt, caption=caption, data=shown)]


def interactions(study: ReportedStudy) -> list[Block]:
    """Mean score of each pair of levels, for every pair of factors of a factorial."""
    frames = study.frames
    values = primary_values(frames, frames.metric).merge(frames.arms[["arm_id", "changes"]], on="arm_id")
    fields = sorted({field for changes in frames.arms["changes"] for field in changes})
    if len(fields) < 2 or values.empty:
        return [note("An interaction needs two factors with scores.")]
    baseline = frames.spec.get("baseline", {})
    for field in fields:
        values[field] = [
            value_in_words(changes.get(field, baseline.get(field, "baseline"))) for changes in values["changes"]
        ]
    label, direction = study.comparison.label, study.direction
    blocks: list[Block] = []
    for row, column in list(combinations(fields, 2))[:3]:
        means = values.pivot_table(index=row, columns=column, values="value", aggfunc="mean", sort=False)
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
