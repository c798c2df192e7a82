"""What is known of a device that several workers share."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from sweep.store import Store, claim, end_worker, finish_score, finish_training, progress, register_worker
from sweep.store.queue.device_load import Speed, device_use
from sweep.store.records import Claim, MetricPoint, WorkerRecord
from sweep.store.sql.schema import ATTEMPT
from tests.helpers.tiny_store import file_of, score_result, study_with_runs


def worker_on(store: Store, device: str, name: str, *, host: str = "here", gpu: str | None = None) -> str:
    """The id of a registered worker."""
    register_worker(store, WorkerRecord(name, host, "boot", 1, 0.0, device, {"gpu": gpu}))
    return name


def taken(store: Store, study_id: int, worker: str) -> Claim:
    found = claim(store, study_id, worker)
    assert found is not None
    return found


def tell(store: Store, held: Claim, step: int, speed: float, peak_bytes: int | None = None) -> None:
    points = [MetricPoint("images_per_second", step, 8 * step, speed), MetricPoint("lr", step, 8 * step, 0.1)]
    progress(store, held, step=step, images=8 * step, points=points, peak_bytes=peak_bytes)


def trained(store: Store, held: Claim) -> None:
    finish_training(store, held, weights=file_of(held, "weights"), parameters=1, seconds=1.0)


def use(
    store: Store, study_id: int, device: str = "cpu", gpu: str | None = None
) -> tuple[bool, int | None, list[Speed]]:
    found = device_use(store, study_id, device=device, host="here", gpu=gpu)
    return found.has_trained_and_scored, found.peak_bytes, list(found.speeds)


def test_speeds_are_told_with_the_workers_that_were_at_work_beside(store: Store) -> None:
    study = study_with_runs(store, 4)
    one, two = worker_on(store, "cpu", "one"), worker_on(store, "cpu", "two")
    worker_on(store, "cpu", "idle")
    first = taken(store, study.id, one)
    tell(store, first, 1, 100.0, peak_bytes=7)
    second = taken(store, study.id, two)
    # Elsewhere: another device, another machine.
    taken(store, study.id, worker_on(store, "cuda:0", "three", gpu="A"))
    taken(store, study.id, worker_on(store, "cpu", "four", host="there"))
    tell(store, second, 1, 60.0)
    tell(store, first, 2, 50.0, peak_bytes=9)
    trained(store, second)
    tell(store, first, 3, 99.0)

    has_trained_and_scored, peak, speeds = use(store, study.id)

    assert (has_trained_and_scored, peak) == (False, 9)
    assert [(speed.workers, speed.images_per_second) for speed in speeds] == [
        (2, 60.0),
        (1, 99.0),
        (2, 50.0),
        (1, 100.0),
    ]
    assert len({speed.kind for speed in speeds}) == 1


def test_an_attempt_is_marked_with_the_workers_that_it_shared_its_device_with(store: Store) -> None:
    study = study_with_runs(store, 3)
    one, two = worker_on(store, "cpu", "one"), worker_on(store, "cpu", "two")
    alone = taken(store, study.id, one)
    trained(store, alone)
    score = taken(store, study.id, one)
    beside = taken(store, study.id, two)
    finish_score(store, score, replace(score_result(score), peak_bytes=11))
    trained(store, beside)
    finish_score(store, (last := taken(store, study.id, two)), score_result(last))

    query = select(ATTEMPT.c.device_workers, ATTEMPT.c.peak_bytes).order_by(ATTEMPT.c.id)
    told = store.read(lambda connection: [tuple(row) for row in connection.execute(query)])

    assert told == [(1, None), (2, 11), (2, None), (1, None)]
    assert use(store, study.id)[:2] == (True, 11)


def test_gpus_of_one_model_are_alike_wherever_they_are_and_the_dead_work_no_more(store: Store) -> None:
    study = study_with_runs(store, 3)
    one = worker_on(store, "cuda:1", "one", host="there", gpu="A")
    killed = worker_on(store, "cuda:1", "killed", host="there", gpu="A")
    taken(store, study.id, killed)
    held = taken(store, study.id, one)
    tell(store, held, 1, 50.0, peak_bytes=5)
    end_worker(store, killed, "died")
    tell(store, held, 2, 100.0)

    assert use(store, study.id, "cuda", gpu="B") == (False, None, [])
    _, peak, speeds = use(store, study.id, "cuda", gpu="A")
    assert peak == 5
    assert [(speed.workers, speed.images_per_second) for speed in speeds] == [(1, 100.0), (2, 50.0)]
