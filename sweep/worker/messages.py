"""The messages that a worker and its trial process exchange. They are plain values without tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sweep.config.data import DataConfig
from sweep.config.protocol_request import ProtocolRequest
from sweep.config.run import EvalConfig, Protocol, TrainConfig
from sweep.config.study import Cadence
from sweep.files.file_store import FileStore
from sweep.plugins.source import PluginSource
from sweep.store.records import ArtifactRecord, ExecutionRecord, ScoreResult
from sweep.store.states import FailureClass


@dataclass(frozen=True)
class PrepareJob:
    """Load the data, train or load the extractor, compute the reference: once for a data set on a machine.

    Attributes:
        data: The images.
        request: The protocol as the study file asks for it, without hashes.
        files: File store of extractors and references.
        cores: CPU cores that the preparation may use; no worker runs beside it.
    """

    data: DataConfig
    request: ProtocolRequest
    files: FileStore
    cores: int = 1


@dataclass(frozen=True)
class CheckJob:
    """Load plugins, and try the parts of theirs that a study uses.

    Attributes:
        sources: Sources of the plugins.
        configs: A training for every different net of a plugin.
    """

    sources: tuple[PluginSource, ...]
    configs: tuple[TrainConfig, ...]


@dataclass(frozen=True)
class MeasureJob:
    """Time a few steps of a training and a few network calls of its sampling, for the time estimate of a plan.

    Attributes:
        config: The training.
        samples: Generated images of a noise set.
        sources: Sources of the plugins that the training uses.
    """

    config: TrainConfig
    samples: int
    sources: tuple[PluginSource, ...] = ()


@dataclass(frozen=True)
class TrainJob:
    """Train a run from its newest valid checkpoint, or from the start, to its end or to a rung.

    Attributes:
        config: The training.
        cadence: How many points the curves have, and how often a checkpoint is saved.
        files: File store of checkpoints and weights.
        folder: Folder of this run in the file store.
        attempt: Name of this attempt, part of the names of its files.
        checkpoints: Recorded checkpoints of earlier attempts, the newest first.
        micro_batches: Slices of a batch, to save memory.
        until_step: Optimizer step of the rung at which to stop; None for the end.
    """

    config: TrainConfig
    cadence: Cadence
    files: FileStore
    folder: str
    attempt: str
    checkpoints: tuple[ArtifactRecord, ...]
    micro_batches: int = 1
    until_step: int | None = None


@dataclass(frozen=True)
class ScoreJob:
    """Score a trained run under one evaluation config.

    Attributes:
        train: The training that made the weights.
        evaluation: How images are sampled.
        protocol: How they are measured.
        weights: File of the weights.
        files: File store of the weights and of what the score writes.
        folder: Folder of this score in the file store; no other score writes there.
    """

    train: TrainConfig
    evaluation: EvalConfig
    protocol: Protocol
    weights: ArtifactRecord
    files: FileStore
    folder: str


Job = CheckJob | PrepareJob | MeasureJob | TrainJob | ScoreJob


@dataclass(frozen=True)
class Order:
    """A job with its number, which a request to stop refers to."""

    number: int
    job: Job


@dataclass(frozen=True)
class Ready:
    """The trial process can work.

    Attributes:
        device: Device on which it computes.
        environment: Hardware and versions (`machine.environment`).
    """

    device: str
    environment: dict[str, object]


@dataclass(frozen=True)
class Progressed:
    """A point of the curves, or a saved checkpoint. After a checkpoint the process waits until it is recorded.

    Attributes:
        step: Optimizer steps done.
        images: Images seen.
        metrics: Values of the point by their names.
        checkpoint: The saved checkpoint, if this message announces one.
        peak_bytes: Peak memory of the process so far, in bytes.
        execution: How the training step is run.
    """

    step: int
    images: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    checkpoint: ArtifactRecord | None = None
    peak_bytes: int | None = None
    execution: ExecutionRecord | None = None


@dataclass(frozen=True)
class Alive:
    """The process works, and has no news."""


@dataclass(frozen=True)
class Damaged:
    """A recorded file that cannot be read. The work continues without it.

    Attributes:
        path: Of the file, relative to the file store.
        reason: Why it cannot be read.
    """

    path: str
    reason: str


@dataclass(frozen=True)
class Warned:
    """A problem that does not affect the job and that a person should correct."""

    text: str


READING_IMAGES = "reading the images"
"""The part of a preparation whose result stays in memory only."""


@dataclass(frozen=True)
class Counted:
    """Progress of something that takes long.

    Attributes:
        what: Name of the part of the work.
        done: How much of it is done, in `unit`.
        total: How much there is, in `unit`.
        unit: `images` or `bytes`.
    """

    what: str
    done: int
    total: int
    unit: str = "images"


@dataclass(frozen=True)
class Checked:
    """Plugins that do what the harness relies on."""


@dataclass(frozen=True)
class Prepared:
    """The result of a preparation.

    Attributes:
        protocol: The protocol with the hashes of its extractor and reference.
        data_sha256: Hash of the images.
        data_notes: For an image folder, sentences on how many images it has and which files were left out.
    """

    protocol: Protocol
    data_sha256: str
    data_notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Timed:
    """The time of a training on this machine.

    Attributes:
        step_seconds: Seconds of one optimizer step.
        call_seconds: Seconds of one network call, for one of the images of a noise set.
        parameters: Number of parameters of the net.
        remarks: Remarks on the data (`Dataset.remarks`).
    """

    step_seconds: float
    call_seconds: float
    parameters: int
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trained:
    """A finished training, or one that has reached its rung.

    Attributes:
        weights: File of the weights after the last step.
        parameters: Number of parameters of the net.
        seconds: Time of this attempt.
    """

    weights: ArtifactRecord
    parameters: int
    seconds: float


@dataclass(frozen=True)
class Scored:
    """A finished score, with every number and file of it."""

    result: ScoreResult


@dataclass(frozen=True)
class Failed:
    """The job ended without a result.

    Attributes:
        failure: Class of the failure, which decides what is done about it.
        reason: What went wrong and why, one sentence a line.
        detail: The traceback.
        evidence: For a divergence, the last losses and gradient norms.
        seconds: Time of this attempt.
    """

    failure: FailureClass
    reason: str
    detail: str = ""
    evidence: Mapping[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0


Outcome = Checked | Prepared | Timed | Trained | Scored | Failed
Message = Ready | Alive | Progressed | Damaged | Warned | Counted | Outcome
Send = Callable[[Message], None]
ShouldStop = Callable[[], bool]
