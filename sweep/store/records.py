"""What crosses the boundary of the store: frozen values, never rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sweep.diffusion.facts import ScheduleFacts
from sweep.store import stored_config
from sweep.store.states import Phase, StepExecution, StudyState, WorkKind

if TYPE_CHECKING:
    from sweep.config.run import EvalConfig, Protocol, TrainConfig


@dataclass(frozen=True, slots=True)
class ArmRecord:
    """One combination of levels; `changes` is its difference from the baseline, {field: value}."""

    name: str
    changes: Mapping[str, Any]
    is_baseline: bool = False


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """A study at its newest accepted revision; `revision` counts from 1."""

    id: int
    name: str
    question: str
    state: StudyState
    revision: int
    spec: Mapping[str, Any]
    spec_sha256: str
    protocol_spec: Mapping[str, Any]
    protocol_key: str
    versions: Mapping[str, str]
    arms: tuple[ArmRecord, ...]
    created_at: datetime

    @property
    def is_active(self) -> bool:
        """Whether its workers may work: it is not paused, stopped or cancelled."""
        return self.state == StudyState.ACTIVE

    @property
    def protocol(self) -> Protocol:
        """What the scores of the study are made under."""
        return stored_config.protocol(self.protocol_spec, of=f"study {self.name}")


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """A score to be made of a cell's run; `level` names its evaluation levels, {} for the primary one."""

    level: Mapping[str, Any]
    eval_config: EvalConfig
    is_primary: bool


@dataclass(frozen=True, slots=True)
class NewCell:
    """One replicate of an arm, with the run and the scores that it asks for; trained to `until_step` first, if any.

    `facts` are None where the schedule is a plugin's, which the process that plans the run has not loaded.
    """

    arm_name: str
    phase: Phase
    replicate: int
    train_config: TrainConfig
    facts: ScheduleFacts | None
    score_requests: Sequence[ScoreRequest]
    trial_number: int | None = None
    until_step: int | None = None


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """A file: kind (checkpoint, weights, rung, features, samples), path under the store's folder, hash, size, step."""

    kind: str
    path: str
    sha256: str
    bytes: int
    step: int = 0


@dataclass(frozen=True, slots=True)
class MetricPoint:
    """One point of a curve, at an optimizer step (1-based) and the images seen by then."""

    name: str
    step: int
    images: int
    value: float | None


OVER_NOISE_SETS = -1
"""The `noise_set` of a number that is no single set's: the mean over noise sets, or a file of all of them."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number of a score. With `noise_set` OVER_NOISE_SETS it is the mean, with its standard error."""

    name: str
    noise_set: int
    value: float
    standard_error: float | None = None


@dataclass(frozen=True, slots=True)
class ExecutionRecord:
    """How an attempt ran its training step, or the net that it sampled from.

    Attributes:
        execution: How.
        reason: Why it was not launched as one CUDA graph; empty where it was.
    """

    execution: StepExecution
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """Everything that one scoring leaves behind; seconds on the device by phase, and its peak of memory if known."""

    measurements: Sequence[Measurement]
    artifacts: Sequence[ArtifactRecord]
    samples_sha256: str
    sampling_seconds: float
    features_seconds: float
    statistics_seconds: float
    peak_bytes: int | None = None
    execution: ExecutionRecord | None = None


@dataclass(frozen=True, slots=True)
class WorkerRecord:
    """One worker process. `id` is a fresh uuid for every start; `pid_started` tells apart two uses of a pid."""

    id: str
    host: str
    boot_id: str
    pid: int
    pid_started: float
    device: str
    environment: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """Work under a lease. Every write for it carries `token`; writes under an older token are refused.

    Attributes:
        kind: Whether a run is trained or a score is made.
        study_id: Row id of the study for which the worker works.
        run_id: Row id of the run.
        score_id: Row id of the score; None for a training.
        token: The fencing token of the lease.
        attempt_id: Row id of the attempt.
        attempt_name: Part of the names of the files that this attempt writes: no other attempt of any store has it.
        worker_id: Id of the worker that holds the lease.
        train_config: What the run trains.
        eval_config: How samples are made; None for a training.
        protocol: What the score is made under; None for a training.
        step: Optimizer steps that were done before this attempt.
        images: Images seen before this attempt.
        micro_batches: Number of parts into which each batch is split.
        crashes: Attempts lost since the last durable progress.
        checkpoints: Files of the newest checkpoints, the newest first, at most two; the second is used when the first
        is
            damaged.
        weights: Weights of the trained run, or of the rung that is scored; None where there are none.
        until_step: Optimizer step at which training pauses; None for the end.
        score_step: Optimizer step of the rung that is scored; None for the finished training.
    """

    kind: WorkKind
    study_id: int
    run_id: int
    score_id: int | None
    token: int
    attempt_id: int
    attempt_name: str
    worker_id: str
    train_config: TrainConfig
    eval_config: EvalConfig | None
    protocol: Protocol | None
    step: int
    images: int
    micro_batches: int
    crashes: int
    checkpoints: tuple[ArtifactRecord, ...]
    weights: ArtifactRecord | None
    until_step: int | None = None
    score_step: int | None = None

    @property
    def work_id(self) -> int:
        """Row id of the work under the lease: the score's, or the run's for a training."""
        return self.run_id if self.score_id is None else self.score_id


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One line of the log; time by the database's clock."""

    at: datetime
    kind: str
    message: str
    study_id: int | None
    run_id: int | None
    detail: Mapping[str, Any]
