"""What changed between two reports of one study: cells that came to an end, verdicts that flipped.

Each build leaves `last.json` beside the page: the state that it shows, and the last state that was another. The page
tells what came between those two, so that building it again from the same store changes no byte; the terminal tells
what came since the build before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NotRequired

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic wants it before Python 3.12

from sweep.store.states import CellStatus

LAST = "last.json"


class ArmState(TypedDict):
    """What a report said of an arm; None where there was no number."""

    verdict: str
    n: int
    mean: float | None
    difference: float | None
    low: float | None
    high: float | None


class ReportState(TypedDict):
    """Every number of a report that a reader would want to know the change of."""

    revision: int
    data_as_of: str
    cells: dict[str, int]
    """Status of a cell -> how many have it."""
    arms: dict[str, ArmState]
    rule: NotRequired[str]
    """Name of the rule of comparison; missing before it had one."""


class Last(TypedDict):
    """What `last.json` holds."""

    now: ReportState | None
    before: ReportState | None


NOTHING_SHOWN = Last(now=None, before=None)


def read_last(folder: Path) -> Last:
    """`now` and `before` of the last build in a folder; both None where there was none, or another version's.

    Args:
        folder: Folder of the report; None for the one that is being built.
    """
    try:
        return TypeAdapter(Last).validate_json((folder / LAST).read_bytes())
    except (OSError, ValidationError):
        return NOTHING_SHOWN


def state_before(folder: Path, now: ReportState) -> ReportState | None:
    """The last state that a report in this folder showed and that was not `now`.

    Args:
        folder: Folder of the report.
        now: The state that the report shows now.
    """
    last = read_last(folder)
    return last["before"] if last["now"] == now else last["now"]


def write_last(folder: Path, now: ReportState) -> None:
    """Remember what is shown.

    Args:
        folder: Folder of the report.
        now: The state that the report shows now.
    """
    last = {"now": now, "before": state_before(folder, now)}
    (folder / LAST).write_text(json.dumps(last, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def report_changes(before: ReportState, now: ReportState) -> dict[str, Any]:
    """What changed, as data.

    Args:
        before: The state of the earlier report.
        now: The state of the later report.

    Returns:
        before, now (data_as_of and revision of each); new_runs {arm: count} with a score that had none, negative
        where runs no longer count; cells {status: change}; arms_added, arms_gone; verdicts [{arm, before, now}];
        rule_changed (verdicts of the two reports follow different rules of comparison).
    """
    old, new = before["arms"], now["arms"]
    counts = {arm: state["n"] - old.get(arm, {"n": 0})["n"] for arm, state in new.items()}
    statuses = sorted({*before["cells"], *now["cells"]})
    change = {status: now["cells"].get(status, 0) - before["cells"].get(status, 0) for status in statuses}
    return {
        "before": {key: before[key] for key in ("data_as_of", "revision")},
        "now": {key: now[key] for key in ("data_as_of", "revision")},
        "new_runs": {arm: runs for arm, runs in counts.items() if runs},
        "cells": {status: cells for status, cells in change.items() if cells},
        "rule_changed": before.get("rule", "") != now.get("rule", ""),
        "arms_added": [arm for arm in new if arm not in old],
        "arms_gone": [arm for arm in old if arm not in new],
        "verdicts": [
            {"arm": arm, "before": old[arm]["verdict"], "now": state["verdict"]}
            for arm, state in new.items()
            if arm in old and state["verdict"] != old[arm]["verdict"]
        ],
    }


def changes_in_sentences(changes: Mapping[str, Any]) -> list[str]:
    """One sentence a change; flipped verdicts first.

    Args:
        changes: The changes (`report_changes`).
    """
    sentences = [
        f"The verdict on {v['arm']} was {v['before'] or 'none'} and is {v['now'] or 'none'}."
        for v in changes["verdicts"]
    ]
    if changes["rule_changed"]:
        sentences.append(
            "Verdicts and intervals follow another rule of comparison than in the earlier report: the same scores may "
            "have other ones. `sweep docs statistics` describes the rule."
        )
    more = {arm: runs for arm, runs in changes["new_runs"].items() if runs > 0}
    fewer = {arm: -runs for arm, runs in changes["new_runs"].items() if runs < 0}
    if more:
        sentences.append(f"New runs with a score: {_counted(more)}.")
    if fewer:
        sentences.append(f"Runs that no longer count: {_counted(fewer)}.")
    failed = changes["cells"].get(CellStatus.FAILED, 0)
    if failed > 0:
        sentences.append(f"{failed} more {'cell' if failed == 1 else 'cells'} failed.")
    if changes["arms_added"]:
        sentences.append(f"New arms: {', '.join(changes['arms_added'])}.")
    if changes["arms_gone"]:
        sentences.append(f"Arms no longer in the study: {', '.join(changes['arms_gone'])}.")
    if changes["before"]["revision"] != changes["now"]["revision"]:
        sentences.append(
            f"The study went from revision {changes['before']['revision']} to {changes['now']['revision']}."
        )
    if not changes["verdicts"]:
        sentences.append("No verdict changed.")
    return sentences


MAX_ARMS = 8


def _counted(counts: Mapping[str, int]) -> str:
    shown = [f"{runs} of {arm}" for arm, runs in list(counts.items())[:MAX_ARMS]]
    rest = sum(list(counts.values())[MAX_ARMS:])
    return ", ".join(shown) + (f", and {rest} of {len(counts) - MAX_ARMS} more arms" if rest else "")
