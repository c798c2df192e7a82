"""What a worker remembers is what it would read: step by step, through decisions of people and of other workers."""

from __future__ import annotations

from math import log10

import pytest

from sweep.config.protocol_request import LadderStep
from sweep.config.run import EvalConfig, TrainConfig
from sweep.config.study import Study
from sweep.planning.cells import cells_of
from sweep.planning.tuning import tuning_runs_of
from sweep.search.scheduler import advance
from sweep.search.scheduling_result import SchedulingResult
from sweep.search.trial_cache import TrialCache
from sweep.store import Store, add_arms, add_cells, cells, claim, exclude, fail, open_store, rerun, set_study_state
from sweep.store.queries.trials import StudySnapshot, study_snapshot
from sweep.store.records import ArmRecord
from sweep.store.studies.retraining import retrain
from sweep.store.studies.studies import study as find
from tests.helpers.played_studies import finish, launched, play, shown, worker

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")

STUDY = Study.model_validate(
    {
        "name": "s",
        "question": "?",
        "seeds": 2,
        "baseline": {"data": "digits", "net": "mlp_small", "T": 100},
        "factors": {
            "lr": {"role": "nuisance", "range": [1e-5, 1e-2], "log": True},
            "ema_decay": {"role": "evaluation", "levels": [0.9]},
        },
        "design": {"kind": "search", "trials": 8, "confirm": 1},
    }
)


def formula(train: TrainConfig, evaluation: EvalConfig) -> float | None:
    # The largest rates diverge.
    return None if train.lr > 5e-3 else 20.0 + abs(log10(train.lr / 1e-3))


def agrees_with_a_new_one(store: Store, study_id: int, cache: TrialCache) -> None:
    """What a worker shows Optuna that remembers, and one that was just started."""
    kept, anew = shown(store, STUDY, study_id, cache), shown(store, STUDY, study_id)
    told = lambda trials: [(t.ours, t.state, t.value, t.params) for t in trials]
    assert told(kept) == told(anew)


def agrees(store: Store, study_id: int, before: StudySnapshot | None) -> StudySnapshot:
    """The incremental view, held against a whole one."""
    found = study_snapshot(store, study_id, before)
    whole = cells(store, study_id)
    by_id = lambda records: sorted(records, key=lambda cell: cell.cell_id)
    assert by_id(found.cells) == by_id(whole)
    assert dict(found.changes) == {arm.name: dict(arm.changes) for arm in find(store, STUDY.name).arms}
    return found


def test_an_incremental_view_is_the_whole_one_after_every_step(store: Store) -> None:
    record, owner, cache = launched(store, STUDY), worker(store), TrialCache()
    seen: StudySnapshot | None = None
    failed = False
    for step in range(200):
        claimed = claim(store, record.id, owner)
        if claimed is None:
            advanced = advance(store, STUDY, record.id, owner=owner, cache=cache)
            if advanced is not SchedulingResult.ADDED:
                break
        if claimed is not None and step >= 6 and claimed.kind == "train" and not failed:
            failed = True
            fail(store, claimed, "infra", "a bad machine", final=True)
        elif claimed is not None:
            finish(store, claimed, formula)
        seen = agrees(store, record.id, seen)
        agrees_with_a_new_one(store, record.id, cache)
        if step == 12:
            exclude(store, seen.settled[0].cell_id, "looked wrong")
            seen = agrees(store, record.id, seen)
            agrees_with_a_new_one(store, record.id, cache)
        if step == 16:
            rerun(store, record.id, ["infra"])
            seen = agrees(store, record.id, seen)
            agrees_with_a_new_one(store, record.id, cache)
    seen = agrees(store, record.id, seen)
    assert failed
    # One of the eight was excluded, and another took its place.
    assert len([cell for cell in seen.settled if cell.phase == "search"]) == 9
    assert {cell.phase for cell in seen.settled} == {"search", "confirm"}
    assert seen.open == ()


def excluded(store: Store, study_id: int, _owner: str) -> None:
    exclude(store, cells(store, study_id)[0].cell_id, "looked wrong")


def run_again(store: Store, study_id: int, _owner: str) -> None:
    assert rerun(store, study_id, ["bug"]) == 1


def cancelled_and_resumed(store: Store, study_id: int, _owner: str) -> None:
    set_study_state(store, study_id, "cancelled")
    set_study_state(store, study_id, "active")


def wanted_by_another_study(store: Store, study_id: int, _owner: str) -> None:
    """What was cancelled is planned again because another study asks for it."""
    again = STUDY.model_copy(update={"name": "again"})
    other = launched(store, again)
    (tuning_run,) = tuning_runs_of(again)
    changes = next(arm.changes for arm in find(store, STUDY.name).arms if arm.name == "trial-0002")
    arm = tuning_run.trial(2, dict(changes))
    add_arms(store, other.id, [ArmRecord(arm.name, arm.changes)])
    add_cells(store, other.id, cells_of(again, arm, phase="search", trial_number=2))


def trained_again(store: Store, study_id: int, owner: str) -> None:
    """Another study scores a shared run otherwise, and finds its weights damaged."""
    again = Study.model_validate(STUDY.model_dump() | {"name": "again", "first_seed": 0})
    again = again.model_copy(update={"baseline": again.baseline.model_copy(update={"sampling_steps": 7})})
    other = launched(store, again)
    (tuning_run,) = tuning_runs_of(again)
    arm = tuning_run.trial(0, {})
    add_arms(store, other.id, [ArmRecord(arm.name, arm.changes)])
    add_cells(store, other.id, cells_of(again, arm, phase="search", trial_number=0))
    held = claim(store, other.id, owner)
    assert held is not None
    assert held.kind == "score"
    assert retrain(store, held, "its bytes do not have the recorded hash")


@pytest.mark.parametrize("change", [excluded, run_again, cancelled_and_resumed, wanted_by_another_study, trained_again])
def test_a_settled_trial_that_changes_is_seen_whoever_changed_it(store: Store, change) -> None:
    """One trial is complete, one has failed, one is planned; then somebody decides something."""
    record, owner, cache = launched(store, STUDY), worker(store), TrialCache()
    play(store, STUDY, record.id, formula, owner=owner, steps=3, cache=cache)
    advance(store, STUDY, record.id, owner=owner, cache=cache)
    failing = claim(store, record.id, owner)
    assert failing is not None
    fail(store, failing, "bug", "a bug", final=True)
    advance(store, STUDY, record.id, owner=owner, cache=cache)
    seen = agrees(store, record.id, None)
    assert [cell.state for cell in seen.settled] == ["complete", "failed"]
    if change in (cancelled_and_resumed, wanted_by_another_study):
        set_study_state(store, record.id, "cancelled")
        seen = agrees(store, record.id, seen)
        assert len(seen.settled) == 3
    change(store, record.id, owner)
    after = agrees(store, record.id, seen)
    assert after.settled != seen.settled


def test_two_workers_with_memories_draw_what_one_without_draws(store: Store, tmp_path) -> None:
    record, owners = launched(store, STUDY), [worker(store, "a"), worker(store, "b")]
    memories = {owner: TrialCache() for owner in owners}
    turn, idle = 0, 0
    while idle < 2:
        owner = owners[turn % 2]
        turn += 1
        claimed = claim(store, record.id, owner)
        if claimed is not None:
            finish(store, claimed, formula)
        elif advance(store, STUDY, record.id, owner=owner, cache=memories[owner]) is not SchedulingResult.ADDED:
            idle += 1
            continue
        idle = 0

    alone = open_store(f"sqlite:///{tmp_path}/alone.db", patience_seconds=20)
    again, owner = launched(alone, STUDY), worker(alone)
    while True:
        claimed = claim(alone, again.id, owner)
        if claimed is not None:
            finish(alone, claimed, formula)
        elif advance(alone, STUDY, again.id, owner=owner) is not SchedulingResult.ADDED:
            break
    arms = lambda of: [(arm.name, dict(arm.changes)) for arm in find(of, STUDY.name).arms]
    assert arms(store) == arms(alone)
    alone.close()


def test_a_ladder_that_is_new_to_a_worker_opens_what_it_took_for_settled(store: Store) -> None:
    """The store had the new revision when the worker still went by the old file; its cells are the same."""
    record, owner, cache = launched(store, STUDY), worker(store), TrialCache()
    play(store, STUDY, record.id, formula, owner=owner, steps=4)
    laddered = STUDY.model_copy(update={"protocol": STUDY.protocol.model_copy(update={"ladder": (LadderStep(n=16),)})})
    assert any(cell.run_state == "trained" for cell in cache.refresh(store, STUDY, record.id).settled)
    assert not any(cell.run_state == "trained" for cell in cache.refresh(store, laddered, record.id).settled)
