"""The arms of two studies against one baseline."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

from sweep.api.locations import storage_url, store_options
from sweep.api.stored_study import stored_study
from sweep.commands import command
from sweep.config.names import require_name
from sweep.errors import UsageError
from sweep.quantities import quantity
from sweep.reporting.cross_study import AcrossStudies, compare_studies
from sweep.reporting.formatting import changes_in_words, decimals_for, number
from sweep.reporting.frames.frames import load_frames

__all__ = ["AcrossStudies", "compare", "difference_text", "mean_text", "notes", "pairing_text"]


def compare(first: str, second: str, *, storage: str | None = None) -> AcrossStudies:
    """Compare the arms of two studies in the same database with the baseline of the first.

    Runs with the same seed on the same kind of device are paired. Other differences are Welch's.

    Args:
        first: Name of the study whose baseline all arms are compared with.
        second: Name of the other study.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.

    Returns:
        The frame `arms` with means, differences and 95 % intervals, and what the reader must know about it. There are
        no verdicts, because neither study planned the comparison.

    Raises:
        UsageError: There is no such study, or both names are the same.
        ProtocolError: The scores of the studies were made in different ways, and do not compare.
        StoreError: There is no database, or it cannot be read.

    Example:
        sweep.compare("fashion", "fashion-length").arms
    """
    if require_name(first) == require_name(second):
        raise UsageError(
            f"{first} is one study",
            why="Its own arms are compared in its report.",
            next=command("report", first, *store_options(storage_url(storage))),
        )
    with stored_study(first, storage) as (store, _), stored_study(second, storage):
        return compare_studies(load_frames(store.engine, first), load_frames(store.engine, second))


def notes(comparison: AcrossStudies) -> list[str]:
    """What a reader must know about a comparison: how the baselines differ, and what limits it.

    Args:
        comparison: The comparison.

    Returns:
        One sentence each.
    """
    first, second = comparison.studies
    baseline = f"{second} has the same baseline as {first}."
    if comparison.changes:
        changes = changes_in_words(comparison.changes)
        baseline = f"The baseline of {second} differs from that of {first}: {changes}."
    levels = [
        f"Of {study}, the evaluation level {changes_in_words(level)} is read."
        for study, level in comparison.evaluation_levels.items()
        if level
    ]
    return [baseline, *levels, "Brackets: 95 % t intervals.", *comparison.caveats]


def mean_text(row: Mapping[Any, Any], resolution: float) -> str:
    """The mean of an arm, and its standard deviation over seeds where there is one.

    Args:
        row: A row of `AcrossStudies.arms`.
        resolution: The smallest difference that should be visible, `AcrossStudies.decimals_at`.

    Returns:
        Text such as `3.21 ± 0.05`.
    """
    decimals = decimals_for(resolution)
    return number(row["mean"], decimals) + ("" if isnan(row["sd"]) else f" ± {number(row['sd'], decimals)}")


def difference_text(difference: float, low: float, high: float, resolution: float) -> str:
    """A difference with its interval.

    Args:
        difference: The difference; NaN where there is none.
        low: Lower end of its interval; NaN where there is no interval.
        high: Upper end of its interval.
        resolution: The smallest difference that should be visible, `AcrossStudies.decimals_at`.

    Returns:
        Text such as `+0.12 (-0.03 to +0.27)`; empty where there is no difference.
    """
    if isnan(difference):
        return ""
    decimals = decimals_for(resolution)
    interval = " to ".join(number(bound, decimals, signed=True) for bound in (low, high))
    return f"{number(difference, decimals, signed=True)} ({'no interval' if isnan(low) else interval})"


def pairing_text(row: Mapping[Any, Any]) -> str:
    """Which runs a difference was computed over.

    Args:
        row: A row of `AcrossStudies.arms`.

    Returns:
        Text such as `3 paired seeds`; empty for the reference.
    """
    if row["is_reference"] or not row["how"]:
        return ""
    texts = {
        "paired": quantity(int(row["pairs"]), "paired seed"),
        "welch": "Welch, unpaired",
        "same runs": "the same runs",
    }
    return texts[row["how"]]
