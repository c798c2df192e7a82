"""A trained run whose weights are damaged or gone goes back to be trained; its scores are made then."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sweep.config.run import EvalConfig
from sweep.store import (
    Store,
    add_cells,
    cells,
    claim,
    events,
    fail,
    finish_score,
    finish_training,
    progress,
    rerun,
    set_study_state,
)
from sweep.store.queue.completion import pause_training
from sweep.store.records import Claim
from sweep.store.studies.retraining import MAX_RETRAININGS, retrain
from sweep.store.studies.rungs import add_rung_score, promote
from tests.helpers.tiny_store import PROTOCOL, file_of, new_cell, new_study, new_worker, score_result, study_with_runs
from tests.store.queue.test_lost_replies import lost_replies


def train(store: Store, study_id: int, worker: str) -> Claim:
    """Train the next run to its end, with a checkpoint after 5 of 10 steps."""
    work = claim(store, study_id, worker)
    assert work is not None
    assert work.kind == "train"
    progress(store, work, step=5, images=40, checkpoint=file_of(work, "checkpoint", 5))
    finish_training(store, work, weights=file_of(work, "weights"), parameters=1, seconds=1.0)
    return work


def scoring(store: Store, study_id: int, worker: str) -> Claim:
    work = claim(store, study_id, worker)
    assert work is not None
    assert work.kind == "score"
    return work


def test_the_run_is_trained_again_from_its_checkpoint_and_its_scores_are_made(store: Store) -> None:
    study, worker, other = study_with_runs(store, 1, score_requests=3), new_worker(store), new_worker(store)
    first = train(store, study.id, worker)
    finish_score(store, (done := scoring(store, study.id, worker)), score_result(done))
    gave_up = scoring(store, study.id, worker)
    fail(store, gave_up, "weights", "torn", final=True)
    held = scoring(store, study.id, worker)

    with lost_replies(store):
        assert retrain(store, held, "its bytes do not have the recorded hash")

    (cell,) = cells(store, study.id)
    assert (cell.state, cell.step, cell.images, cell.failure) == ("planned", 5, 40, None)
    assert [score.state for score in cell.scores] == ["complete", "planned", "planned"]
    (told,) = [event.message for event in events(store, study.id) if event.kind == "retrained"]
    assert "from step 5" in told
    again = claim(store, study.id, other)
    assert again is not None
    assert (again.kind, again.token, again.crashes) == ("train", first.token + 1, 0)
    assert [file.step for file in again.checkpoints] == [5]
    finish_training(store, again, weights=file_of(again, "weights"), parameters=1, seconds=1.0)
    for _ in range(2):
        next_score = scoring(store, study.id, other)
        assert next_score.weights == file_of(again, "weights")
        finish_score(store, next_score, score_result(next_score))
    assert cells(store, study.id)[0].state == "complete"


def test_two_who_find_it_at_once_send_it_back_once(store: Store) -> None:
    study, one, two = study_with_runs(store, 1, score_requests=2), new_worker(store), new_worker(store)
    train(store, study.id, one)
    first, second = scoring(store, study.id, one), scoring(store, study.id, two)
    assert retrain(store, first, "gone")
    assert retrain(store, second, "gone")
    assert [event.kind for event in events(store, study.id)].count("retrained") == 1
    assert [score.state for score in cells(store, study.id)[0].scores] == ["planned", "planned"]


def test_a_folder_that_keeps_no_file_intact_trains_a_run_a_few_times_only(store: Store) -> None:
    study, worker = study_with_runs(store, 1), new_worker(store)
    for _ in range(MAX_RETRAININGS):
        train(store, study.id, worker)
        assert retrain(store, scoring(store, study.id, worker), "gone")
    train(store, study.id, worker)
    last = scoring(store, study.id, worker)
    assert not retrain(store, last, "gone")
    fail(store, last, "weights", "gone", final=True)
    assert cells(store, study.id)[0].state == "failed"


def test_a_rerun_plans_no_score_of_a_rung_that_its_run_has_left(store: Store) -> None:
    """A claim of it would have no weights."""
    study, worker = new_study(store), new_worker(store)
    add_cells(store, study.id, [replace(new_cell(0), until_step=4)])
    work = claim(store, study.id, worker)
    assert work is not None
    pause_training(store, work, weights=file_of(work, "rung", 4), seconds=1.0)
    (cell,) = cells(store, study.id)
    add_rung_score(store, cell, EvalConfig(sampling_steps=5), PROTOCOL, step=4)
    fail(store, scoring(store, study.id, worker), "infra", "gone", final=True)
    assert rerun(store, study.id, ["infra"]) == 1, "its run still waits there"
    fail(store, scoring(store, study.id, worker), "infra", "gone", final=True)
    promote(store, cell, step=4, until=None)
    assert rerun(store, study.id, ["infra"]) == 0
    set_study_state(store, study.id, "cancelled")
    set_study_state(store, study.id, "active")
    rerun(store, study.id, ["infra", "cancelled"])
    again = claim(store, study.id, worker)
    assert again is not None
    assert (again.kind, again.run_id) == ("train", work.run_id)


@pytest.mark.parametrize("passed", [False, True])
def test_a_run_that_waits_at_a_rung_makes_the_weights_of_that_rung_again(store: Store, passed: bool) -> None:
    study, worker = new_study(store), new_worker(store)
    add_cells(store, study.id, [replace(new_cell(0), until_step=4)])
    work = claim(store, study.id, worker)
    assert work is not None
    pause_training(store, work, weights=file_of(work, "rung", 4), seconds=1.0)
    add_rung_score(store, cells(store, study.id)[0], EvalConfig(sampling_steps=5), PROTOCOL, step=4)
    held = scoring(store, study.id, worker)
    if passed:  # another study wants the run whole
        add_cells(store, new_study(store, "other").id, [new_cell(0)])
        assert not retrain(store, held, "gone"), "the weights of that step cannot be made again"
        return
    assert retrain(store, held, "gone")
    again = claim(store, study.id, worker)
    assert again is not None
    assert (again.kind, again.until_step) == ("train", 4)
    pause_training(store, again, weights=file_of(again, "rung", 4), seconds=1.0)
    assert scoring(store, study.id, worker).weights == file_of(again, "rung", 4)
