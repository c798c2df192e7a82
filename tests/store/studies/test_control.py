"""Pause, stop, cancel, exclude, rerun."""

from __future__ import annotations

import pytest

from sweep.errors import LeaseLost, UsageError
from sweep.store import (
    Store,
    add_cells,
    cells,
    claim,
    events,
    exclude,
    fail,
    finish_training,
    heartbeat,
    rerun,
    set_study_state,
    status,
    studies,
)
from tests.helpers.tiny_store import file_of, new_cell, new_study, new_worker, study_with_runs


@pytest.mark.parametrize("state", ["paused", "stopped"])
def test_a_pause_hands_out_nothing_and_takes_nothing_away(store: Store, state: str) -> None:
    study, worker = study_with_runs(store, 2), new_worker(store)
    work = claim(store, study.id, worker)
    assert work is not None

    set_study_state(store, study.id, state, reason="lunch")

    assert claim(store, study.id, new_worker(store)) is None
    assert heartbeat(store, work) == state
    finish_training(store, work, weights=file_of(work, "weights"), parameters=1, seconds=1.0)
    assert studies(store)[0].state == state
    assert events(store, study.id)[0].message == f"study is {state}: lunch"
    set_study_state(store, study.id, "active")
    assert claim(store, study.id, worker) is not None


def test_cancelling_withdraws_leases_and_ends_all_work(store: Store) -> None:
    study, worker = study_with_runs(store, 2, score_requests=2), new_worker(store)
    work = claim(store, study.id, worker)
    assert work is not None

    set_study_state(store, study.id, "cancelled")

    with pytest.raises(LeaseLost):
        heartbeat(store, work)
    assert {cell.state for cell in cells(store, study.id)} == {"cancelled"}
    assert {score.state for cell in cells(store, study.id) for score in cell.scores} == {"cancelled"}
    now = status(store, study.id)
    assert (now.runs_left, now.scores_left, now.running) == (0, 0, ())


def test_cancelling_leaves_what_another_study_wants(store: Store) -> None:
    one, other = new_study(store, "one"), new_study(store, "other")
    add_cells(store, one.id, [new_cell(0), new_cell(1)])
    add_cells(store, other.id, [new_cell(1, score_requests=2)])

    set_study_state(store, one.id, "cancelled")

    assert [cell.state for cell in cells(store, one.id)] == ["cancelled", "planned"]
    assert [score.state for score in cells(store, other.id)[0].scores] == ["planned", "planned"]
    assert claim(store, other.id, new_worker(store)) is not None


def test_a_cancelled_run_is_planned_again_when_another_study_asks(store: Store) -> None:
    one, other = new_study(store, "one"), new_study(store, "other")
    add_cells(store, one.id, [new_cell(0)])
    set_study_state(store, one.id, "cancelled")

    add_cells(store, other.id, [new_cell(0)])

    (cell,) = cells(store, other.id)
    assert (cell.state, cell.failure, cell.scores[0].state) == ("planned", None, "planned")


def test_an_excluded_cell_is_not_worked_on_and_keeps_its_reason(store: Store) -> None:
    study = study_with_runs(store, 1)
    (cell,) = cells(store, study.id)

    exclude(store, cell.cell_id, "power cut")

    assert claim(store, study.id, new_worker(store)) is None
    (cell,) = cells(store, study.id)
    assert (cell.state, cell.excluded_reason, cell.run_state) == ("excluded", "power cut", "planned")
    assert status(store, study.id).runs_left == 0
    with pytest.raises(UsageError, match="reason"):
        exclude(store, cell.cell_id, "  ")
    with pytest.raises(UsageError, match="no cell"):
        exclude(store, 99, "why")


def test_failures_of_a_class_are_run_again_with_their_scores(store: Store) -> None:
    study, worker = study_with_runs(store, 3, score_requests=2), new_worker(store)
    for failure, state in (("oom", "failed"), ("bug", "failed"), ("nan", "infeasible")):
        work = claim(store, study.id, worker)
        assert work is not None
        fail(store, work, failure, failure, final=True, state=state)
    assert claim(store, study.id, worker) is None

    assert rerun(store, study.id, ["oom", "nan"]) == 1

    assert [cell.state for cell in cells(store, study.id)] == ["planned", "failed", "infeasible"]
    again = claim(store, study.id, worker)
    assert again is not None
    assert (again.token, again.crashes) == (2, 0)
    finish_training(store, again, weights=file_of(again, "weights"), parameters=1, seconds=1.0)
    for _ in range(2):
        scoring = claim(store, study.id, worker)
        assert scoring is not None
        assert scoring.kind == "score"
        fail(store, scoring, "infra", "gone", final=True)
    assert cells(store, study.id)[0].state == "failed"
    assert rerun(store, study.id, ["infra"]) == 2
    assert cells(store, study.id)[0].state == "trained"
