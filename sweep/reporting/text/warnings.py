"""What a reader must know before believing the table: mixed provenance, confounded arms, an unfinished study."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from sweep.config.protocol_request import MIN_NOISE_SETS
from sweep.quantities import quantity
from sweep.reporting.formatting import join_words, scientific
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.stats.interim import current_interim_analysis
from sweep.reporting.text.decisions import decided_after_scores, repeated_question
from sweep.reporting.text.given import given_warnings
from sweep.store.states import CellStatus, Phase

PRIOR_GAP = 1e-3
"""Bits per dimension. Ho et al. 2020 report 1.8e-5 for theirs, and take that for nothing; a gap fifty times larger
between two arms is a difference in where sampling starts, not in what the net learns from the schedule."""

TERMINAL_FIELDS = frozenset({"T", "schedule", "beta_1", "beta_T", "zero_terminal_snr"})


def warnings_of(frames: StudyFrames) -> list[str]:
    """One sentence each; empty for a clean study.

    Args:
        frames: The tables of the study.
    """
    checks = (
        given_warnings,
        _commits,
        _machines,
        _versions,
        _protocols,
        _terminal_snr,
        _losses,
        _boundaries,
        _noise_sets,
        _unfinished,
        decided_after_scores,
        repeated_question,
    )
    return [text for check in checks for text in check(frames)]


def environments(frames: StudyFrames) -> pd.DataFrame:
    """What each worker ran on: worker_id, commit, dirty, machine (GPU, or CPU), versions (text); None where unknown.

    Args:
        frames: The tables of the study.
    """
    rows = []
    for worker_id, environment in zip(frames.workers["worker_id"], frames.workers["environment"], strict=True):
        source = _mapping(environment.get("source"))
        rows.append(
            {
                "worker_id": worker_id,
                "commit": source.get("commit"),
                "dirty": source.get("dirty"),
                "machine": environment.get("gpu") or environment.get("cpu"),
                "versions": json.dumps(_mapping(environment.get("versions")), sort_keys=True),
            }
        )
    return pd.DataFrame(rows, columns=["worker_id", "commit", "dirty", "machine", "versions"])


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _commits(frames: StudyFrames) -> Iterator[str]:
    machines = environments(frames)
    commits = sorted({str(commit)[:10] for commit in machines["commit"].dropna()})
    if len(commits) > 1:
        yield f"Cells were made by {len(commits)} versions of the source code: {join_words(commits)}."
    if any(dirty is True for dirty in machines["dirty"]):
        yield (
            "Some cells were made from a source tree with uncommitted changes, so the commit does not "
            "identify the code."
        )


def _machines(frames: StudyFrames) -> Iterator[str]:
    machines = sorted({str(machine) for machine in environments(frames)["machine"].dropna()})
    if len(machines) > 1:
        yield (
            f"Cells ran on different hardware: {join_words(machines)}. Their costs cannot be compared, and the last "
            "digits "
            "of scores may differ."
        )


def _versions(frames: StudyFrames) -> Iterator[str]:
    described = [json.loads(versions) for versions in sorted(set(environments(frames)["versions"]))]
    names = sorted({name for versions in described for name in versions})
    mixed = [name for name in names if len({str(versions.get(name)) for versions in described}) > 1]
    if mixed:
        yield f"Workers had different versions of {join_words(mixed)}."


def _protocols(frames: StudyFrames) -> Iterator[str]:
    if frames.other_protocols:
        yield (
            f"{quantity(frames.other_protocols, 'score')} under other protocols (another extractor, reference, N or "
            "noise "
            "sets) are left out, because they cannot be compared with these."
        )


def terminal(frames: StudyFrames) -> pd.DataFrame:
    """One row an arm with runs: arm_id, arm, is_baseline, alphas_bar_T, snr_1, snr_T, prior_bits_per_dim.

    Args:
        frames: The tables of the study.
    """
    columns = ["arm_id", "arm", "is_baseline", "alphas_bar_T", "snr_1", "snr_T", "prior_bits_per_dim"]
    return frames.cells.loc[frames.cells["phase"] == frames.phase, columns].drop_duplicates("arm_id")


def _terminal_snr(frames: StudyFrames) -> Iterator[str]:
    facts = terminal(frames).merge(frames.arms[["arm_id", "changes"]], on="arm_id")
    baseline = facts.loc[facts["is_baseline"], "prior_bits_per_dim"]
    if baseline.empty:
        return
    gap = (facts["prior_bits_per_dim"] - baseline.iloc[0]).abs()
    changed = pd.Series([bool(TERMINAL_FIELDS & set(changes)) for changes in facts["changes"]], index=facts.index)
    confounded = facts[changed & (gap > PRIOR_GAP)]
    if len(confounded):
        ends = [f"{row.arm} ({scientific(row.snr_T)})" for row in confounded.head(4).itertuples()]
        more = f" and {len(confounded) - 4} more" if len(confounded) > 4 else ""
        at = facts.loc[facts["is_baseline"], "snr_T"].iloc[0]
        yield (
            f"Schedule and terminal signal-to-noise ratio are confounded: SNR at t = T is {scientific(at)} in the "
            f"baseline, but differs in {join_words(ends)}{more}. Sampling starts from pure noise, which these chains "
            "reach to different degrees, and part of a difference may come from that."
        )


def _losses(frames: StudyFrames) -> Iterator[str]:
    unpaired = frames.cells[(frames.cells["phase"] == Phase.CONFIRM) & (frames.cells["status"] == CellStatus.FAILED)]
    if len(unpaired):
        yield (
            f"{quantity(len(unpaired), 'cell')} failed. Verdicts count a diverged run as worse than any score. "
            "Means and intervals leave out the seeds of all failed cells, and verdicts those of other failures: arms "
            "that fail on hard seeds look better than they are."
        )


def _boundaries(frames: StudyFrames) -> Iterator[str]:
    shown = {arm: ends for arm, ends in frames.boundaries.items() if arm in set(frames.arms["arm"])}
    if shown:
        described = [
            f"{arm} ({', '.join(f'{factor} at the {end} end' for factor, end in ends.items())})"
            for arm, ends in list(shown.items())[:4]
        ]
        more = f" and {len(shown) - 4} more" if len(shown) > 4 else ""
        yield (
            f"A tuned value lies at the end of its range in {join_words(described)}{more}. A better value may lie "
            "beyond "
            "it, so the arm may look worse than it is."
        )


def _noise_sets(frames: StudyFrames) -> Iterator[str]:
    sets = len(frames.protocol.get("noise_sets", ())) or 1
    if sets < MIN_NOISE_SETS and len(frames.scores) and frames.study_ref.design.trains:
        yield (
            f"Each score is from {quantity(sets, 'noise set')}; at least {MIN_NOISE_SETS} are needed to see how much "
            f"it depends on the noise. Set noise_sets: {MIN_NOISE_SETS} under protocol in the study file."
        )


def _unfinished(frames: StudyFrames) -> Iterator[str]:
    cells = frames.cells[frames.cells["phase"] == Phase.CONFIRM]
    missing = int((cells["status"] == CellStatus.MISSING).sum())
    analysis = current_interim_analysis(frames)
    if not missing:
        return
    progress = f"{missing} of {quantity(len(cells), 'planned cell')} are not finished."
    if analysis is None:
        yield (
            f"{progress} Verdicts are valid for a study that is read once, when it is complete. With repeated reading, "
            "they are wrong more often than 5 % of the time. To read results early, declare interim_analyses in the "
            "study file."
        )
    elif analysis.number:
        yield (
            f"{progress} This is interim analysis {analysis.number} of {len(analysis.plan.seeds)}, as declared. "
            "Verdicts "
            f"use the first {analysis.seeds} seeds; later seeds count after {analysis.following} seeds."
        )
    else:
        yield f"{progress} The first interim analysis is after {analysis.following} seeds; there is no verdict before."
