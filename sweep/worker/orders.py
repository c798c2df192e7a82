"""What a worker orders of its trial process: a job, as plain values without tensors. The answers are in `messages`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sweep.config.data import DataConfig
from sweep.config.given import GivenItem
from sweep.config.own_part import OwnPart
from sweep.config.protocol_request import ProtocolRequest
from sweep.config.run import EvalConfig, Protocol, Setting, TrainConfig
from sweep.config.study import Cadence
from sweep.files.file_store import FileStore
from sweep.plugins.source import PluginSource
from sweep.store.records import ArtifactRecord


@dataclass(frozen=True)
class PrepareJob:
    """Load the data, train or load the extractor, compute the reference: once for a data set on a machine.

    Attributes:
        data: The images.
        request: The protocol as the study file asks for it, without hashes.
        files: File store of extractors and references.
        cores: CPU cores that the preparation may use; no worker runs beside it.
        conditional: Whether a net sees the classes of the images, so that they are part of what the study trains on.
    """

    data: DataConfig
    request: ProtocolRequest
    files: FileStore
    cores: int = 1
    conditional: bool = False


@dataclass(frozen=True)
class CheckJob:
    """Load plugins, and try the parts of theirs that a study uses.

    Attributes:
        sources: Sources of the plugins.
        settings: Name of an arm -> its setting, of the arms that use a part of a plugin.
        extractor: Feature extractor of the protocol, where it is one of a plugin. It is tried on the images of an arm.
    """

    sources: tuple[PluginSource, ...]
    settings: Mapping[str, Setting]
    extractor: OwnPart | None = None


@dataclass(frozen=True)
class CheckDeviceJob:
    """Compare the device with the CPU, and time a training step of drawn images."""


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
        weights: File of the weights; None where the run is given.
        files: File store of the weights and of what the score writes.
        folder: Folder of this score in the file store; no other score writes there.
    """

    train: TrainConfig
    evaluation: EvalConfig
    protocol: Protocol
    weights: ArtifactRecord | None
    files: FileStore
    folder: str


@dataclass(frozen=True)
class SampleJob:
    """Draw images from a trained run, and write them where a person wants them.

    Attributes:
        train: The training that made the weights.
        evaluation: How images are sampled.
        weights: File of the weights.
        files: File store of the weights.
        n: How many images.
        noise_set: Number of the noise set, which is the seed of the images.
        out: A .png for a grid, an .npz for an array, or a folder for one PNG an image.
        only_class: Class of every image; None for all classes.
        reference: Split whose shares of the classes samples have.
    """

    train: TrainConfig
    evaluation: EvalConfig
    weights: ArtifactRecord
    files: FileStore
    n: int
    noise_set: int
    out: Path
    only_class: int | None = None
    reference: Literal["train", "test"] = "train"


@dataclass(frozen=True)
class ScoreItemsJob:
    """Score items for a person. Nothing is recorded.

    Attributes:
        items: The items, pinned.
        data: The real images.
        protocol: How they are measured.
        files: File store of extractors and references.
    """

    items: tuple[GivenItem, ...]
    data: DataConfig
    protocol: Protocol
    files: FileStore


Job = CheckDeviceJob | CheckJob | PrepareJob | MeasureJob | TrainJob | ScoreJob | SampleJob | ScoreItemsJob


@dataclass(frozen=True)
class Order:
    """A job with its number, which a request to stop refers to."""

    number: int
    job: Job
