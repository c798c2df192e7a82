"""Whether two studies compare, and what to know before believing that they do."""

from __future__ import annotations

import pandas as pd

from sweep.errors import ProtocolError
from sweep.reporting.formatting import count, listed
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.text.warnings import environments

HASH = 10


def shared_protocol(first: StudyFrames, second: StudyFrames) -> None:
    """Refuse studies whose scores are not on one scale.

    Raises:
        ProtocolError: another deciding score, extractor, reference, N or noise sets.
    """
    told = [_differs("metric", first.metric, second.metric)] if first.metric != second.metric else []
    told += [
        _differs(name, first.protocol.get(name), second.protocol.get(name))
        for name in sorted({*first.protocol, *second.protocol})
        if first.protocol.get(name) != second.protocol.get(name)
    ]
    if not told:
        return
    raise ProtocolError(
        f"{first.name} and {second.name} do not compare: {'; '.join(told)}",
        why="Scores of different protocols are not on one scale: even N alone moves a Frechet distance.",
        next=f"Give {second.name} the `protocol`, `metric` and data of {first.name}; "
        "`sweep space diff FILE` says what that costs.",
    )


def _differs(name: str, first: object, second: object) -> str:
    return f"{name.replace('_', ' ')} {_short(name, first)} and {_short(name, second)}"


def _short(name: str, value: object) -> str:
    return str(value)[:HASH] if name.endswith("sha256") else str(value)


def caveats_of(first: StudyFrames, second: StudyFrames, arms: pd.DataFrame, *, same_baseline: bool) -> list[str]:
    """One sentence each.

    Args:
        arms: Of `AcrossStudies`.
        same_baseline: Both files have the same baseline.
    """
    told = ["Neither study planned this comparison: intervals are exploratory, and there is no verdict."]
    welch = arms[arms["how"] == "welch"]
    if len(welch):
        told.append(
            f"{count(len(welch), 'arm')} of {listed(sorted(set(welch['study'])))} shared no two seeds on the same kind "
            f"of device with the baseline of {first.name}: their differences are Welch's, unpaired and wider."
        )
    return [*told, *_drift(arms, first, second, same_baseline), *_made_with(first, second)]


def _drift(arms: pd.DataFrame, first: StudyFrames, second: StudyFrames, same_baseline: bool) -> list[str]:
    """The same baseline, trained again, must score the same."""
    name = second.arms.loc[second.arms["is_baseline"], "arm"]
    mine = arms[(arms["study"] == second.name) & arms["arm"].isin(name)]
    moved = mine[(mine["low"] > 0) | (mine["high"] < 0)]
    if not same_baseline or moved.empty:
        return []
    return [
        f"{first.name} and {second.name} have the same baseline, and yet it moved by "
        f"{moved['difference'].iloc[0]:.3g}: something that no file says has changed, such as code, libraries or "
        "hardware."
    ]


def _made_with(first: StudyFrames, second: StudyFrames) -> list[str]:
    """Source code, machines and libraries in which the studies differ."""
    told = []
    sides = [environments(frames) for frames in (first, second)]
    for column, what in (("commit", "versions of the source code"), ("machine", "hardware")):
        found = [
            {str(value)[: 40 if column == "machine" else HASH] for value in side[column].dropna()} for side in sides
        ]
        if all(found) and found[0] != found[1]:
            words = [f"{listed(sorted(each))} for {frames.name}"
                     for each, frames in zip(found, (first, second), strict=True)]  # fmt: skip
            told.append(f"Different {what}: {listed(words)}.")
    versions = [set(side["versions"]) for side in sides]
    if all(versions) and versions[0] != versions[1]:
        told.append("Their workers had different versions of libraries; `sweep report` lists them under Provenance.")
    return told
