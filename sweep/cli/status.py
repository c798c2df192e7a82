"""`sweep status`: how far a study is. Reads only."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

import sweep
from sweep import api
from sweep.api.locations import DEFAULT_STORAGE, store_options
from sweep.api.units import bytes_text
from sweep.cli.options import Json, Storage, complete_study
from sweep.cli.terminal import echo, print_json, print_table

if TYPE_CHECKING:
    from sweep.api.status import FailureRecord, StatusRecord

WATCH_SECONDS = 2.0


def status_command(
    study: Annotated[
        str | None,
        typer.Argument(help="Name of a study; without it, all studies are listed.", autocompletion=complete_study),
    ] = None,
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
    if study is None:
        _print_list(storage, as_json=as_json)
        return
    record = sweep.status(study, storage=storage)
    ranks = api.status.rank_sentences(study, storage=storage)
    if as_json:
        print_json(status_document(record) | ({"ranks": ranks} if ranks else {}))
        return
    print_status(record, store_options(storage))
    for line in (*ranks, *_little_room(storage)):
        echo(line)
    while watch and record.has_work:
        time.sleep(WATCH_SECONDS)
        record = sweep.status(study, storage=storage)
        print_status(record, store_options(storage), clear=True)


def print_status(record: StatusRecord, options: list[str], *, clear: bool = False) -> None:
    """Print the tables of a study.

    Args:
        record: The study.
        options: Words with which another command finds the same database.
        clear: Whether to clear a terminal before.
    """
    from sweep.cli.console import stdout
    from sweep.cli.status_tables import status_tables

    if clear and stdout.is_terminal:
        stdout.clear()
    stdout.print(status_tables(record, options))


def _print_list(storage: str, *, as_json: bool) -> None:
    records = api.status.statuses(storage=storage)
    if as_json:
        print_json([status_document(record) for record in records])
        return
    rows = [
        (
            record.study.name,
            record.state,
            record.trainings_left,
            record.scores_left,
            record.to_come,
            len(record.failed),
            record.study.question,
        )
        for record in records
    ]
    print_table("", ["study", "state", "runs left", "scores left", "to come", "failed", "question"], rows)


def _little_room(storage: str) -> list[str]:
    """That the database's disk is nearly full, where it is."""
    room = api.status.room_for_store(storage=storage)
    if room is None or not room.is_little:
        return []
    left = f"{bytes_text(room.bytes)} left in {room.folder}"
    return [f"the disk of the store is nearly full: {left}; next: free some there"]


def status_document(record: StatusRecord) -> dict[str, Any]:
    """The status of a study as JSON.

    Args:
        record: The study.
    """
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
            {
                "kind": work.kind,
                "arm": work.arm_name,
                "replicate": work.replicate,
                "seed": work.seed,
                "step": work.step,
                "steps": work.steps,
                "host": work.host,
                "device": work.device,
                "stale": work.is_stale,
            }
            for work in record.running
        ],
        "failures": [_failure_document(failure) for failure in record.failed],
        "ended": [_failure_document(failure) for failure in record.failures if failure.is_intended],
    }


def _failure_document(failure: FailureRecord) -> dict[str, Any]:
    return {
        "arm": failure.arm_name,
        "replicate": failure.replicate,
        "seed": failure.seed,
        "state": failure.state,
        "class": failure.failure,
        "reason": failure.reason,
    }
