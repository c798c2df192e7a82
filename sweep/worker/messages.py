"""What a worker and its trial process say to each other. Plain values; no tensor crosses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sweep.config.data import DataConfig
from sweep.config.run import EvalConfig, Protocol, TrainConfig
from sweep.config.study import Cadence, ProtocolRequest
from sweep.files.file_store import FileStore
from sweep.store.records import ArtifactRecord, FailureClass, ScoreResult


@dataclass(frozen=True)
class PrepareJob:
    """Load the data, train or find the extractor, compute the reference: once per data set and machine."""

    data: DataConfig
    request: ProtocolRequest
    files: FileStore


@dataclass(frozen=True)
class MeasureJob:
    """Time a few steps of a training, for a plan."""

    config: TrainConfig


@dataclass(frozen=True)
class TrainJob:
    """Train a run from its newest valid checkpoint, or from the start, to its end or to a rung."""

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
    """Score a trained run under one evaluation config."""

    train: TrainConfig
    evaluation: EvalConfig
    protocol: Protocol
    weights: ArtifactRecord
    files: FileStore
    folder: str


Job = PrepareJob | MeasureJob | TrainJob | ScoreJob


@dataclass(frozen=True)
class Order:
    """A job under a number, by which a request to stop names it."""

    number: int
    job: Job


@dataclass(frozen=True)
class Ready:
    """The process is up; `environment` says on what."""

    device: str
    environment: dict[str, object]


@dataclass(frozen=True)
class Progressed:
    """A point of the curves, or a saved checkpoint: then the process waits for the word that it is recorded."""

    step: int
    images: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    checkpoint: ArtifactRecord | None = None
    peak_bytes: int | None = None


@dataclass(frozen=True)
class Alive:
    """Nothing to tell; the process works."""


@dataclass(frozen=True)
class Damaged:
    """A listed file that cannot be read; the work goes on without it."""

    path: str
    reason: str


@dataclass(frozen=True)
class Warned:
    """Something that costs the job nothing and that somebody should mend."""

    text: str


READING_IMAGES = "reading the images"
"""The part of a preparation whose result is kept in memory alone."""


@dataclass(frozen=True)
class Counted:
    """`done` of `total` of something that takes long, counted in `unit`."""

    what: str
    done: int
    total: int
    unit: str = "images"


@dataclass(frozen=True)
class Prepared:
    """The protocol with its hashes, and the hash of the data.

    Attributes:
        found: Of an image folder: how many images there are, and what was left out; one sentence each.
    """

    protocol: Protocol
    data_sha256: str
    found: tuple[str, ...] = ()


@dataclass(frozen=True)
class Timed:
    """Seconds of one optimizer step, and of one network call for each image, on this machine.

    Attributes:
        remarks: Of the data (`Dataset.remarks`).
    """

    step_seconds: float
    call_seconds: float
    parameters: int
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trained:
    """A finished training, or one that reached its rung: `weights` are of that step."""

    weights: ArtifactRecord
    parameters: int
    seconds: float


@dataclass(frozen=True)
class Scored:
    """A finished score."""

    result: ScoreResult


@dataclass(frozen=True)
class Failed:
    """The job ended without its result."""

    failure: FailureClass
    reason: str
    detail: str = ""
    evidence: Mapping[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0


Outcome = Prepared | Timed | Trained | Scored | Failed
Message = Ready | Alive | Progressed | Damaged | Warned | Counted | Outcome
Send = Callable[[Message], None]
ShouldStop = Callable[[], bool]
