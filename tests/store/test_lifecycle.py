"""The contract of the verbs that workers use, on both databases."""

from __future__ import annotations

import math

import pytest

from sweep.errors import LeaseLost
from sweep.store import (
    MAX_CRASHES,
    Store,
    artifacts,
    cells,
    claim,
    curves,
    events,
    fail,
    finish_score,
    finish_training,
    forget_artifact,
    heartbeat,
    progress,
    release,
    set_micro_batches,
    status,
)
from sweep.store.records import Claim, Measurement, MetricPoint, ScoreResult
from tests.helpers.tiny_store import PROTOCOL, file_of, new_worker, score_result, study_with_runs, train_config


def claimed(store: Store, study_id: int, worker: str) -> Claim:
    work = claim(store, study_id, worker)
    assert work is not None
    return work


def trained(store: Store, study_id: int, worker: str) -> Claim:
    work = claimed(store, study_id, worker)
    finish_training(store, work, weights=file_of(work, "weights", 10), parameters=99, seconds=2.0)
    return work


def test_a_run_is_trained_and_then_scored(store: Store) -> None:
    study, worker = study_with_runs(store, 1), new_worker(store)

    training = claimed(store, study.id, worker)
    assert (training.kind, training.token, training.train_config) == ("train", 1, train_config())
    assert training.eval_config is None
    assert heartbeat(store, training) == "active"
    progress(store, training, step=5, images=40, points=[MetricPoint("loss", 5, 40, 0.5)])
    finish_training(store, training, weights=file_of(training, "weights", 10), parameters=99, seconds=2.0)

    scoring = claimed(store, study.id, worker)
    assert scoring.kind == "score"
    assert scoring.weights == file_of(training, "weights", 10)
    assert scoring.protocol == PROTOCOL
    finish_score(store, scoring, score_result(scoring))

    assert claim(store, study.id, worker) is None
    (cell,) = cells(store, study.id)
    assert (cell.state, cell.step, cell.steps, cell.seconds) == ("complete", 10, 10, 2.0)
    found = {(m.noise_set, m.value, m.standard_error) for m in cell.scores[0].measurements}
    assert found == {(0, 12.5, None), (-1, 12.5, 0.5)}
    assert curves(store, [cell.run_id]) == {cell.run_id: (MetricPoint("loss", 5, 40, 0.5),)}
    now = status(store, study.id)
    assert (now.runs_left, now.scores_left, now.running, now.failures) == (0, 0, (), ())
    assert now.arms[0].counts == {"complete": 1}


def test_scores_go_before_new_runs_and_a_machine_may_do_one_kind_only(store: Store) -> None:
    study, worker = study_with_runs(store, 2), new_worker(store)
    first = trained(store, study.id, worker)

    other = claim(store, study.id, new_worker(store), kinds=("train",))
    scoring = claimed(store, study.id, worker)

    assert other is not None
    assert (other.kind, other.run_id != first.run_id) == ("train", True)
    assert (scoring.kind, scoring.run_id) == ("score", first.run_id)
    assert claim(store, study.id, new_worker(store), kinds=("score",)) is None


def test_progress_is_taken_up_by_the_next_attempt(store: Store) -> None:
    study = study_with_runs(store, 1)
    first = claimed(store, study.id, new_worker(store))
    for step in (2, 4, 6):
        dropped = progress(store, first, step=step, images=8 * step, checkpoint=file_of(first, step=step))
    release(store, first, "preempted", seconds=3.0)

    second = claimed(store, study.id, new_worker(store))

    assert [checkpoint.step for checkpoint in second.checkpoints] == [6, 4]
    assert dropped == (file_of(first, step=2),)
    assert (second.step, second.images, second.token, second.crashes) == (6, 48, 2, 0)
    assert cells(store, study.id)[0].seconds == 3.0


def test_a_repeated_step_replaces_its_points(store: Store) -> None:
    study = study_with_runs(store, 1)
    work = claimed(store, study.id, new_worker(store))
    progress(store, work, step=2, images=16, points=[MetricPoint("loss", 1, 8, 3.0), MetricPoint("loss", 2, 16, 2.0)])
    progress(store, work, step=2, images=16, points=[MetricPoint("loss", 2, 16, 1.0), MetricPoint("lr", 2, 16, 0.1)])

    assert curves(store, [work.run_id], "loss")[work.run_id] == (
        MetricPoint("loss", 1, 8, 3.0),
        MetricPoint("loss", 2, 16, 1.0),
    )
    assert len(curves(store, [work.run_id])[work.run_id]) == 3


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_a_gap_and_an_event(store: Store, value: float) -> None:
    study = study_with_runs(store, 1)
    work = claimed(store, study.id, new_worker(store))

    progress(store, work, step=1, images=8, points=[MetricPoint("loss", 1, 8, value)])

    assert curves(store, [work.run_id])[work.run_id] == (MetricPoint("loss", 1, 8, None),)
    assert events(store, study.id)[0].detail == {"points": [["loss", 1, str(value)]]}


def test_a_score_that_is_not_finite_is_refused_whole(store: Store) -> None:
    study, worker = study_with_runs(store, 1), new_worker(store)
    trained(store, study.id, worker)
    work = claimed(store, study.id, worker)

    with pytest.raises(ValueError, match="fid is nan"):
        finish_score(store, work, ScoreResult([Measurement("fid", 0, math.nan)], [], "c" * 64, 1.0, 1.0, 1.0))

    assert heartbeat(store, work) == "active"


def test_released_work_waits_for_its_delay(store: Store) -> None:
    study, worker = study_with_runs(store, 1), new_worker(store)
    release(store, claimed(store, study.id, worker), "disk_full", delay=600)

    assert claim(store, study.id, worker) is None
    assert status(store, study.id).delayed == 1


def test_diverged_is_final_and_takes_its_scores_along(store: Store) -> None:
    study, worker = study_with_runs(store, 1, score_requests=3), new_worker(store)
    work = claimed(store, study.id, worker)

    state = fail(store, work, "nan", "loss is nan", final=True, state="infeasible", detail={"loss": [1.0, math.nan]})

    assert state == "infeasible"
    assert claim(store, study.id, worker) is None
    (cell,) = cells(store, study.id)
    assert (cell.state, cell.failure, cell.failure_reason) == ("infeasible", "nan", "loss is nan")
    assert {score.state for score in cell.scores} == {"cancelled"}
    now = status(store, study.id)
    assert (now.runs_left, now.scores_left, len(now.failures)) == (0, 0, 1)
    assert events(store, study.id)[0].detail == {"loss": [1.0, "nan"]}


def test_tries_are_counted_and_end(store: Store) -> None:
    study, worker = study_with_runs(store, 1), new_worker(store)

    states = [
        fail(store, claimed(store, study.id, worker), "infra", "no device", final=False) for _ in range(MAX_CRASHES + 1)
    ]

    assert states == ["planned"] * MAX_CRASHES + ["failed"]
    assert cells(store, study.id)[0].failure == "infra"


def test_a_further_checkpoint_clears_the_count(store: Store) -> None:
    study, worker = study_with_runs(store, 1), new_worker(store)

    for step in range(1, MAX_CRASHES + 4):
        work = claimed(store, study.id, worker)
        progress(store, work, step=step, images=step, checkpoint=file_of(work, step=step))
        assert fail(store, work, "infra", "node gone", final=False) == "planned"

    # The same checkpoint again is no progress.
    for _ in range(MAX_CRASHES):
        work = claimed(store, study.id, worker)
        progress(store, work, step=step, images=step, checkpoint=file_of(work, step=step))
        state = fail(store, work, "infra", "node gone", final=False)
    assert state == "failed"


def test_more_micro_batches_clear_the_count_and_never_shrink(store: Store) -> None:
    study, worker = study_with_runs(store, 1), new_worker(store)
    fail(store, claimed(store, study.id, worker), "oom", "out of memory", final=False)
    work = claimed(store, study.id, worker)
    assert (work.crashes, work.micro_batches) == (1, 1)

    set_micro_batches(store, work, 4)
    set_micro_batches(store, work, 2)

    again = claimed(store, study.id, worker)
    assert (again.token, again.crashes, again.micro_batches) == (work.token, 0, 4)


def test_a_damaged_checkpoint_is_forgotten(store: Store) -> None:
    study, worker = study_with_runs(store, 1), new_worker(store)
    work = claimed(store, study.id, worker)
    for step in (2, 4):
        progress(store, work, step=step, images=step, checkpoint=file_of(work, step=step))

    forget_artifact(store, work, file_of(work, step=4).path, "hash differs")

    assert claimed(store, study.id, worker).checkpoints == (file_of(work, step=2),)
    assert artifacts(store) == (file_of(work, step=2),)
    assert "hash differs" in events(store, study.id)[0].message


def test_text_of_errors_is_stored_without_passwords_or_nul(store: Store) -> None:
    study, worker = study_with_runs(store, 1), new_worker(store)
    text = "boom \x00 \ud800 postgresql://me:hunter2@db/x password=hunter2 " + "x" * 20_000

    fail(store, claimed(store, study.id, worker), "bug", "y " + text[:100], final=True, detail={"traceback": text})

    kept = cells(store, study.id)[0].failure_reason
    assert kept is not None
    assert "hunter2" not in kept + str(events(store, study.id))
    assert "postgresql://me:***@db/x" in kept
    assert len(events(store, study.id)[0].detail["traceback"]) < 9000


@pytest.mark.parametrize("verb", ["heartbeat", "progress", "finish", "release", "fail", "micro", "forget"])
def test_nothing_is_written_after_the_lease_was_lost(store: Store, verb: str) -> None:
    study = study_with_runs(store, 1)
    zombie = claimed(store, study.id, new_worker(store))
    release(store, zombie, "preempted")
    heir = claimed(store, study.id, new_worker(store))
    before = (cells(store, study.id), artifacts(store), curves(store, [heir.run_id]), events(store, study.id))
    verbs = {
        "heartbeat": lambda: heartbeat(store, zombie),
        "progress": lambda: progress(
            store, zombie, step=9, images=72, points=[MetricPoint("loss", 9, 72, 0.1)], checkpoint=file_of(zombie)
        ),
        "finish": lambda: finish_training(store, zombie, weights=file_of(zombie, "weights"), parameters=1, seconds=1.0),
        "release": lambda: release(store, zombie, "disk_full"),
        "fail": lambda: fail(store, zombie, "bug", "late", final=True),
        "micro": lambda: set_micro_batches(store, zombie, 8),
        "forget": lambda: forget_artifact(store, zombie, "x", "y"),
    }

    with pytest.raises(LeaseLost):
        verbs[verb]()

    assert before == (cells(store, study.id), artifacts(store), curves(store, [heir.run_id]), events(store, study.id))
    assert heartbeat(store, heir) == "active"
