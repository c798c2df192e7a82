"""What a trial process tells its worker: progress, warnings, and how a job ended. Plain values without tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sweep.config.run import Protocol
from sweep.diffusion.facts import ScheduleFacts
from sweep.store.records import ArtifactRecord, ExecutionRecord, ScoreResult
from sweep.store.states import FailureClass


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
    """Plugins that do what the harness relies on.

    Attributes:
        facts: Name of an arm -> facts of its schedule.
    """

    facts: Mapping[str, ScheduleFacts]


@dataclass(frozen=True)
class Prepared:
    """The result of a preparation.

    Attributes:
        protocol: The protocol with the hashes of its extractor and reference.
        data_sha256: Hash of the images, with their classes where a net sees them.
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


@dataclass(frozen=True, kw_only=True)
class DeviceChecked:
    """What a device computes, and how fast.

    Attributes:
        equal_noise: Share of the numbers of a noise set that equal those of the CPU in every bit.
        noise_difference: Largest difference of these numbers.
        output_difference: Largest difference between outputs of a net on both, relative to the largest output.
        is_captured: Whether a training step is launched as one CUDA graph.
        capture_reason: Why not, where it is not.
        example: Net, batch and precision of that training.
        images_per_second: Its speed.
        flops_per_second: Its speed in FLOP/s, two a multiply-add.
        ceiling_flops_per_second: Speed of a large matrix product.
        peak_bytes: Peak memory of the process, in bytes.
    """

    equal_noise: float
    noise_difference: float
    output_difference: float
    is_captured: bool
    capture_reason: str
    example: str
    images_per_second: float
    flops_per_second: float
    ceiling_flops_per_second: float
    peak_bytes: int


@dataclass(frozen=True)
class Trained:
    """A finished training, or one that has reached its rung.

    Attributes:
        weights: File of the weights after the last step.
        parameters: Number of parameters of the net.
        seconds: Time of this attempt.
        facts: Facts of the schedule, where it is a plugin's and the run was planned without them.
    """

    weights: ArtifactRecord
    parameters: int
    seconds: float
    facts: ScheduleFacts | None = None


@dataclass(frozen=True)
class Scored:
    """A finished score, with every number and file of it."""

    result: ScoreResult


@dataclass(frozen=True)
class Sampled:
    """Images that were drawn and written.

    Attributes:
        sha256: Hash of the images, uint8 [N, C, H, W].
    """

    sha256: str


@dataclass(frozen=True)
class ItemScore:
    """The scores of one item.

    Attributes:
        scores: Name of a score -> its value, and its standard error over the images.
        suspicion: Why the numbers are not to be believed; empty where nothing is wrong.
    """

    scores: Mapping[str, tuple[float, float | None]]
    suspicion: str


@dataclass(frozen=True)
class ItemsScored:
    """Scores of items, in the order of the job."""

    items: tuple[ItemScore, ...]


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


Outcome = Checked | DeviceChecked | Prepared | Timed | Trained | Scored | Sampled | ItemsScored | Failed
Message = Ready | Alive | Progressed | Damaged | Warned | Counted | Outcome
Send = Callable[[Message], None]
ShouldStop = Callable[[], bool]
