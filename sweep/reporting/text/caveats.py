"""Whether two studies compare, and what to know before believing that they do."""

from __future__ import annotations

import pandas as pd

from sweep.errors import ProtocolError
from sweep.quantities import quantity
from sweep.reporting.formatting import join_words
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.text.warnings import environments
from sweep.statistics.paired import Difference

HASH = 10


def shared_protocol(first: StudyFrames, second: StudyFrames) -> None:
    """Refuse studies whose scores are not on one scale.

    Args:
        first: The tables of the first study.
        second: The tables of the second study.

    Raises:
        ProtocolError: another deciding score, extractor, reference, N or noise sets.
    """
    caveats = [_differs("metric", first.metric, second.metric)] if first.metric != second.metric else []
    one, other = {"noise": "shared", **first.protocol}, {"noise": "shared", **second.protocol}
    names = sorted({*one, *other})
    caveats += [_differs(name, one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)]
    if not caveats:
        return
    only_noise = caveats == [_differs("noise", one["noise"], other["noise"])]
    raise ProtocolError(
        f"{first.name} and {second.name} cannot be compared: {'; '.join(caveats)}",
        why="Differences between runs that were sampled from other noise are not paired."
        if only_noise
        else "Scores of different protocols are not on one scale: N alone changes a Frechet distance.",
        next=f"Write `noise: {one['noise']}` under `protocol` in the file of {second.name}, then: "
        "sweep launch FILE --accept-change; it makes scores again and trains nothing."
        if only_noise
        else f"Copy `protocol`, `metric` and the data of {first.name} into the file of {second.name}; "
        "`sweep space diff FILE` then shows which runs and scores that changes.",
    )


def _differs(name: str, first: object, second: object) -> str:
    return f"{name.replace('_', ' ')} {_short(name, first)} and {_short(name, second)}"


def _short(name: str, value: object) -> str:
    return str(value)[:HASH] if name.endswith("sha256") else str(value)


def caveats_of(
    first: StudyFrames, second: StudyFrames, arms: pd.DataFrame, *, same_baseline: bool, moved: Difference | None
) -> list[str]:
    """One sentence each.

    Args:
        arms: Of `AcrossStudies`.
        same_baseline: Both files have the same baseline.
        moved: Of a baseline that was pooled, the difference between the runs of the second study and of the first;
            None where it was not pooled, or has too few runs.
        first: The tables of the first study.
        second: The tables of the second study.
    """
    caveats = ["Neither study planned this comparison, so the intervals are exploratory and there is no verdict."]
    welch = arms[arms["how"] == "welch"]
    if len(welch):
        caveats.append(
            f"{quantity(len(welch), 'arm')} of {join_words(sorted(set(welch['study'])))} shared fewer than two seeds "
            "on the "
            f"same kind of device with the baseline of {first.name}. Their differences are unpaired (Welch), and their "
            "intervals are wider."
        )
    pooled = [
        f"{row['arm']} ({quantity(row['n'], 'run')}, {row['shared_runs']} of them read by both)"
        for row in arms.to_dict("records")
        if row["study"] not in (first.name, second.name)
    ]
    if pooled:
        caveats.append(
            f"Equal arms of both studies are pooled, and each run counts once: {join_words(pooled)}. A run that one "
            "study excluded is not in a pool."
        )
    return [*caveats, *_drift(arms, first, second, same_baseline, moved), *_made_with(first, second)]


def _drift(
    arms: pd.DataFrame, first: StudyFrames, second: StudyFrames, same_baseline: bool, moved: Difference | None
) -> list[str]:
    """The same baseline, trained again, must score the same."""
    name = second.arms.loc[second.arms["is_baseline"], "arm"]
    baseline_row = arms[(arms["study"] == second.name) & arms["arm"].isin(name)]
    bounds = [(row["difference"], row["low"], row["high"]) for row in baseline_row.to_dict("records")]
    if moved is not None:
        bounds.append((moved.mean, moved.low, moved.high))
    by = [difference for difference, low, high in bounds if low > 0 or high < 0]
    if not same_baseline or not by:
        return []
    return [
        f"{first.name} and {second.name} have the same baseline, but its score moved by "
        f"{by[0]:.3g}. Something that the study files do not describe has changed, such as code, "
        "libraries or hardware."
    ]


def _made_with(first: StudyFrames, second: StudyFrames) -> list[str]:
    """Source code, machines and libraries in which the studies differ."""
    caveats = []
    sides = [environments(frames) for frames in (first, second)]
    for column, what in (("commit", "versions of the source code"), ("machine", "hardware")):
        sets = [
            {str(value)[: 40 if column == "machine" else HASH] for value in side[column].dropna()} for side in sides
        ]
        if all(sets) and sets[0] != sets[1]:
            words = [
                f"{join_words(sorted(each))} for {frames.name}"
                for each, frames in zip(sets, (first, second), strict=True)
            ]
            caveats.append(f"Different {what}: {join_words(words)}.")
    versions = [set(side["versions"]) for side in sides]
    if all(versions) and versions[0] != versions[1]:
        caveats.append(
            "Their workers used different versions of libraries; `sweep report` lists them under Provenance."
        )
    return caveats
