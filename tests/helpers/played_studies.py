"""Playing a study through its store: real claims, leases and records, with scores from a formula instead of a net."""

from __future__ import annotations

from collections.abc import Callable

from sweep.config.keys import sha256_of
from sweep.config.run import EvalConfig, Protocol, TrainConfig
from sweep.config.study import Study
from sweep.planning.plan import study_plan
from sweep.planning.trial_records import TrialRecords
from sweep.planning.tuning import tuning_runs_of
from sweep.search.optuna_samplers import Shown
from sweep.search.promotion import Promotion
from sweep.search.scheduler import advance
from sweep.search.scheduling_result import SchedulingResult
from sweep.search.trial_cache import TrialCache
from sweep.store import Store, add_cells, claim, fail, finish_score, finish_training, register_study, register_worker
from sweep.store.queue.completion import pause_training
from sweep.store.records import ArmRecord, ArtifactRecord, Claim, Measurement, ScoreResult, StudyRecord, WorkerRecord
from sweep.store.states import FailureClass

PROTOCOL = Protocol(extractor="digits", extractor_sha256="e" * 64, reference_sha256="f" * 64, n=64)
Formula = Callable[[TrainConfig, EvalConfig], float | FailureClass | None]
"""The FID of a run's evaluation, or the class of the failure that ends it for good; None where sampling diverges. What
it says of the default evaluation, it says of the training."""


def launched(store: Store, study: Study, **changes: object) -> StudyRecord:
    """Registered with the cells of its launch, as `sweep launch` does it."""
    asked = study_plan(study)
    spec = study.model_dump(mode="json")
    record = register_study(
        store,
        study.name,
        question=study.question,
        spec=spec,
        spec_sha256=sha256_of(spec),
        arms=[ArmRecord(arm.name, arm.changes, is_baseline=arm.is_baseline) for arm in asked.arms],
        protocol=PROTOCOL,
        versions={},
        **changes,
    )
    add_cells(store, record.id, asked.cells)
    return record


def worker(store: Store, name: str = "worker") -> str:
    register_worker(store, WorkerRecord(name, "here", "boot", 1, 0.0, "cpu", {}))
    return name


def play(
    store: Store,
    study: Study,
    study_id: int,
    formula: Formula,
    *,
    owner: str,
    steps: int = 10_000,
    cache: TrialCache | None = None,
) -> int:
    """Work like a worker until nothing is left, or for so many pieces of work; returns how many were done."""
    for done in range(steps):
        while (claimed := claim(store, study_id, owner)) is None:
            if advance(store, study, study_id, owner=owner, cache=cache) is not SchedulingResult.ADDED:
                return done
        finish(store, claimed, formula)
    return steps


def finish(store: Store, claimed: Claim, formula: Formula) -> None:
    """End one piece of work as the formula says."""
    config = claimed.train_config
    if claimed.eval_config is not None:
        value = formula(config, claimed.eval_config)
        if value is None or isinstance(value, str):
            fail(store, claimed, value or "nan", "no score came of it", final=True)
            return
        measured = [Measurement("fid", 0, value), Measurement("fid", -1, value, 0.1)]
        finish_score(store, claimed, ScoreResult(measured, [], "c" * 64, 1.0, 1.0, 1.0))
    elif claimed.until_step is not None:
        path = f"runs/{claimed.run_id}.{claimed.token}.pt"
        weights = ArtifactRecord("rung", path, "b" * 64, 10, claimed.until_step)
        pause_training(store, claimed, weights=weights, seconds=1.0)
    elif isinstance(failure := formula(config, EvalConfig()), str):
        fail(store, claimed, failure, "the training ended early", final=True)
    elif failure is None:
        fail(store, claimed, "nan", "loss is NaN", final=True, state="infeasible")
    else:
        path = f"runs/{claimed.run_id}.{claimed.token}.pt"
        weights = ArtifactRecord("weights", path, "b" * 64, 10)
        finish_training(store, claimed, weights=weights, parameters=10, seconds=1.0)


def shown(store: Store, study: Study, study_id: int, cache: TrialCache | None = None) -> list[Shown]:
    """What Optuna's search sampler is shown of a study with one exploration, at the next asking of a worker."""
    cache = cache or TrialCache()
    (tuning_run,) = tuning_runs_of(study)
    found = cache.refresh(store, study, study_id)
    known = TrialRecords(found.cells, found.changes, study.metric)
    promotion = Promotion(store, study, study_id, found.protocol, known, tuning_run)
    return cache.history(study, tuning_run).now(known, promotion, tuning_run.numbered(found.refused))
