"""What large studies cost: the next trial of a long search, and the status of thousands of runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from uuid import uuid4

from sweep.bench.filled_study import add_curves, finish_all
from sweep.bench.finished_search import finished_search
from sweep.bench.planned_study import planned_cells, planned_study
from sweep.bench.store_operations import Rate, rate
from sweep.search.scheduler import advance
from sweep.search.scheduling_result import SchedulingResult
from sweep.search.trial_cache import TrialCache
from sweep.store import (
    add_cells,
    claim,
    finish_score,
    finish_training,
    open_store,
    register_worker,
    set_study_state,
    status,
)
from sweep.store.records import (
    ArmRecord,
    ArtifactRecord,
    Measurement,
    ScoreResult,
    WorkerRecord,
)
from sweep.store.sql.transaction import Store
from sweep.store.states import StudyState, WorkKind
from sweep.worker.process_start import SAFE_PATH_FLAG

TRIALS = 40
REPEATS = 5
ARMS = 20
CURVES = ("train_loss", "grad_norm", "clip_fraction", "lr", "images_per_second")


def measure_suggestions(storage: str, trials: int, repeats: int = TRIALS) -> list[Rate]:
    """Measure the next trial of a search: record a training and its score, tell Optuna, ask it, plan a trial.

    The first suggestion of a process reads all trials, and has a line of its own.

    Args:
        storage: URL of the store. A study is added and cancelled afterwards.
        trials: Finished trials of the search before the measurement.
        repeats: Number of trials to measure.
    """
    store = open_store(storage)
    study, study_id = finished_search(store, f"bench-{uuid4().hex[:12]}", trials=trials, more=repeats + 1)
    worker, cache = _worker(store), TrialCache()

    def next_trial() -> None:
        claimed = claim(store, study_id, worker)
        while claimed is not None:
            if claimed.kind == WorkKind.TRAIN:
                weights = ArtifactRecord("weights", f"bench/{uuid4().hex}", "0" * 64, 1, claimed.train_config.steps)
                finish_training(store, claimed, weights=weights, parameters=1, seconds=1.0)
            else:
                value = 20.0 + claimed.run_id % 97 / 97
                measured = [Measurement(study.metric, 0, value), Measurement(study.metric, -1, value, 0.1)]
                finish_score(store, claimed, ScoreResult(measured, [], "0" * 64, 1.0, 1.0, 1.0))
            claimed = claim(store, study_id, worker)
        assert advance(store, study, study_id, owner=worker, cache=cache) is SchedulingResult.ADDED

    try:
        first = [_seconds(next_trial)]
        durations = [_seconds(next_trial) for _ in range(repeats)]
    finally:
        set_study_state(store, study_id, StudyState.CANCELLED, reason="the measurement is over")
        store.close()
    what = f"trial after {trials} finished ones"
    return [
        rate(f"first {what}, in a new process", 1, first, 0, sum(first)),
        rate(what, 1, durations, 0, sum(durations)),
    ]


def measure_status(storage: str, runs: int, points: int, repeats: int = REPEATS) -> list[Rate]:
    """Measure the status of a large study: the query alone, and the command `sweep status`.

    Args:
        storage: URL of the store. A study is added and cancelled afterwards.
        runs: Number of runs of the study; half of them are complete.
        points: Points of all curves together.
        repeats: Number of measurements.
    """
    store = open_store(storage)
    name = f"bench-{uuid4().hex[:12]}"
    study_id = _large(store, name, runs)
    add_curves(store, study_id, CURVES, max(1, points // runs // len(CURVES)))
    command = [sys.executable, SAFE_PATH_FLAG, "-m", "sweep", "status", name]
    environment = os.environ | {"SWEEP_STORAGE": storage}

    def run_command() -> None:
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)

    try:
        queries = [_seconds(lambda: status(store, study_id)) for _ in range(repeats)]
        run_command()  # the first time, Python compiles what it imports
        commands = [_seconds(run_command) for _ in range(repeats)]
    finally:
        set_study_state(store, study_id, StudyState.CANCELLED, reason="the measurement is over")
        store.close()
    what = f"status of {runs:,} runs, {points:,} points"
    return [rate(what, 1, queries, 0, sum(queries)), rate(f"sweep {what}", 1, commands, 0, sum(commands))]


def _large(store: Store, name: str, runs: int) -> int:
    """A study of which half of the runs are complete and the others planned."""
    arms = [ArmRecord("baseline", {}, is_baseline=True)]
    arms += [ArmRecord(f"arm-{index}", {"lr": 1e-4 * index}) for index in range(1, ARMS)]
    study_id = planned_study(store, name, question="How long does a status query take?", arms=arms)
    cells = planned_cells(arms, runs)
    add_cells(store, study_id, cells[: runs // 2])
    finish_all(store, study_id, "fid")
    add_cells(store, study_id, cells[runs // 2 :])
    return study_id


def _worker(store: Store) -> str:
    worker = str(uuid4())
    register_worker(store, WorkerRecord(worker, "bench", "bench", os.getpid(), 0.0, "none", {}))
    return worker


def _seconds(operation: Callable[[], object]) -> float:
    started = time.perf_counter()
    operation()
    return time.perf_counter() - started
