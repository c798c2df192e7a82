"""Search trials: what was looked through, and what mattered."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import partial

import pandas as pd

from sweep.config.study import Study
from sweep.quantities import quantity
from sweep.reporting.figures.search import history, importance_bars
from sweep.reporting.formatting import decimals_for, join_words, number, value_in_words
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.metrics import direction_of, label_of, lower_is_better
from sweep.reporting.render.blocks import Block, figure_block, note
from sweep.reporting.render.tables import Column, TextCell, table_block, text_cells
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.stats.rank_correlation import MIN_RANKED_TRIALS, rank_correlations, ranks_in_words
from sweep.store.states import Phase

MAX_ROWS = 10
MIN_TRIALS = 50


def trials_of(frames: StudyFrames) -> pd.DataFrame:
    """Search trials in their order: trial_number, status, value (NaN without a score), best_so_far, one column a
    field that some trial changed.

    Args:
        frames: The tables of the study.
    """
    cells = frames.cells[frames.cells["phase"] == Phase.SEARCH].merge(frames.arms[["arm_id", "changes"]], on="arm_id")
    scores = frames.scores
    is_deciding = scores["is_primary"] & (scores["metric"] == frames.metric) & (scores["phase"] == Phase.SEARCH)
    cells = cells.merge(scores.loc[is_deciding, ["cell_id", "value"]], on="cell_id", how="left")
    cells = cells.sort_values(["trial_number", "cell_id"], kind="stable").reset_index(drop=True)
    # Candidates of a path are no trials of Optuna's and have no number of its; they are counted on.
    cells["trial_number"] = cells["trial_number"].astype(float).fillna(pd.Series(cells.index, cells.index, dtype=float))
    fields = sorted({field for changes in cells["changes"] for field in changes})
    trials = cells[["trial_number", "status", "value"]].astype({"value": float})
    best = trials["value"].cummin() if lower_is_better(frames.metric) else trials["value"].cummax()
    trials["best_so_far"] = best.ffill()
    for field in fields:
        trials[field] = pd.Series([changes.get(field) for changes in cells["changes"]], trials.index, dtype=object)
    return trials


def search(study: ReportedStudy) -> list[Block]:
    """History and best trials.

    Args:
        study: The study, with its comparison.
    """
    frames = study.frames
    trials = trials_of(frames)
    known = trials.dropna(subset="value")
    if known.empty:
        return [note("No search trial has a score.")]
    label, direction = label_of(frames.metric, frames.protocol), direction_of(frames.metric)
    ascending = lower_is_better(frames.metric)
    best = known.sort_values("value", ascending=ascending, kind="stable").head(MAX_ROWS)
    decimals = decimals_for(float(known["value"].std(ddof=0)) / 10 or abs(float(known["value"].iloc[0])) / 100)
    states = ", ".join(f"{n} {status}" for status, n in trials["status"].value_counts(sort=False).items())
    first = best.iloc[0]
    draw = partial(history, trials, label=label, direction=direction)
    alt = (
        f"{quantity(len(trials), 'trial')} ({states}). The best is trial {int(first['trial_number'])} with "
        f"{number(float(first['value']), decimals)}."
    )
    caption = (
        f"{alt} Each trial has few seeds, so trials with similar scores may change their order when they "
        "are trained again."
    )
    columns = [
        Column("Trial", text_cells([int(n) for n in best["trial_number"]])),
        Column(label, [TextCell(number(float(value), decimals)) for value in best["value"]], numeric=True),
    ]
    for field in trials.columns[4:]:
        columns.append(Column(field, [TextCell(value_in_words(value)) for value in best[field]], numeric=True))
    best_table = table_block(
        "best_trials", columns, caption=f"The {len(best)} best trials. They are exploratory.", data=best
    )
    return [figure_block("history", draw, alt=alt, caption=caption, data=trials), best_table, *ladder(study)]


def ladder(study: ReportedStudy) -> list[Block]:
    """How well cheaper protocols and earlier rungs rank the trials that also have the deciding score.

    Args:
        study: The study, with its comparison.
    """
    frames = study.frames
    correlations = rank_correlations(frames)
    if correlations.empty:
        return []
    rows = correlations.to_dict("records")

    def cells(name: str) -> list[TextCell]:
        return [TextCell("too few" if pd.isna(row[name]) else f"{row[name]:.2f}") for row in rows]

    columns = [
        Column("Of the training", text_cells([f"{row['share']:.0%}" for row in rows]), numeric=True),
        Column("N", text_cells([row["n"] for row in rows]), numeric=True),
        Column("Trials with both", text_cells([row["trials"] for row in rows]), numeric=True),
        Column("Spearman", cells("spearman"), numeric=True),
        Column("Kendall", cells("kendall"), numeric=True),
    ]
    caption = (
        f"Rank correlation of cheaper scores with the deciding {label_of(frames.metric, frames.protocol)}. "
        f"{'. '.join(ranks_in_words(correlations))}. Fewer than {MIN_RANKED_TRIALS} trials are too few. Pruned trials "
        "have "
        "no deciding score, so the correlations at rungs before the end look weaker than they are."
    )
    return [table_block("rank_correlations", columns, caption=caption, data=correlations)]


def importances(study: ReportedStudy) -> list[Block]:
    """Which factors mattered in a search, and which no more than chance explains.

    Args:
        study: The study, with its comparison.
    """
    with warnings.catch_warnings():
        # tqdm, which Optuna brings, says in a notebook that it has no bar to draw; a report would print it, and where.
        warnings.filterwarnings("ignore", message="IProgress not found")
        # Optuna computes them; every other section does without it.
        from sweep.search.importance import PERMUTATIONS, factor_importances, forest_shares

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
    by_factor, forest = factor_importances(spec, signed), forest_shares(spec, signed)
    bars = pd.DataFrame(
        [(name, each.share, each.chance_share, each.is_beyond_chance) for name, each in by_factor.items()],
        columns=["factor", "importance", "chance", "beyond_chance"],
    )
    return [*importance(bars, trials=len(points), permutations=PERMUTATIONS), *_two_methods(bars, forest)]


def _two_methods(bars: pd.DataFrame, forest: Mapping[str, float]) -> list[Block]:
    """The shares beside those of another method."""
    if bars.empty or not forest:
        return []
    both = bars.rename(columns={"importance": "ped_anova"}).assign(fanova=bars["factor"].map(forest))
    rows = both.to_dict("records")
    columns = [
        Column("Factor", text_cells([row["factor"] for row in rows])),
        Column("PED-ANOVA", [TextCell(f"{100 * row['ped_anova']:.0f} %") for row in rows], numeric=True),
        Column("By chance up to", [TextCell(f"{100 * row['chance']:.0f} %") for row in rows], numeric=True),
        Column("Beyond chance", text_cells(["yes" if row["beyond_chance"] else "no" for row in rows])),
        Column("fANOVA", [TextCell(f"{100 * row['fanova']:.0f} %") for row in rows], numeric=True),
    ]
    caption = (
        "Importances by two methods, each as shares of its sum over all factors. PED-ANOVA (Watanabe et al. 2023) "
        "describes the best tenth of the trials. fANOVA (Hutter et al. 2014) fits a random forest to the whole space; "
        "an uneven search misleads it, and it has no line of chance."
    )
    return [table_block("importances_compared", columns, caption=caption, data=both)]


def importance(bars: pd.DataFrame, *, trials: int, permutations: int) -> list[Block]:
    """How much each factor tells the best trials from the rest, beside what chance reaches.

    Args:
        bars: factor, importance (share of all, 0 to 1), chance (share that any factor exceeds by chance in at most 5 %
            of searches), beyond_chance; the largest importance first.
        trials: Finished trials that they were computed from.
        permutations: Permutations of the scores that tell what chance reaches.
    """
    if bars.empty:
        return [note("There are too few finished trials to estimate importances.")]
    beyond = [str(name) for name in bars.loc[bars["beyond_chance"], "factor"]]
    alt = "Importances: " + "; ".join(
        f"{row['factor']} {100 * row['importance']:.0f} % (by chance up to {100 * row['chance']:.0f} %)"
        for row in bars.head(12).to_dict("records")
    )
    answer = f"Beyond chance: {join_words(beyond)}." if beyond else "No factor is beyond chance."
    caveat = "" if trials >= MIN_TRIALS else f" {trials} trials are few for this estimate, so most effects are missed."
    caption = (
        f"{answer} PED-ANOVA importance: how much the best tenth of {quantity(trials, 'trial')} differs from all of "
        "them in each factor, as a share of the sum over factors. The line across a bar is the 95th percentile of what "
        f"chance reaches in any factor, from {permutations} permutations of the scores over the trials. In at most 5 % "
        f"of searches any factor that does nothing is beyond its line.{caveat}"
    )
    return [figure_block("importances", partial(importance_bars, bars.head(20)), alt=alt, caption=caption, data=bars)]
