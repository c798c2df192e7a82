"""The budget's sum: of all attempts at all runs of a study, each run once, in one short statement."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, select, update

from sweep.store import Store, add_cells, cells, claim, exclude, fail, finish_score, finish_training, release
from sweep.store.queries.spending import training_seconds
from sweep.store.queue.workers import end_worker
from sweep.store.sql.schema import ATTEMPT
from tests.helpers.tiny_store import file_of, new_cell, new_study, new_worker, score_result


def test_trainings_count_whoever_tried_them_and_scores_do_not(store: Store) -> None:
    study, other = new_study(store), new_study(store, "other")
    add_cells(store, study.id, [new_cell(0), new_cell(0, "cosine"), new_cell(1)])
    add_cells(store, other.id, [new_cell(0), new_cell(9)])
    assert training_seconds(store, study.id) == 0.0
    worker = new_worker(store)
    work = claim(store, study.id, worker)
    assert work is not None
    release(store, work, "preempted", seconds=10.0)
    work = claim(store, study.id, worker)
    assert work is not None
    finish_training(store, work, weights=file_of(work, "weights"), parameters=1, seconds=5.0)
    scored = claim(store, study.id, worker)
    assert scored is not None
    finish_score(store, scored, score_result(scored))
    assert training_seconds(store, study.id) == 15.0
    assert training_seconds(store, other.id) == 15.0, "the run is shared"
    failing = claim(store, study.id, worker)
    assert failing is not None
    fail(store, failing, "bug", "bug", final=True, seconds=2.0)
    exclude(store, cells(store, study.id)[0].cell_id, "a wrong cable")
    assert training_seconds(store, study.id) == 17.0


def test_what_is_under_way_counts_up_to_now_while_its_lease_lives(store: Store) -> None:
    study, worker = new_study(store), new_worker(store)
    add_cells(store, study.id, [new_cell(0)])
    work = claim(store, study.id, worker)
    assert work is not None
    begun = store.read(lambda connection: connection.scalars(select(ATTEMPT.c.started_at)).one())
    earlier = update(ATTEMPT).values(started_at=begun - timedelta(hours=1))
    store.write(lambda connection: connection.execute(earlier))
    assert training_seconds(store, study.id) == pytest.approx(3600.0, abs=60.0)
    end_worker(store, worker, "died")
    assert training_seconds(store, study.id) == 0.0


def test_the_sum_is_one_statement_that_brings_one_row(store: Store) -> None:
    study = new_study(store)
    add_cells(store, study.id, [new_cell(replicate, score_requests=3) for replicate in range(50)])
    training_seconds(store, study.id)
    statements: list[str] = []
    listen = lambda *told: statements.append(told[2])
    event.listen(store.engine, "before_cursor_execute", listen)
    training_seconds(store, study.id)
    event.remove(store.engine, "before_cursor_execute", listen)
    assert len([statement for statement in statements if "run" in statement]) == 1
