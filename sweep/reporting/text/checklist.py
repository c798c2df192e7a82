"""Answers to the checklist of NeurIPS papers, as far as the store knows them: facts, and what the authors must add.

The items are those on experiments, error bars, compute and existing assets
(https://neurips.cc/public/guides/PaperChecklist), and one more: what was decided when. The questions are in our words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sweep.data.facts import DATASET_FACTS
from sweep.quantities import quantity
from sweep.reporting.formatting import join_words
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.stats.comparison import Comparison
from sweep.reporting.stats.interim import current_interim_analysis
from sweep.reporting.stats.variance import VarianceSplit
from sweep.reporting.text.checklist_resources import asset_licences, compute_facts, compute_missing
from sweep.reporting.text.checklist_statistics import error_bars
from sweep.reporting.text.decisions import decided_after_scores, without_consequence
from sweep.reporting.text.given import HOW_MADE
from sweep.reporting.text.replicates import replicate_words
from sweep.reporting.text.warnings import environments
from sweep.store.states import Phase


class ChecklistAnswer(StrEnum):
    """The answer to an item, as the checklist wants it."""

    YES = "yes"
    NO = "no"
    AUTHORS = "for the authors"
    """The store cannot answer."""


@dataclass(frozen=True, kw_only=True)
class ChecklistItem:
    """One item.

    Attributes:
        title: Its title in the checklist; empty for what the checklist does not ask.
        question: What it asks.
        answer: The answer that the facts allow.
        facts: Sentences from the store, which justify it.
        missing: What the item asks for and the store does not have, as phrases.
    """

    title: str
    question: str
    answer: ChecklistAnswer
    facts: list[str]
    missing: list[str]


def checklist_items(frames: StudyFrames, comparison: Comparison, split: VarianceSplit) -> list[ChecklistItem]:
    """The items, in the order of the checklist.

    Args:
        frames: The tables of the study.
        comparison: The comparison of its arms.
        split: Sources of the variance of its deciding score.
    """
    return [
        _reproducibility(frames),
        _open_access(frames),
        _setting(frames),
        _significance(frames, comparison, split),
        _compute(frames),
        _assets(frames),
        _decisions(frames),
    ]


def _reproducibility(frames: StudyFrames) -> ChecklistItem:
    machines = environments(frames)
    commits = sorted({str(commit)[:12] for commit in machines["commit"].dropna()})
    is_clean = not any(dirty is True for dirty in machines["dirty"])
    confirm = frames.cells[frames.cells["phase"] == Phase.CONFIRM]
    trains = frames.study_ref.design.trains
    seeds = sorted({int(seed) for seed in confirm["seed"]}) if trains else []
    missing = [] if commits and is_clean else ["the exact source code: it was no clean git checkout"]
    missing += [] if trains else [HOW_MADE]
    protocol = frames.protocol
    facts = [
        f"The study file is revision {frames.revision} with SHA-256 {frames.revisions['spec_sha256'].iloc[-1]}. It "
        "states every setting of the baseline, every change of an arm, the design and the protocol.",
        f"Source code: commit {join_words(commits)}." if commits else "",
        f"Training seeds: {_ranges(seeds)}." if seeds else "",
        f"Scores are made under protocol {frames.protocol_key[:12]}: N = {protocol.get('n', 0):,}, extractor "
        f"{protocol.get('extractor')} (SHA-256 {protocol.get('extractor_sha256')}), reference statistics of the "
        f"{protocol.get('reference', 'train')} split (SHA-256 {protocol.get('reference_sha256')}).",
        "Random numbers are functions of the seed, the purpose and the step. Equal settings give equal bits on CPUs of "
        "one kind, and equal random numbers on GPUs, where the last digits may differ.",
    ]
    return ChecklistItem(
        title="Experimental result reproducibility",
        question="Is there all that is needed to obtain the main results again?",
        answer=ChecklistAnswer.AUTHORS if missing else ChecklistAnswer.YES,
        facts=[fact for fact in facts if fact],
        missing=missing,
    )


def _ranges(seeds: list[int]) -> str:
    """Seeds as `0 to 7`, or one by one where some between are not used."""
    if len(seeds) > 2 and seeds[-1] - seeds[0] == len(seeds) - 1:
        return f"{seeds[0]} to {seeds[-1]}"
    return join_words([str(seed) for seed in seeds])


def _open_access(frames: StudyFrames) -> ChecklistItem:
    data = _data(frames)
    is_own = data.get("name") not in DATASET_FACTS
    published = "" if is_own else "The data set is a published one, which ddpm-sweep downloads or brings."
    facts = [
        f"The command sweep launch FILE, with the study file of {frames.name}, makes every number of this report "
        f"again, and sweep report {frames.name} this report.",
        published,
    ]
    missing = ["where the study file and the source code are published"]
    return ChecklistItem(
        title="Open access to data and code",
        question="Are data and code open, with instructions?",
        answer=ChecklistAnswer.AUTHORS,
        facts=[fact for fact in facts if fact],
        missing=[*missing, *(["whether the images are published"] if is_own else [])],
    )


def _data(frames: StudyFrames) -> Mapping[str, Any]:
    return frames.study_ref.data


def _setting(frames: StudyFrames) -> ChecklistItem:
    name = str(_data(frames).get("name"))
    known = DATASET_FACTS.get(name)
    if known is not None:
        known = known.with_validation(_data(frames).get("validation"))
        split = (
            f"Of {name.replace('_', ' ')}, {known.train:,} images are for training, {known.validation:,} for "
            f"validation and {known.test:,} for the test. The split is the same in all runs."
        )
    else:
        split = (
            "Splits that the images came in are kept; of images without any, a tenth each is held out for validation "
            "and test. The split is the same in all runs."
        )
    runs = int((frames.cells["phase"] == Phase.SEARCH).sum())
    chosen = frames.study_ref.design.methods_text(runs, lambda source: f" ({source})") if runs else ""
    trains = frames.study_ref.design.trains
    stated = "data, net, optimizer and every setting that is not usual" if trains else "what was scored and how"
    facts = [f"The section on methods states {stated}.", split, chosen]
    return ChecklistItem(
        title="Experimental setting/details",
        question="Are splits, hyperparameters, how they were chosen, and the optimizer stated?",
        answer=ChecklistAnswer.YES if trains else ChecklistAnswer.AUTHORS,
        facts=[fact for fact in facts if fact],
        missing=["how the values of the baseline were chosen before this study"] if trains else [HOW_MADE],
    )


def _significance(frames: StudyFrames, comparison: Comparison, split: VarianceSplit) -> ChecklistItem:
    has_intervals = comparison.confirmatory and bool(comparison.compared["low"].notna().any())
    return ChecklistItem(
        title="Experiment statistical significance",
        question="Are there error bars, and is it said what they cover, how they are computed and what they assume?",
        answer=ChecklistAnswer.YES if has_intervals else ChecklistAnswer.NO,
        facts=error_bars(frames, comparison, split),
        missing=[] if has_intervals else [f"intervals: they need two {replicate_words(frames).many}"],
    )


def _compute(frames: StudyFrames) -> ChecklistItem:
    facts = compute_facts(frames)
    return ChecklistItem(
        title="Experiments compute resources",
        question="Which hardware, memory and time did each run take, and how much did failed and early runs take?",
        answer=ChecklistAnswer.YES if facts else ChecklistAnswer.AUTHORS,
        facts=facts,
        missing=compute_missing(frames),
    )


def _assets(frames: StudyFrames) -> ChecklistItem:
    facts, missing = asset_licences(frames)
    return ChecklistItem(
        title="Licenses for existing assets",
        question="Are the makers of data, code and models credited, and their licences named?",
        answer=ChecklistAnswer.AUTHORS if missing else ChecklistAnswer.YES,
        facts=facts,
        missing=missing,
    )


def _decisions(frames: StudyFrames) -> ChecklistItem:
    """What the checklist does not ask, and a reviewer wants to know: which decisions came after scores."""
    analysis = current_interim_analysis(frames)
    planned = "No interim analysis was declared: the results are to be read once, when the study is complete."
    if analysis is not None:
        at = join_words([str(seeds) for seeds in analysis.plan.seeds])
        planned = f"Interim analyses were declared after {at} seeds. {analysis.number} of them took place."
    dates = [
        f"Revision {row['number']} was accepted on {row['accepted_at']:%Y-%m-%d %H:%M} UTC"
        f"{f' ({reason})' if (reason := str(row['reason']).rstrip('.')) else ''}."
        for row in frames.revisions.to_dict("records")
    ]
    after = [without_consequence(decision) for decision in decided_after_scores(frames)]
    other = frames.same_question[frames.same_question["scores"] > 0]
    same = f"{quantity(len(other), 'other study', 'other studies')} of this store asked the same question." * bool(
        len(other)
    )
    none = "No decision that the store knows of was made after scores were known."
    return ChecklistItem(
        title="",
        question="What was decided when, and which scores were known then?",
        answer=ChecklistAnswer.YES,
        facts=[fact for fact in (*dates, planned, *(after or [none]), same) if fact],
        missing=["how often the results were read, and what was tried outside this store"],
    )
