"""The tables of `sweep status`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sweep.cli.console import plain_table
from sweep.commands import command
from sweep.quantities import quantity

if TYPE_CHECKING:
    from sweep.api.status import FailureRecord, StatusRecord

# Shown in a table; thousands of lines say no more than these.
MAX_FAILURES = 30
MAX_ARMS_SHOWN = 100
# How a tuning run names what it tries: trial-0012, schedule=cosine / trial-0003.
TRIAL = re.compile(r"\btrial-\d+$")


def status_tables(record: StatusRecord, options: Sequence[str] = ()) -> RenderableType:
    """The status of a study as tables and sentences.

    Args:
        record: The study.
        options: Words with which another command finds the same database.

    Returns:
        What a console prints.
    """
    parts: list[RenderableType] = [_arm_table(record)]
    if record.running:
        parts.append(_running_table(record))
    if record.failed:
        parts.append(_failure_table("failed", record.failed))
    if (more := len(record.failed) - MAX_FAILURES) > 0:
        parts.append(Text(f"and {more:,} more; next: {command('trials ls', record.study.name, *options)}"))
    parts += _intended(record, options)
    parts += [Text(f"the disk of {disk.host} is full: {_first_line(disk.reason)}") for disk in record.full_disks]
    parts.append(Text(_next(record, options), overflow="fold"))
    return Group(*parts)


def _arm_table(record: StatusRecord) -> Table:
    arms = _arms(record)
    states = sorted({state for counts in arms.values() for state in counts})
    rows = [(name, *(counts.get(state, 0) for state in states)) for name, counts in arms.items()]
    return plain_table(f"{record.study.name} ({record.state})", ["arm", *states], rows)


def _running_table(record: StatusRecord) -> Table:
    rows = [
        (
            work.kind,
            work.arm_name,
            work.seed,
            f"{work.step:,} / {work.steps:,}" if work.is_training else "-",
            f"{work.host} {work.device}" + (" (no sign of life: will be taken over)" if work.is_stale else ""),
        )
        for work in record.running
    ]
    return plain_table("running", ["what", "arm", "seed", "step", "on"], rows)


def _failure_table(title: str, failures: Sequence[FailureRecord]) -> Table:
    rows = [
        (
            failure.arm_name,
            failure.seed,
            failure.failure or failure.state,
            failure.reason.splitlines()[0] if failure.reason else "-",
        )
        for failure in failures[:MAX_FAILURES]
    ]
    return plain_table(title, ["arm", "seed", "class", "reason"], rows)


def _intended(record: StatusRecord, options: Sequence[str]) -> list[RenderableType]:
    """Ends that are results or decisions: those that diverged with their evidence, the others counted."""
    ends = [end for end in record.failures if end.is_intended]
    parts: list[RenderableType] = []
    if diverged := [end for end in ends if end.is_diverged]:
        parts.append(_failure_table("diverged", diverged))
    for state, why in (("pruned", "stopped at a rung by their scores"), ("cancelled", "somebody cancelled the study")):
        if count := len({end.cell_id for end in ends if end.state == state}):
            listing = command("trials ls", record.study.name, "--state", state, *options)
            parts.append(Text(f"{state}: {count:,} ({why}); {listing}"))
    return parts


def _first_line(text: str) -> str:
    return text.splitlines()[0] if text else "a file could not be written"


def _arms(record: StatusRecord) -> dict[str, Counter[str]]:
    """Cells of each line by state: one an arm, and in a long search one for all trials around the same arm."""
    lines: dict[str, Counter[str]] = {}
    for arm in record.arms:
        name = TRIAL.sub("all trials", arm.name) if len(record.arms) > MAX_ARMS_SHOWN else arm.name
        lines.setdefault(name, Counter()).update(arm.counts)
    return lines


def _next(record: StatusRecord, options: Sequence[str]) -> str:
    name = record.study.name
    if not record.study.is_active:
        return f"the study is {record.study.state}; next: {command('resume', name, *options)}"
    if record.full_disks:
        waiting = sum(disk.waiting for disk in record.full_disks)
        return f"trainings and scores that wait for room: {waiting:,}; next: free some there, e.g. by sweep gc --delete"
    if record.is_stalled:
        return f"no worker is running; next: sweep launch FILE, or {command('worker', '--study', name, *options)}"
    if record.has_work:
        come = f" ({record.to_come} to come)" if record.to_come else ""
        return f"{quantity(record.trainings_left, 'training')}{come} and {quantity(record.scores_left, 'score')} left"
    return f"done; next: {command('report', name, *options)}"
