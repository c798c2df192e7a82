"""Search trials: what was looked through, and what mattered."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd

from sweep.config.study import Study
from sweep.reporting.figures.search import history, importance_bars
from sweep.reporting.formatting import count, decimals_for, number, value_in_words
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.metrics import direction_of, label_of, lower_is_better
from sweep.reporting.render.blocks import Block, note, picture
from sweep.reporting.render.tables import Column, Text, table, texts
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.stats.rank_correlation import ENOUGH_RANKS, rank_correlations, ranks_in_words

BEST = 10
CANARY = "nothing (canary)"
ENOUGH_TRIALS = 50


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
        f"Rank correlation of cheaper scores with the deciding {label_of(frames.metric, frames.protocol)}. "
        f"{'. '.join(ranks_in_words(told))}. Fewer than {ENOUGH_RANKS} are too few. Pruned trials have no deciding "
        "score, which makes the correlations of rungs before the end look worse than they are."
    )
    return [table("rank_correlations", columns, caption=caption, data=told)]


def importances(study: ReportedStudy) -> list[Block]:
    """How much of the spread between trials each factor explains."""
    with warnings.catch_warnings():
        # tqdm, which Optuna brings, says in a notebook that it has no bar to draw; a report would print it, and where.
        warnings.filterwarnings("ignore", message="IProgress not found")
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
    signed = [(changes, sign * value) for changes, value in points]
    spec = Study.model_validate(frames.spec)
    bars = pd.DataFrame(list(shares_of(spec, signed, canary=CANARY).items()), columns=["factor", "importance"])
    forest = shares_of(spec, signed, canary=CANARY, method="fanova")
    return [*importance(bars, trials=len(points)), *_two_methods(bars, forest)]


def _two_methods(bars: pd.DataFrame, forest: Mapping[str, float]) -> list[Block]:
    """The same shares by another method: what both put above the canary is worth a second look."""
    if bars.empty or not forest:
        return []
    both = bars.rename(columns={"importance": "ped_anova"}).assign(fanova=bars["factor"].map(forest))
    both = both.sort_values("ped_anova", ascending=False, kind="stable")
    chance = both[both["factor"] == CANARY].iloc[0]
    both["above_canary"] = (both["ped_anova"] > chance["ped_anova"]) & (both["fanova"] > chance["fanova"])
    rows = both.to_dict("records")
    columns = [
        Column("Factor", texts([row["factor"] for row in rows])),
        Column("PED-ANOVA", [Text(f"{100 * row['ped_anova']:.0f} %") for row in rows], numeric=True),
        Column("fANOVA", [Text(f"{100 * row['fanova']:.0f} %") for row in rows], numeric=True),
        Column("More than chance by both", texts(["yes" if row["above_canary"] else "no" for row in rows])),
    ]
    caption = (
        "Importances by two methods: among the best tenth of the trials (PED-ANOVA, Watanabe et al. 2023), and over "
        "the whole space by a random forest (fANOVA, Hutter et al. 2014), which an uneven search misleads."
    )
    return [table("importances_compared", columns, caption=caption, data=both)]


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
