"""What a study looks like, also when it is large."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
import sqlalchemy as sa

from sweep.errors import UsageError
from sweep.store import (
    Store,
    add_cells,
    add_event,
    claim,
    events,
    finish_training,
    release,
    run_config,
    status,
    trained_by,
)
from tests.helpers.tiny_store import file_of, new_cell, new_study, new_worker, study_with_runs


def test_the_status_shows_who_works_on_what(store: Store) -> None:
    study, worker = study_with_runs(store, 3, score_requests=2), new_worker(store, host="node-7")
    first = claim(store, study.id, worker)
    assert first is not None
    finish_training(store, first, weights=file_of(first, "weights"), parameters=1, seconds=1.0)
    scoring = claim(store, study.id, worker)
    other = claim(store, study.id, new_worker(store), kinds=("train",), ttl=30)
    assert scoring is not None
    assert other is not None

    now = status(store, study.id)

    assert now.arms[0].counts == {"scoring": 1, "training": 1, "planned": 1}
    assert now.arms[1].counts == {}
    assert (now.runs_left, now.scores_left, now.delayed) == (2, 6, 0)
    shown = {(work.kind, work.run_id, work.score_id, work.host, work.arm_name) for work in now.running}
    assert shown == {
        ("train", other.run_id, None, "here", "baseline"),
        ("score", first.run_id, scoring.score_id, "node-7", "baseline"),
    }
    assert all(0 < work.lease_left_seconds <= 120 for work in now.running)
    assert not now.is_stalled


def test_the_worker_that_trained_a_run_is_the_one_that_brought_it_to_its_end(store: Store) -> None:
    study, first, second = study_with_runs(store, 1), new_worker(store, host="one"), new_worker(store, host="two")
    begun = claim(store, study.id, first)
    assert begun is not None
    release(store, begun, "preempted")
    assert trained_by(store, begun.run_id) is None
    ended = claim(store, study.id, second)
    assert ended is not None
    finish_training(store, ended, weights=file_of(ended, "weights"), parameters=1, seconds=1.0)
    assert claim(store, study.id, first) is not None  # scores it

    by = trained_by(store, begun.run_id)
    assert by is not None
    assert (by.id, by.host) == (second, "two")


def test_work_that_nobody_does_is_stalled(store: Store) -> None:
    study = study_with_runs(store, 1)
    assert status(store, study.id).is_stalled


def test_a_run_that_two_arms_share_is_shown_and_counted_once(store: Store) -> None:
    study = new_study(store)
    same = [new_cell(0), new_cell(0, "cosine")]
    shared = same[0].train_config
    add_cells(store, study.id, [same[0], type(same[1])("cosine", "confirm", 0, shared, same[1].facts, [])])
    claim(store, study.id, new_worker(store))

    now = status(store, study.id)

    assert (now.runs_left, len(now.running)) == (1, 1)
    assert [dict(arm.counts) for arm in now.arms] == [{"training": 1}, {"training": 1}]


def test_the_log_is_read_newest_first(store: Store) -> None:
    study = new_study(store)
    add_event(store, "note", "one", study_id=study.id, detail={"n": 1})
    add_event(store, "note", "two postgresql://me:hunter2@db/x")

    assert [event.message for event in events(store, study.id)] == ["one", "revision 1 accepted"]
    assert events(store, limit=1)[0].message == "two postgresql://me:***@db/x"


def test_the_config_of_a_run_is_found(store: Store) -> None:
    study_with_runs(store, 1)
    assert run_config(store, 1) == new_cell(0).train_config
    with pytest.raises(UsageError, match="no run 99"):
        run_config(store, 99)


@pytest.mark.faults
def test_a_study_of_ten_thousand_runs_is_shown_in_a_moment(store: Store) -> None:
    """Alone on a machine: 3 s to add, 0.3 s for the status, 0.04 s for a claim. Shares hold on a busy machine too."""
    study, worker = new_study(store), new_worker(store)
    wanted = [new_cell(replicate, score_requests=2) for replicate in range(10_000)]
    statements: list[str] = []
    times = [time.monotonic()]

    add_cells(store, study.id, wanted)
    times.append(time.monotonic())
    sa.event.listen(store.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    now = status(store, study.id)
    times.append(time.monotonic())
    work = claim(store, study.id, worker)
    times.append(time.monotonic())

    assert now.arms[0].counts == {"planned": 10_000}
    assert (now.runs_left, now.scores_left) == (10_000, 20_000)
    assert work is not None
    # However many points the curves have: none is read.
    assert not [statement for statement in statements if "metric" in statement]
    adding, showing, claiming = (later - earlier for earlier, later in pairwise(times))
    assert showing < 0.5 * adding
    assert claiming < 0.5 * adding
