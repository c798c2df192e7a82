"""How many claims, heartbeats and points a store can record in a second, from many processes at the same time."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.queues import Queue
from typing import Any
from uuid import uuid4

from sweep.bench.planned_study import planned_cells, planned_study
from sweep.errors import StoreError
from sweep.store import (
    add_cells,
    claim,
    heartbeat,
    open_store,
    progress,
    register_worker,
    release,
    set_study_state,
)
from sweep.store.records import ArmRecord, Claim, MetricPoint, WorkerRecord
from sweep.store.states import FailureClass, StudyState
from sweep.worker.process_start import safe_path

VERBS = ("claim and release", "heartbeat", "progress with 6 points")
POINTS = ("train_loss", "grad_norm", "clip_fraction", "lr", "images_per_second", "validation_loss")
START_SECONDS = 300.0


@dataclass(frozen=True)
class Rate:
    """The speed of one operation, over all processes together.

    Attributes:
        verb: Name of the operation.
        workers: Number of processes.
        per_second: Operations in a second.
        median_ms: Median duration in milliseconds.
        p95_ms: 95th percentile of the durations in milliseconds.
        longest_ms: Longest duration in milliseconds.
        errors: Operations that the store did not finish.
    """

    verb: str
    workers: int
    per_second: float
    median_ms: float
    p95_ms: float
    longest_ms: float
    errors: int


def measure_store(storage: str, workers: int, seconds: float) -> list[Rate]:
    """Measure each operation of the store in turn. All processes start an operation at the same time.

    Args:
        storage: URL of the store. A study is added and cancelled afterwards.
        workers: Number of processes.
        seconds: How long each operation is measured.
    """
    store = open_store(storage)
    baseline = ArmRecord("baseline", {}, is_baseline=True)
    question = "How many operations can this store do in a second?"
    study_id = planned_study(store, f"bench-{uuid4().hex[:12]}", question=question, arms=[baseline])
    add_cells(store, study_id, planned_cells([baseline], 2 * workers))
    context = multiprocessing.get_context("spawn")
    with safe_path():  # the barrier starts a process too, which tracks semaphores
        barrier = context.Barrier(workers)
        queue: Queue[tuple[str, list[float], int]] = context.Queue()
        team = [
            context.Process(target=_work, args=(storage, study_id, seconds, barrier, queue)) for _ in range(workers)
        ]
        for process in team:
            process.start()
    durations: dict[str, list[float]] = {verb: [] for verb in VERBS}
    errors = dict.fromkeys(VERBS, 0)
    try:
        for _ in range(workers * len(VERBS)):
            verb, of_one_process, failed = queue.get(timeout=START_SECONDS + seconds)
            durations[verb] += of_one_process
            errors[verb] += failed
    finally:
        for process in team:
            process.join(5.0)
            process.kill()
        set_study_state(store, study_id, StudyState.CANCELLED, reason="the measurement is over")
        store.close()
    return [rate(verb, workers, durations[verb], errors[verb], seconds) for verb in VERBS]


def rate(verb: str, workers: int, durations: list[float], errors: int, seconds: float) -> Rate:
    """The speed of an operation from its durations.

    Args:
        verb: Name of the operation.
        workers: Number of processes.
        durations: Duration of each operation in seconds.
        errors: Operations that the store did not finish.
        seconds: Time in which all of them ran.
    """
    ordered = sorted(durations) or [float("inf")]

    def at(share: float) -> float:
        return 1e3 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return Rate(verb, workers, len(durations) / seconds, at(0.5), at(0.95), at(1.0), errors)


def _work(storage: str, study_id: int, seconds: float, barrier: Any, queue: Queue[Any]) -> None:
    store = open_store(storage)
    worker = str(uuid4())
    register_worker(store, WorkerRecord(worker, "bench", "bench", os.getpid(), 0.0, "none", {}))
    claims: list[Claim] = []
    steps = iter(range(1, 10**9))

    def claim_and_release() -> None:
        claims[:] = [claimed for claimed in [claim(store, study_id, worker, ttl=600.0)] if claimed is not None]
        release(store, claims[0], FailureClass.PREEMPTED)

    def beat() -> None:
        heartbeat(store, claims[0], ttl=600.0)

    def points() -> None:
        step = next(steps)
        values = [MetricPoint(name, step, step, 0.5) for name in POINTS]
        progress(store, claims[0], step=step, images=step, points=values)

    operations: dict[str, Callable[[], None]] = dict(zip(VERBS, (claim_and_release, beat, points), strict=True))
    for verb, operation in operations.items():
        if verb == VERBS[1]:
            claims[:] = [claimed for claimed in [claim(store, study_id, worker, ttl=600.0)] if claimed is not None]
        operation()  # the first time a process compiles its statements
        barrier.wait(START_SECONDS)
        queue.put((verb, *_timed(operation, seconds)))


def _timed(operation: Callable[[], None], seconds: float) -> tuple[list[float], int]:
    durations: list[float] = []
    errors = 0
    end = time.perf_counter() + seconds
    while (started := time.perf_counter()) < end:
        try:
            operation()
        except StoreError:
            errors += 1
        else:
            durations.append(time.perf_counter() - started)
    return durations, errors
