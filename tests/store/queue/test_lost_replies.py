"""A commit that worked and whose reply never came: each verb runs twice and must have done its work once."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from sqlalchemy import func, select

from sweep.store import (
    Store,
    add_cells,
    add_search_cell,
    advisor_lease,
    cells,
    claim,
    curves,
    fail,
    finish_score,
    finish_training,
    heartbeat,
    progress,
    release,
    set_micro_batches,
    set_study_state,
    status,
    studies,
)
from sweep.store.records import ArmRecord, MetricPoint
from sweep.store.sql.schema import ATTEMPT, RUN
from tests.helpers.tiny_store import file_of, new_cell, new_study, new_worker, score_result, study_with_runs


@contextmanager
def lost_replies(store: Store, *, after: float = 0.0) -> Iterator[list[str]]:
    """The first commit inside is done, and then, `after` seconds, the connection breaks."""
    dialect = store.engine.dialect
    real = dialect.do_commit
    lost: list[str] = []

    def commit_and_break(connection: Any) -> None:
        real(connection)
        if not lost:
            lost.append("reply")
            time.sleep(after)
            if dialect.name == "sqlite":
                busy = sqlite3.OperationalError("database is locked")
                busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
                raise busy
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    dialect.do_commit = commit_and_break
    try:
        yield lost
    finally:
        del dialect.do_commit
    assert lost, "nothing was committed, so nothing was tried"


def count(store: Store, table: type[Any]) -> int:
    return store.read(lambda connection: int(connection.scalars(select(func.count()).select_from(table)).one()))


def test_registering(store: Store) -> None:
    with lost_replies(store):
        study = new_study(store)
    assert study.revision == 1
    assert len(studies(store)) == 1


def test_a_process_that_was_stopped_in_a_commit_for_longer_than_its_patience_tries_again(store: Store) -> None:
    """Patience that ran from the start of the operation was spent when SIGCONT came, and the worker died of it."""
    with lost_replies(store, after=0.3):
        study = new_study(replace(store, patience_seconds=0.2))
    assert study.revision == 1
    assert len(studies(store)) == 1


def test_adding_cells(store: Store) -> None:
    study = new_study(store)
    with lost_replies(store):
        ids = add_cells(store, study.id, [new_cell(0, score_requests=2), new_cell(0, "cosine", score_requests=2)])
    assert [cell.cell_id for cell in cells(store, study.id)] == list(ids)
    assert count(store, RUN) == 2


def test_adding_a_search_cell(store: Store) -> None:
    study, worker = new_study(store), new_worker(store)
    with lost_replies(store):
        assert advisor_lease(store, study.id, worker)
    with lost_replies(store):
        cell = new_cell(0, "trial-0", phase="search", trial=0)
        assert add_search_cell(store, study.id, worker, ArmRecord("trial-0", {}), cell, total=1) is not None
    assert [cell.trial_number for cell in cells(store, study.id)] == [0]


def test_claiming(store: Store) -> None:
    study, worker = study_with_runs(store, 2), new_worker(store)
    with lost_replies(store):
        work = claim(store, study.id, worker)
    assert work is not None
    assert (work.token, count(store, ATTEMPT)) == (1, 1)
    assert len(status(store, study.id).running) == 1


def test_working(store: Store) -> None:
    study, worker = study_with_runs(store, 1), new_worker(store)
    work = claim(store, study.id, worker)
    assert work is not None
    with lost_replies(store):
        heartbeat(store, work)
    with lost_replies(store):
        points = [MetricPoint("loss", 3, 24, 0.5)]
        progress(store, work, step=3, images=24, points=points, checkpoint=file_of(work, step=3))
    with lost_replies(store):
        set_micro_batches(store, work, 2)
    assert curves(store, [work.run_id])[work.run_id] == tuple(points)
    held = claim(store, study.id, worker)
    assert held is not None
    assert (held.checkpoints, held.micro_batches) == ((file_of(work, step=3),), 2)


def test_finishing(store: Store) -> None:
    study, worker = study_with_runs(store, 1), new_worker(store)
    work = claim(store, study.id, worker)
    assert work is not None
    with lost_replies(store):
        finish_training(store, work, weights=file_of(work, "weights"), parameters=1, seconds=2.0)
    scoring = claim(store, study.id, worker)
    assert scoring is not None
    with lost_replies(store):
        finish_score(store, scoring, score_result(scoring))
    (cell,) = cells(store, study.id)
    assert (cell.state, cell.seconds, len(cell.scores[0].measurements)) == ("complete", 2.0, 2)


def test_finishing_when_the_next_worker_is_already_there(store: Store) -> None:
    """Between our commit and our retry the work moved on: it was still we who ended that attempt."""
    study, worker = study_with_runs(store, 1), new_worker(store)
    work = claim(store, study.id, worker)
    assert work is not None
    release(store, work, "preempted", seconds=1.0)
    assert claim(store, study.id, new_worker(store)) is not None

    release(store, work, "preempted", seconds=1.0)

    assert cells(store, study.id)[0].seconds == 1.0


@pytest.mark.parametrize("final", [True, False])
def test_failing(store: Store, final: bool) -> None:
    study, worker = study_with_runs(store, 1), new_worker(store)
    work = claim(store, study.id, worker)
    assert work is not None
    with lost_replies(store):
        state = fail(store, work, "infra", "gone", final=final, seconds=1.0)
    assert state == ("failed" if final else "planned")
    assert cells(store, study.id)[0].seconds == 1.0
    again = claim(store, study.id, worker)
    assert (again is None) if final else (again is not None and again.crashes == 1)


def test_deciding(store: Store) -> None:
    study, worker = new_study(store), new_worker(store)
    advisor_lease(store, study.id, worker)
    cell = new_cell(0, "trial-0", phase="search", trial=0)
    add_search_cell(store, study.id, worker, ArmRecord("trial-0", {}), cell, total=1)
    with lost_replies(store):
        set_study_state(store, study.id, "cancelled")
    assert [cell.state for cell in cells(store, study.id)] == ["cancelled"]
