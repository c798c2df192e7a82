"""Compute that a study took, and the licences of what it used."""

from __future__ import annotations

import pandas as pd

from sweep.config.old_names import with_new_names
from sweep.data.licences import DATASET_LICENCES, INCEPTION_LICENCE, Licence
from sweep.quantities import quantity
from sweep.reporting.formatting import join_words, number, rounded_duration
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.stats.work_done import counted_runs, runs_of, work_by_kind
from sweep.reporting.text.software import SOFTWARE, software_versions
from sweep.store.states import RunState

GIB = 2**30


def compute_facts(frames: StudyFrames) -> list[str]:
    """Sentences on hardware, the cost of one run, and the hours of all; empty before any work.

    Args:
        frames: The tables of the study.
    """
    if frames.attempts.empty:
        return []
    return [sentence for sentence in (_hardware(frames), _one_run(frames), *_runs(frames), *_hours(frames)) if sentence]


def compute_missing(frames: StudyFrames) -> list[str]:
    """What a reviewer asks about compute and the store does not know.

    Args:
        frames: The tables of the study.
    """
    replaced = ["the work of trainings that a later revision replaced"] if len(frames.revisions) > 1 else []
    return [
        "whether the machines were a cluster of one's own or a cloud, and their memory",
        "the preparation of extractor and reference statistics",
        *replaced,
        "experiments outside this study",
    ]


def _hardware(frames: StudyFrames) -> str:
    workers = frames.workers
    names = [
        str(each.get("gpu") or each.get("cpu") or "unknown hardware") + ("" if each.get("gpu") else " (CPU)")
        for each in workers["environment"]
    ]
    counted = pd.Series(names, dtype=object).value_counts(sort=False)
    machines = pd.Series(list(zip(names, workers["host"], strict=True)), dtype=object).drop_duplicates()
    hosts = {name: sum(1 for each, _ in machines if each == name) for name in counted.index}
    parts = [
        f"{name}, {quantity(int(count), 'worker')} on {quantity(hosts[name], 'machine')}"
        for name, count in counted.items()
    ]
    return f"Hardware: {'; '.join(parts)}." if parts else ""


def _one_run(frames: StudyFrames) -> str:
    if not frames.study_ref.design.trains:
        return ""
    finished = frames.cells[frames.cells["run_state"] == RunState.TRAINED].drop_duplicates("run_id")
    if finished.empty:
        return ""
    low, median, high = (float(finished["train_seconds"].quantile(q)) for q in (0, 0.5, 1))
    peaks = frames.attempts["peak_bytes"].dropna()
    memory = f" The most memory of any attempt was {number(float(peaks.max()) / GIB, 1)} GiB." if len(peaks) else ""
    return (
        f"One training took {rounded_duration(median)} (median; {rounded_duration(low)} to {rounded_duration(high)})."
        f"{memory}"
    )


def _runs(frames: StudyFrames) -> list[str]:
    if not frames.study_ref.design.trains:
        return []
    runs = runs_of(frames)
    sentences = []
    for is_exploratory, what in ((False, "that decide"), (True, "of exploratory trials")):
        own = runs[runs["is_exploratory"] == is_exploratory]
        if len(own):
            states = join_words([f"{count} {word}" for word, count in counted_runs(own).items()])
            sentences.append(f"{quantity(len(own), 'training')} {what}: {states}.")
    return sentences


def _hours(frames: StudyFrames) -> list[str]:
    work = work_by_kind(frames)
    total, failed, lost = (float(work[name].sum()) for name in ("hours", "failed_hours", "lost_hours"))
    by_kind = join_words([f"{_hours_text(row['hours'])} of {row['work']}" for row in work.to_dict("records")])
    counts = {name: int(work[name].sum()) for name in ("failed", "interrupted", "lost", "running")}
    ends = [f"{count} {name}" for name, count in counts.items() if count]
    text = f"All {quantity(int(work['attempts'].sum()), 'attempt')} took {_hours_text(total)} of workers: {by_kind}."
    if ends:
        text += f" Of the attempts, {join_words(ends)}."
    if counts["failed"]:
        text += f" The failed ones took {_hours_text(failed)}."
    if counts["lost"]:
        text += (
            f" Attempts whose worker was lost are not in the sum; they took {_hours_text(lost)} at most, which is the "
            "time until another worker took over."
        )
    beside = frames.attempts["device_workers"].dropna()
    if (beside > 1).any():
        text += " Workers shared devices, so the hours of devices are fewer."
    return [text]


def _hours_text(hours: float) -> str:
    return rounded_duration(3600.0 * hours)


def asset_licences(frames: StudyFrames) -> tuple[list[str], list[str]]:
    """Sentences on the licences of data, weights and libraries, and what is not known.

    Args:
        frames: The tables of the study.

    Returns:
        The sentences, and phrases on what is not known.
    """
    facts: list[str] = []
    missing: list[str] = []
    name = str(frames.study_ref.data.get("name"))
    where = "those of a plugin" if name == "own" else "those of a folder"
    if name in DATASET_LICENCES:
        facts.append(_licence_text(DATASET_LICENCES[name]))
    elif stated := str(with_new_names(frames.spec).get("data_licence") or ""):
        facts.append(f"The images are {where}. Their licence, as the study file states it: {stated.rstrip('.')}.")
    else:
        facts.append(f"The images are {where}. Their licence is not known.")
        missing.append("the licence and the origin of the images: state them as data_licence in the study file")
    if not frames.study_ref.design.trains:
        missing.append("the licence and the origin of the items that were scored")
    extractor = str(frames.protocol.get("extractor"))
    if extractor == "inception":
        facts.append(_licence_text(INCEPTION_LICENCE))
    else:
        facts.append(f"The extractor {extractor} was trained by ddpm-sweep on the same data set.")
    versions = software_versions(frames)
    libraries = [
        f"{each.label}{f' {versions[each.package]}' if each.package in versions else ''} ({each.licence})"
        for each in SOFTWARE
    ]
    facts.append(f"Libraries: {join_words(libraries)}.")
    return facts, missing


def _licence_text(licence: Licence) -> str:
    name = f"Licence: {licence.name}." if licence.name else ""
    # Without its scheme: a page is promised to name no address that a browser could ask.
    source = licence.source.partition("://")[2]
    parts = (f"{licence.asset} ({licence.citation}).", name, licence.remark, f"See {source}.")
    return " ".join(part for part in parts if part)
