"""How sure: other scores, where the spread comes from, what this many seeds can show."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sweep.reporting.formatting import NOTHING, count, decimals_for, listed, number, percent
from sweep.reporting.metrics import ARROWS, CLASSIFIER
from sweep.reporting.render.blocks import Block, note
from sweep.reporting.render.tables import Column, Text, table, texts
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.stats.comparison import compare_arms
from sweep.reporting.stats.interim import SHAPE_NAMES, AlphaSpending
from sweep.reporting.stats.paired import arms_confirmable, sign_flip_floor
from sweep.reporting.stats.power import detectable_effect, seeds_needed
from sweep.scoring.metrics import METRICS, Direction

SEED_PLANS = (3, 5, 8, 10, 15, 20)


def other_scores(study: ReportedStudy) -> list[Block]:
    """Every other score of the same images, with intervals and no verdict."""
    told = set(study.frames.scores["metric"]) - {study.comparison.metric}
    names = [name for name in METRICS if name in told] + sorted(told - set(METRICS))
    if not names:
        return [note("No other score was measured.")]
    comparisons = [compare_arms(study.frames, name) for name in names]
    directions = {each.direction for each in comparisons}
    columns = [Column("Arm", texts(list(comparisons[0].arms["arm"])))]
    tidy = []
    for each in comparisons:
        decimals = decimals_for(each.decimals_at)
        rows = each.arms.to_dict("records")
        name = each.label.removesuffix(CLASSIFIER)
        cells = [Text(number(row["mean"], decimals), _interval(row, decimals)) for row in rows]
        columns.append(Column(f"{name} {ARROWS[each.direction]}".rstrip(), cells, numeric=True))
        tidy.append(
            each.arms.drop(columns=["arm_id", "p", "p_holm", "verdict", "why", "test"]).assign(score=each.metric)
        )
    local = [each.label.removesuffix(CLASSIFIER) for each in comparisons if each.label.endswith(CLASSIFIER)]
    features = f" On the classifier's features: {listed(local)}." if local else ""
    signs = ", ".join(f"{ARROWS[each]} {each}" for each in Direction if ARROWS[each] and each in directions)
    caption = (
        "Other scores of the same images: mean over seeds, below it the 95 % t interval of the difference from the "
        f"baseline. Exploratory, so without verdicts.{f' {signs}.' if signs else ''}{features}"
    )
    marked = list(comparisons[0].arms["is_baseline"])
    return [table("other_scores", columns, caption=caption, data=pd.concat(tidy, ignore_index=True), marked=marked)]


def _interval(row: dict[object, object], decimals: int) -> str:
    low, high = float(row["low"]), float(row["high"])  # type: ignore[arg-type]
    if not np.isfinite(low):
        return ""
    return f"{number(low, decimals, signed=True)} to {number(high, decimals, signed=True)}"


def certainty(study: ReportedStudy) -> list[Block]:
    """Variance by source, and what more seeds would show."""
    return [*_variance(study), *_power(study), *_interim(study)]


def _variance(study: ReportedStudy) -> list[Block]:
    split = study.split
    parts = {
        "training seed": (split.training_seed, "retraining with another seed; what the verdict is about"),
        "noise set": (split.noise_set, "other sampling noise, same for all runs; cancels in paired differences"),
        "run x noise": (split.residual, "runs reacting differently to the same noise"),
        "finite N": (split.finite_n, "jackknife within one score; estimates noise set and run x noise together"),
    }
    total = np.nansum([split.training_seed, split.noise_set, split.residual])
    rows = [
        {"source": name, "sd": variance**0.5, "share": variance / total if total > 0 else np.nan, "what": what}
        for name, (variance, what) in parts.items()
    ]
    data = pd.DataFrame(rows)
    if not np.isfinite(data["sd"]).any():
        return [note("Too few scores to tell where their spread comes from: it takes two seeds of one arm.")]
    decimals = decimals_for(float(data["sd"].replace(0.0, np.nan).min()))
    columns = [
        Column("Source", texts(list(data["source"]))),
        Column("SD of one reading", [Text(number(sd, decimals)) for sd in data["sd"]], numeric=True),
        Column(
            "Share of variance",
            [Text(percent(row["share"]) if row["source"] != "finite N" else NOTHING) for row in rows],
            numeric=True,
        ),
        Column("What it is", texts(list(data["what"]))),
    ]
    caption = (
        f"Where the spread of {study.comparison.label} comes from, pooled over arms. Only the first tells whether a "
        "difference would come back after retraining."
    )
    return [table("variance", columns, caption=caption, data=data)]


def _power(study: ReportedStudy) -> list[Block]:
    comparison = study.comparison
    arms = comparison.compared
    sd = float(arms["paired_sd"].median()) if len(arms) else np.nan
    if not np.isfinite(sd):
        return [note("No spread of paired differences is known yet, so nothing can be said about power.")]
    k = len(arms)
    base = abs(comparison.baseline_mean)
    rows = [
        {
            "seeds": n,
            "detectable": detectable_effect(sd, n, arms=k),
            "smallest_p_sign_flip": sign_flip_floor(n),
            "arms_confirmable": arms_confirmable(n),
        }
        for n in SEED_PLANS
    ]
    columns = [
        Column("Seeds", texts([row["seeds"] for row in rows])),
        Column(
            "Detectable difference",
            [
                Text(number(row["detectable"], study.decimals), percent(row["detectable"] / base) if base else "")
                for row in rows
            ],
            numeric=True,
        ),
        Column("Smallest exact p", [Text(f"{row['smallest_p_sign_flip']:.2g}") for row in rows], numeric=True),
        Column(
            "Arms confirmable without normality",
            [Text(number(row["arms_confirmable"], 0)) for row in rows],
            numeric=True,
        ),
    ]
    needed = seeds_needed(comparison.margin, sd, arms=k)
    need = f"{needed} seeds would show" if needed else "even 1,000 seeds would not reliably show"
    caption = (
        f"What seeds buy: true difference found in 80 % of studies with {count(k, 'arm')} at the paired spread seen "
        f"here (SD {number(sd, study.decimals)}, paired t, Holm's first step); {need} the smallest effect of interest. "
        "The exact sign-flip test needs 6 seeds to reach 0.05 for one arm."
    )
    return [table("power", columns, caption=caption, data=pd.DataFrame(rows))]


def _interim(study: ReportedStudy) -> list[Block]:
    analysis = study.comparison.analysis
    plan = analysis.plan if analysis else AlphaSpending(seeds=(4, 8, 12), shape="obrien_fleming")
    levels = ", ".join(f"{p:.2g}" for p in plan.levels())
    named, at = SHAPE_NAMES[plan.shape], listed([str(seeds) for seeds in plan.seeds])
    if analysis is None:
        text = (
            "The results of this study are read once, when it is complete. Reading after every seed at p = 0.05 finds "
            "effects that do not exist in about 18 % of studies. Declared interim analyses do not: with "
            f"interim_analyses: {{at: [4, 8, 12]}} in its file, a study may stop where p is below {levels} in turn "
            f"({named})."
        )
    else:
        text = (
            f"Interim analyses after {at} seeds ({named}): an arm alone is decided where p is below {levels} in turn. "
            f"This is analysis {analysis.number}. p values are adjusted for all analyses and then by Holm; intervals "
            "hold at all analyses together."
        )
    return [note(text)]
