"""The smallest studies that the store accepts."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from sweep.config.run import EvalConfig, Protocol, TrainConfig
from sweep.diffusion.facts import ScheduleFacts
from sweep.store import Store, add_cells, register_study, register_worker
from sweep.store.records import (
    ArmRecord,
    ArtifactRecord,
    Claim,
    Measurement,
    NewCell,
    ScoreRequest,
    ScoreResult,
    StudyRecord,
    WorkerRecord,
)

PROTOCOL = Protocol(extractor="digits", extractor_sha256="e" * 64, reference_sha256="f" * 64, n=64)
FACTS = ScheduleFacts(alphas_bar_T=4.0e-5, snr_1=9999.0, snr_T=4.0e-5, prior_bits_per_dim=1e-5)
ARMS = (ArmRecord("baseline", {}, is_baseline=True), ArmRecord("cosine", {"schedule": "cosine"}))


def train_config(seed: int = 0, schedule: str = "linear_scaled") -> TrainConfig:
    """10 steps of 8 images."""
    return TrainConfig.model_validate(
        {"net": {"kind": "mlp"}, "schedule": schedule, "batch": 8, "images": 80, "seed": seed, "ema_decays": [0.99]}
    )


def new_cell(
    replicate: int, arm: str = "baseline", *, score_requests: int = 1, phase: str = "confirm", trial: int | None = None
) -> NewCell:
    """Replicate r of an arm; its seed is r, so that equal cells share runs."""
    schedule = "cosine" if arm == "cosine" else "linear_scaled"
    return NewCell(
        arm_name=arm,
        phase=phase,
        replicate=replicate,
        train_config=train_config(replicate if trial is None else 1000 + trial, schedule),
        facts=FACTS,
        score_requests=[
            ScoreRequest({} if i == 0 else {"sampling_steps": 50 + i}, EvalConfig(sampling_steps=50 + i), i == 0)
            for i in range(score_requests)
        ],
        trial_number=trial,
    )


def new_study(store: Store, name: str = "tiny", *, arms: Sequence[ArmRecord] = ARMS, **changes: object) -> StudyRecord:
    """A registered study without cells."""
    asked = {"question": "?", "spec": {"name": name}, "spec_sha256": "a" * 64, "protocol": PROTOCOL, "versions": {}}
    return register_study(store, name, arms=arms, **(asked | changes))


def study_with_runs(store: Store, runs: int, *, name: str = "tiny", score_requests: int = 1) -> StudyRecord:
    """A study with so many replicates of the baseline."""
    study = new_study(store, name)
    add_cells(store, study.id, [new_cell(replicate, score_requests=score_requests) for replicate in range(runs)])
    return study


def new_worker(store: Store, *, host: str = "here", boot_id: str = "boot", pid: int = 1, threads: int = 1) -> str:
    """The id of a registered worker."""
    worker_id = str(uuid4())
    environment = {"torch": "2.15", "threads": threads}
    register_worker(store, WorkerRecord(worker_id, host, boot_id, pid, 0.0, "cpu", environment))
    return worker_id


def file_of(claim: Claim, kind: str = "checkpoint", step: int = 0) -> ArtifactRecord:
    """A file named as the worker names it: by work, step and token."""
    path = f"runs/{claim.run_id}/{kind}-{claim.score_id}-{step}.{claim.token}.pt"
    return ArtifactRecord(kind, path, "b" * 64, 10, step)


def score_result(claim: Claim, value: float = 12.5) -> ScoreResult:
    """One distance over one noise set."""
    return ScoreResult(
        measurements=[Measurement("fid", 0, value), Measurement("fid", -1, value, 0.5)],
        artifacts=[file_of(claim, "features")],
        samples_sha256="c" * 64,
        sampling_seconds=3.0,
        features_seconds=2.0,
        statistics_seconds=1.0,
    )
