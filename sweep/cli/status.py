"""`sweep status`: how far a study is. Reads only."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sweep.cli.options import DEFAULT_STORAGE, Json, Storage, store_options
from sweep.commands import command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from sweep.store.snapshots import FailureRecord, StatusRecord
    from sweep.store.sql.transaction import Store

WATCH_SECONDS = 2.0
# Shown in a table; thousands of lines say no more than these.
MAX_FAILURES = 30
MAX_ARMS_SHOWN = 100
# How an exploration names what it tries: trial-0012, schedule=cosine / trial-0003.
TRIAL = re.compile(r"\btrial-\d+$")


def status(
    study: Annotated[str | None, typer.Argument(help="Name of a study; without it, all studies are listed.")] = None,
    storage: Storage = DEFAULT_STORAGE,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Repeat until the study is complete; Ctrl-C ends the command.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show the progress of a study, what runs, and what failed.

    \b
    Examples: sweep status
              sweep status digits --watch
              sweep status digits --json
    """
    from sweep.cli.console import stdout
    from sweep.cli.terminal import print_json
    from sweep.config.names import require_name
    from sweep.search.remaining import status_of
    from sweep.store.opening import read_store
    from sweep.store.studies.studies import study as find

    store = read_store(storage)
    if study is None:
        _list(store, as_json=as_json)
        return
    record = status_of(store, find(store, require_name(study)).id)
    if as_json:
        print_json(document(record) | ({"ranks": ranks} if (ranks := _ranks(store, record)) else {}))
        return
    stdout.print(drawn(record, store_options(storage)))
    for line in (*_ranks(store, record), *_little_room(store)):
        stdout.print(line, markup=False, soft_wrap=True)
    while watch and record.has_work:
        time.sleep(WATCH_SECONDS)
        record = status_of(store, record.study.id)
        if stdout.is_terminal:
            stdout.clear()
        stdout.print(drawn(record, store_options(storage)))


def _list(store: Store, *, as_json: bool) -> None:
    from sweep.cli.console import stdout, table
    from sweep.cli.terminal import print_json
    from sweep.search.remaining import status_of
    from sweep.store.studies.studies import studies

    rows = [status_of(store, study.id) for study in studies(store)]
    if as_json:
        print_json([document(record) for record in rows])
        return
    stdout.print(table("", ["study", "state", "runs left", "scores left", "to come", "failed", "question"], [
        (r.study.name, _state(r), r.trainings_left, r.scores_left, r.to_come, len(r.failed), r.study.question)
        for r in rows
    ]))  # fmt: skip


def _ranks(store: Store, record: StatusRecord) -> list[str]:
    """How well each cheaper score of a search ranks its trials; nothing for a study without any."""
    spec = record.study.spec
    if not (spec.get("protocol", {}).get("ladder") or spec.get("design", {}).get("pruner")):
        return []
    from sweep.reporting.frames.frames import load_study
    from sweep.reporting.stats.rank_correlation import rank_correlations, ranks_in_words

    return ranks_in_words(rank_correlations(load_study(store.engine, record.study.name)))


def _little_room(store: Store) -> list[str]:
    """That the database's disk is nearly full, where it is."""
    from sweep.cli.terminal import size
    from sweep.store.queries.disks import room_left

    room = room_left(store.engine)
    if room is None or not room.is_little:
        return []
    return [f"the disk of the store is nearly full: {size(room.bytes)} left in {room.folder}; next: free some there"]


def document(record: StatusRecord) -> dict[str, Any]:
    """A status as JSON."""
    return {
        "study": record.study.name,
        "state": record.study.state,
        "revision": record.study.revision,
        "runs_left": record.trainings_left,
        "scores_left": record.scores_left,
        "to_come": record.to_come,
        "stalled": record.is_stalled,
        "full_disks": [{"host": d.host, "waiting": d.waiting, "reason": d.reason} for d in record.full_disks],
        "arms": [{"name": arm.name, "baseline": arm.is_baseline, "cells": dict(arm.counts)} for arm in record.arms],
        "running": [
            {"kind": w.kind, "arm": w.arm_name, "replicate": w.replicate, "seed": w.seed, "step": w.step,
             "steps": w.steps, "host": w.host, "device": w.device, "stale": w.is_stale}
            for w in record.running
        ],
        "failures": [_end(failure) for failure in record.failed],
        "ended": [_end(failure) for failure in record.failures if failure.is_intended],
    }  # fmt: skip


def _end(ended: FailureRecord) -> dict[str, Any]:
    return {"arm": ended.arm_name, "replicate": ended.replicate, "seed": ended.seed, "state": ended.state,
            "class": ended.failure, "reason": ended.reason}  # fmt: skip


def drawn(record: StatusRecord, options: Sequence[str] = ()) -> RenderableType:
    """A status as tables."""
    from rich.console import Group
    from rich.text import Text

    from sweep.cli.console import table

    arms = _arms(record)
    states = sorted({state for counts in arms.values() for state in counts})
    parts: list[RenderableType] = [
        table(f"{record.study.name} ({_state(record)})", ["arm", *states],
              [(name, *(counts.get(state, 0) for state in states)) for name, counts in arms.items()]),
    ]  # fmt: skip
    if record.running:
        parts.append(table("running", ["what", "arm", "seed", "step", "on"], [
            (w.kind, w.arm_name, w.seed, f"{w.step:,} / {w.steps:,}" if w.kind == "train" else "-",
             f"{w.host} {w.device}" + (" (no sign of life: will be taken over)" if w.is_stale else ""))
            for w in record.running
        ]))  # fmt: skip
    if record.failed:
        parts.append(_ends("failed", record.failed))
    if (more := len(record.failed) - MAX_FAILURES) > 0:
        parts.append(f"and {more:,} more; next: {command('trials ls', record.study.name, *options)}")
    parts += _intended(record, options)
    parts += [Text(f"the disk of {disk.host} is full: {_first_line(disk.reason)}") for disk in record.full_disks]
    parts.append(Text(_next(record, options), overflow="fold"))
    return Group(*parts)


def _state(record: StatusRecord) -> str:
    """The state of the study in a table: an active study without any work left is complete."""
    return record.study.state if record.has_work or record.study.state != "active" else "complete"


def _ends(title: str, ends: Sequence[FailureRecord]) -> Table:
    from sweep.cli.console import table

    return table(title, ["arm", "seed", "class", "reason"], [
        (end.arm_name, end.seed, end.failure or end.state, end.reason.splitlines()[0] if end.reason else "-")
        for end in ends[:MAX_FAILURES]
    ])  # fmt: skip


def _intended(record: StatusRecord, options: Sequence[str]) -> list[RenderableType]:
    """Ends that are results or decisions: those that diverged with their evidence, the others counted."""
    ends = [end for end in record.failures if end.is_intended]
    parts: list[RenderableType] = []
    if diverged := [end for end in ends if end.failure == "nan"]:
        parts.append(_ends("diverged", diverged))
    for state, why in (("pruned", "stopped at a rung by their scores"), ("cancelled", "somebody cancelled the study")):
        if count := len({end.cell_id for end in ends if end.state == state}):
            which = command("trials ls", record.study.name, "--state", state, *options)
            parts.append(f"{state}: {count:,} ({why}); {which}")
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
    if record.study.state != "active":
        return f"the study is {record.study.state}; next: {command('resume', name, *options)}"
    if record.full_disks:
        waiting = sum(disk.waiting for disk in record.full_disks)
        return f"{waiting} trainings and scores wait for room; next: free some there, e.g. by sweep gc --delete"
    if record.is_stalled:
        return f"no worker is running; next: sweep launch FILE, or {command('worker', '--study', name, *options)}"
    if record.has_work:
        come = f" ({record.to_come} to come)" if record.to_come else ""
        return f"{record.trainings_left} trainings{come} and {record.scores_left} scores left"
    return f"done; next: {command('report', name, *options)}"
