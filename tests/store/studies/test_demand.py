"""Work that somebody wants is done, and work that nobody wants is held by nobody: cancels, exclusions, deaths."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from sweep.errors import LeaseLost
from sweep.store import (
    Store,
    add_cells,
    cells,
    claim,
    exclude,
    fail,
    finish_training,
    heartbeat,
    rerun,
    set_study_state,
    status,
)
from sweep.store.queue.workers import end_worker
from sweep.store.records import ArmRecord
from sweep.store.studies import cells as plan
from sweep.store.studies import control as decisions
from tests.helpers.tiny_store import ARMS, file_of, new_cell, new_study, new_worker, study_with_runs

# For the other side to get as far as it can: to its end where nothing holds it, else to a lock.
MEANWHILE_SECONDS = 1.0


def meanwhile(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, act: Callable[[], object]) -> threading.Thread:
    """Let another thread act in the midst of a transaction, where it calls this function of a module."""
    inner, other = getattr(module, name), threading.Thread(target=act)

    def disturbed(*given: Any, **named: Any) -> Any:
        found = inner(*given, **named)
        if not other.ident:
            other.start()
            other.join(MEANWHILE_SECONDS)
        return found

    monkeypatch.setattr(module, name, disturbed)
    return other


@pytest.mark.parametrize("first", ["registration", "cancel"])
def test_a_cancel_and_a_registration_at_once_leave_the_shared_work_planned(
    store: Store, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    one, other = new_study(store, "one"), new_study(store, "other")
    shared = [new_cell(0, score_requests=2), new_cell(1)]
    add_cells(store, one.id, shared)
    register = lambda: add_cells(store, other.id, shared)
    cancel = lambda: set_study_state(store, one.id, "cancelled")
    if first == "registration":
        second = meanwhile(monkeypatch, plan, "add_runs", cancel)
        register()
    else:
        second = meanwhile(monkeypatch, decisions, "_cancel", register)
        cancel()
    second.join()
    found = cells(store, other.id)
    assert [cell.state for cell in found] == ["planned", "planned"]
    assert {score.state for cell in found for score in cell.scores} == {"planned"}


def test_a_resume_and_a_cancel_of_another_study_at_once_leave_the_shared_work_planned(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = new_study(store, "one"), new_study(store, "other")
    for study in (one, other):
        add_cells(store, study.id, [new_cell(0), new_cell(1)])
    set_study_state(store, other.id, "cancelled")
    resume = lambda: set_study_state(store, other.id, "active")
    second = meanwhile(monkeypatch, decisions, "_cancel", resume)
    set_study_state(store, one.id, "cancelled")
    second.join()
    assert [cell.state for cell in cells(store, other.id)] == ["planned", "planned"]


def test_a_resumed_study_plans_again_what_its_cancel_ended_also_trials_of_a_search(store: Store) -> None:
    arms = [*ARMS, ArmRecord("trial-0000", {}), ArmRecord("trial-0001", {})]
    study, worker = new_study(store, arms=arms), new_worker(store)
    trials = [new_cell(0, f"trial-000{n}", phase="search", trial=n, score_requests=2) for n in range(2)]
    add_cells(store, study.id, [*trials, new_cell(5)])
    begun = claim(store, study.id, worker)
    assert begun is not None
    left_out = next(cell for cell in cells(store, study.id) if cell.phase == "confirm")
    exclude(store, left_out.cell_id, "a wrong cable")
    set_study_state(store, study.id, "cancelled")
    assert claim(store, study.id, worker) is None

    set_study_state(store, study.id, "active")

    again = {cell.arm_name: cell for cell in cells(store, study.id)}
    assert {name: again[name].state for name in again} == {
        "baseline": "excluded",
        "trial-0000": "planned",
        "trial-0001": "planned",
    }
    assert {score.state for n in range(2) for score in again[f"trial-000{n}"].scores} == {"planned"}
    assert status(store, study.id).runs_left == 2
    taken = claim(store, study.id, worker)
    assert taken is not None
    assert (taken.run_id, taken.token) == (begun.run_id, begun.token + 1)


def test_a_pause_and_a_resume_revive_nothing_that_failed_or_diverged(store: Store) -> None:

    study, worker = study_with_runs(store, 2), new_worker(store)
    for failure, state in (("bug", "failed"), ("nan", "infeasible")):
        work = claim(store, study.id, worker)
        assert work is not None
        fail(store, work, failure, failure, final=True, state=state)
    set_study_state(store, study.id, "cancelled")
    set_study_state(store, study.id, "active")
    found = cells(store, study.id)
    assert [cell.state for cell in found] == ["failed", "infeasible"]
    assert {score.state for cell in found for score in cell.scores} == {"cancelled"}


@pytest.mark.parametrize("kind", ["train", "score"])
@pytest.mark.parametrize("how", ["excluded", "dropped", "replaced"])
def test_what_nobody_wants_any_more_is_held_by_nobody_though_its_worker_dies(store: Store, kind: str, how: str) -> None:
    study, worker = new_study(store), new_worker(store)
    add_cells(store, study.id, [new_cell(0, "cosine")])
    work = claim(store, study.id, worker)
    assert work is not None
    if kind == "score":
        finish_training(store, work, weights=file_of(work, "weights"), parameters=1, seconds=1.0)
        work = claim(store, study.id, worker)
        assert work is not None
    assert work.kind == kind
    if how == "excluded":
        exclude(store, cells(store, study.id)[0].cell_id, "a wrong cable")
    elif how == "dropped":
        new_study(store, arms=ARMS[:1], spec_sha256="b" * 64, accept_change=True)
    else:
        other = new_cell(7, "cosine")
        add_cells(store, study.id, [type(other)(**{f: getattr(other, f) for f in other.__slots__} | {"replicate": 0})])
    end_worker(store, worker, "died")
    again = claim(store, study.id, new_worker(store))
    assert again is None or again.run_id != work.run_id
    assert [r.run_id for r in status(store, study.id).running] == ([] if again is None else [again.run_id])
    states = store.read(lambda c: c.exec_driver_sql("SELECT state FROM run WHERE id = 1").scalars().all())
    assert states == ["planned" if kind == "train" else "trained"]
    with pytest.raises(LeaseLost):
        heartbeat(store, work)


def test_an_exclusion_leaves_the_lease_to_another_study_that_wants_the_run(store: Store) -> None:
    one, other = new_study(store, "one"), new_study(store, "other")
    for study in (one, other):
        add_cells(store, study.id, [new_cell(0)])
    work = claim(store, one.id, new_worker(store))
    assert work is not None
    exclude(store, cells(store, one.id)[0].cell_id, "a wrong cable")
    assert heartbeat(store, work) == "active"


def test_a_rerun_leaves_excluded_runs_alone(store: Store) -> None:

    study, worker = study_with_runs(store, 1), new_worker(store)
    work = claim(store, study.id, worker)
    assert work is not None
    fail(store, work, "bug", "bug", final=True)
    exclude(store, cells(store, study.id)[0].cell_id, "a wrong cable")
    assert rerun(store, study.id, ["bug"]) == 0
