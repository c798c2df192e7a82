"""What large studies cost: the next trial of a long search, and the status of thousands of runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from uuid import uuid4

from sweep.config.keys import sha256_of
from sweep.config.run import EvalConfig, Protocol, TrainConfig
from sweep.design.tuning import Advance
from sweep.executors.bench import Rate, rate
from sweep.search.finished_search import finished_search
from sweep.search.scheduler import advance
from sweep.search.trial_cache import TrialCache
from sweep.store import (
    add_cells,
    claim,
    finish_score,
    finish_training,
    open_store,
    register_study,
    register_worker,
    set_study_state,
    status,
)
from sweep.store.filled import add_curves, finish_all
from sweep.store.records import (
    ArmRecord,
    ArtifactRecord,
    Measurement,
    NewCell,
    ScheduleFacts,
    ScoreRequest,
    ScoreResult,
    WorkerRecord,
)
from sweep.store.sql.transaction import Store
from sweep.worker.process_start import SAFE_PATH_FLAG

ASKS = 40
LOOKS = 5
ARMS = 20
CURVES = ("train_loss", "grad_norm", "clip_fraction", "lr", "images_per_second")


def measure_asks(storage: str, trials: int, asks: int = ASKS) -> list[Rate]:
    """The next trial of a search that has so many: record a training and its score, tell, ask, plan.

    The first asking of a process reads everything, and is a line of its own.
    """
    store = open_store(storage)
    study, study_id = finished_search(store, f"bench-{uuid4().hex[:12]}", trials=trials, more=asks + 1)
    worker, cache = _worker(store), TrialCache()

    def next_trial() -> None:
        claimed = claim(store, study_id, worker)
        while claimed is not None:
            if claimed.kind == "train":
                weights = ArtifactRecord("weights", f"bench/{uuid4().hex}", "0" * 64, 1, claimed.train_config.steps)
                finish_training(store, claimed, weights=weights, parameters=1, seconds=1.0)
            else:
                value = 20.0 + claimed.run_id % 97 / 97
                measured = [Measurement(study.metric, 0, value), Measurement(study.metric, -1, value, 0.1)]
                finish_score(store, claimed, ScoreResult(measured, [], "0" * 64, 1.0, 1.0, 1.0))
            claimed = claim(store, study_id, worker)
        assert advance(store, study, study_id, owner=worker, cache=cache) is Advance.ADDED

    try:
        first = [_seconds(next_trial)]
        spent = [_seconds(next_trial) for _ in range(asks)]
    finally:
        set_study_state(store, study_id, "cancelled", reason="the measurement is over")
        store.close()
    what = f"trial after {trials} finished ones"
    return [rate(f"first {what}, in a new process", 1, first, 0, sum(first)), rate(what, 1, spent, 0, sum(spent))]


def measure_status(storage: str, runs: int, points: int, looks: int = LOOKS) -> list[Rate]:
    """`status` of a study of so many runs and curve points: the query, and the command as a person types it."""
    store = open_store(storage)
    name = f"bench-{uuid4().hex[:12]}"
    study_id = _large(store, name, runs)
    add_curves(store, study_id, CURVES, max(1, points // runs // len(CURVES)))
    command = [sys.executable, SAFE_PATH_FLAG, "-m", "sweep", "status", name]
    environment = os.environ | {"SWEEP_STORAGE": storage}

    def type_it() -> None:
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)

    try:
        looked = [_seconds(lambda: status(store, study_id)) for _ in range(looks)]
        type_it()  # the first time, Python compiles what it imports
        typed = [_seconds(type_it) for _ in range(looks)]
    finally:
        set_study_state(store, study_id, "cancelled", reason="the measurement is over")
        store.close()
    what = f"status of {runs:,} runs, {points:,} points"
    return [rate(what, 1, looked, 0, sum(looked)), rate(f"sweep {what}", 1, typed, 0, sum(typed))]


def _large(store: Store, name: str, runs: int) -> int:
    """Half of the runs are done, the others are still to come."""
    first = int(uuid4().hex[:12], 16)
    arms = [ArmRecord("baseline", {}, is_baseline=True)]
    arms += [ArmRecord(f"arm-{index}", {"lr": 1e-4 * index}) for index in range(1, ARMS)]
    protocol = Protocol(extractor="none", extractor_sha256="0" * 64, reference_sha256="0" * 64, n=2)
    record = register_study(
        store, name, question="How long does a look take?", spec={"name": name}, spec_sha256=sha256_of(name),
        arms=arms, protocol=protocol, versions={},
    )  # fmt: skip
    config = TrainConfig.model_validate({"net": {"kind": "mlp"}, "images": 10_000_000})
    cells = [
        NewCell(
            arm_name=arms[index % ARMS].name, phase="confirm", replicate=index // ARMS,
            train_config=config.model_copy(update={"seed": first + index}), facts=ScheduleFacts(0.0, 0.0, 0.0, 0.0),
            score_requests=[ScoreRequest({}, EvalConfig(), True)],
        )
        for index in range(runs)
    ]  # fmt: skip
    add_cells(store, record.id, cells[: runs // 2])
    finish_all(store, record.id, "fid")
    add_cells(store, record.id, cells[runs // 2 :])
    return record.id


def _worker(store: Store) -> str:
    worker = str(uuid4())
    register_worker(store, WorkerRecord(worker, "bench", "bench", os.getpid(), 0.0, "none", {}))
    return worker


def _seconds(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started
