"""How sure: other scores, where the spread comes from, what this many seeds can show."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sweep.quantities import quantity
from sweep.reporting.formatting import NOTHING, decimals_for, join_words, number, percent
from sweep.reporting.metrics import is_noise_per_seed
from sweep.reporting.render.blocks import Block, note
from sweep.reporting.render.tables import Column, TextCell, table_block, text_cells
from sweep.reporting.sections.given import given_certainty
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.stats.power import detectable_effect, seeds_needed
from sweep.reporting.stats.stopped import stops_decided
from sweep.statistics.alpha_spending import SHAPE_NAMES, AlphaSpending
from sweep.statistics.paired import ALPHA, sign_flip_floor
from sweep.statistics.stopping import Stop
from sweep.store.states import CellStatus, Phase

VERDICT_COLUMNS = ["arm_id", "p_adjusted", "p_sign_flip", "verdict", "why", "test"]
SEED_PLANS = (3, 5, 8, 10, 15, 20)


def certainty(study: ReportedStudy) -> list[Block]:
    """Variance by source, a check by sign flips, and what more seeds would show.

    Args:
        study: The study, with its comparison.
    """
    if not study.frames.study_ref.design.trains:
        return given_certainty(study)
    return [*_variance(study), *_sign_flips(study), *_power(study), *_interim(study)]


def _variance(study: ReportedStudy) -> list[Block]:
    split = study.split
    sampled_alike = "arms of a seed" if is_noise_per_seed(study.frames.protocol) else "runs"
    parts = {
        "training seed": (split.training_seed, "training with another seed; verdicts are about this spread"),
        "noise set": (
            split.noise_set,
            f"sampling from another noise set; it is the same for all {sampled_alike}, so what it does to all of them "
            "cancels in paired differences",
        ),
        "run x noise": (split.residual, "different reactions of runs to the same noise"),
        "finite N": (split.finite_n, "jackknife within one score, which estimates the two above together"),
    }
    total = np.nansum([split.training_seed, split.noise_set, split.residual])
    rows = [
        {"source": name, "sd": variance**0.5, "share": variance / total if total > 0 else np.nan, "what": what}
        for name, (variance, what) in parts.items()
    ]
    data = pd.DataFrame(rows)
    if not np.isfinite(data["sd"]).any():
        return [
            note("There are too few scores to separate the sources of their spread: two seeds of one arm are needed.")
        ]
    decimals = decimals_for(float(data["sd"].replace(0.0, np.nan).min()))
    columns = [
        Column("Source", text_cells(list(data["source"]))),
        Column("SD of one score", [TextCell(number(sd, decimals)) for sd in data["sd"]], numeric=True),
        Column(
            "Share of variance",
            [TextCell(percent(row["share"]) if row["source"] != "finite N" else NOTHING) for row in rows],
            numeric=True,
        ),
        Column("Meaning", text_cells(list(data["what"]))),
    ]
    caption = f"Sources of the spread of {study.score}, pooled over arms. {_noise_in_differences(study)}"
    return [table_block("variance", columns, caption=caption, data=data)]


def _noise_in_differences(study: ReportedStudy) -> str:
    """What the noise of sampling does to the comparison."""
    if is_noise_per_seed(study.frames.protocol):
        return (
            "Each seed has noise sets of its own, so paired differences vary by the first and by how runs react to the "
            "noise. Verdicts count both."
        )
    return (
        "Only the first one decides whether a difference would appear again after training again. All seeds have the "
        "same noise sets, so what one arm makes of them in every seed looks like an effect of the arm."
    )


def _sign_flips(study: ReportedStudy) -> list[Block]:
    """Whether a test without normality says the same."""
    arms = study.comparison.compared
    decided = arms[arms["verdict"].isin(["better", "worse"]) & arms["p_sign_flip"].notna()]
    if decided.empty:
        return []
    p_values = join_words([f"{row['arm']} p = {row['p_sign_flip']:.2g}" for row in decided.to_dict("records")])
    agree = bool((decided["p_sign_flip"] < ALPHA).all())
    conclusion = "They agree with the verdicts." if agree else "They do not show every difference of the verdicts."
    return [
        note(
            "Joint sign flips assume only that differences are symmetric. Their p values, adjusted for all arms: "
            f"{p_values}. {conclusion}"
        )
    ]


def _power(study: ReportedStudy) -> list[Block]:
    comparison = study.comparison
    arms = comparison.compared
    sd = float(arms["paired_sd"].median()) if len(arms) else np.nan
    if not np.isfinite(sd):
        return [note("The spread of paired differences is not known yet, so the power cannot be computed.")]
    k = max(1, comparison.family)
    base = abs(comparison.baseline_mean)
    rows = [
        {
            "seeds": n,
            "detectable": detectable_effect(sd, n, arms=k),
            "smallest_p_sign_flip": sign_flip_floor(n),
        }
        for n in SEED_PLANS
    ]
    columns = [
        Column("Seeds", text_cells([row["seeds"] for row in rows])),
        Column(
            "Detectable difference",
            [
                TextCell(number(row["detectable"], study.decimals), percent(row["detectable"] / base) if base else "")
                for row in rows
            ],
            numeric=True,
        ),
        Column(
            "Smallest p by sign flips", [TextCell(f"{row['smallest_p_sign_flip']:.2g}") for row in rows], numeric=True
        ),
    ]
    needed = seeds_needed(comparison.margin, sd, arms=k)
    need = f"{needed} seeds would show" if needed else "Even 1,000 seeds would not reliably show"
    caption = (
        f"The detectable difference is the true difference that 80 % of studies with {quantity(k, 'arm')} would find, "
        f"at the paired spread of this study (SD {number(sd, study.decimals)}). {need} the smallest effect of "
        "interest. Sign flips are a check from 7 seeds on."
    )
    return [table_block("power", columns, caption=caption, data=pd.DataFrame(rows))]


def _interim(study: ReportedStudy) -> list[Block]:
    analysis = study.comparison.analysis
    plan = analysis.plan if analysis else AlphaSpending(seeds=(4, 8, 12), shape="obrien_fleming")
    levels = ", ".join(f"{p:.2g}" for p in plan.levels())
    named, at = SHAPE_NAMES[plan.shape], join_words([str(seeds) for seeds in plan.seeds])
    if analysis is None:
        text = (
            "The results of this study are to be read once, when it is complete. Testing after every seed at p = 0.05 "
            "finds effects that do not exist in about 18 % of studies. Interim analyses that are declared in advance "
            "avoid this: with interim_analyses: {at: [4, 8, 12]} in its file, a study may stop where p is below "
            f"{levels}, in this order ({named})."
        )
    else:
        text = (
            f"Interim analyses are declared after {at} seeds ({named}). An arm is decided where p, adjusted for all "
            f"arms, is below {levels}, in this order. This is analysis {analysis.number}. The p values shown are "
            "adjusted for all analyses, too. Intervals hold for all arms at all analyses together."
        )
    return [note(text), *_stopped(study)]


def _stopped(study: ReportedStudy) -> list[Block]:
    """How many trainings were saved by stopping decided arms."""
    comparison = study.comparison
    if comparison.analysis is None or not stops_decided(study.frames):
        return []
    cells = study.frames.cells
    trained = int(((cells["phase"] == Phase.CONFIRM) & (cells["status"] != CellStatus.MISSING)).sum())
    planned = len(comparison.arms) * comparison.analysis.plan.seeds[-1]
    counts = {why: sum(each == why for _, each in comparison.stopped.values()) for why in Stop}
    words = {
        Stop.DIFFERENT: "shown to differ",
        Stop.EQUIVALENT: "shown not to",
        Stop.FUTILE: "hardly to be decided by more seeds",
    }
    reasons = join_words([f"{counts[why]} {words[why]}" for why in Stop if counts[why]])
    stopped = f" {quantity(len(comparison.stopped), 'arm')} got no more seeds: {reasons}." if comparison.stopped else ""
    return [
        note(
            f"Decided arms get no more seeds. So far {trained} of at most {quantity(planned, 'training')} were made: "
            f"{percent(1 - trained / planned)} fewer than with all seeds in every arm.{stopped}"
        )
    ]
