"""What goes into a training besides its config and data, and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from sweep.nets.cuda_graph import Capture
from sweep.training.checkpoint import CheckpointRef


@dataclass(frozen=True)
class Progress:
    """One point of the curves.

    Attributes:
        step: Optimizer steps done.
        images: Images seen.
        metrics: `train_loss` (weighted, mean a step since the last point), `grad_norm` (before clipping, likewise),
            `clip_fraction` (share of these steps that were clipped), `lr` (of this step), `images_per_second` (since
            the last point, validation left out), and where it was computed `validation_loss` (see `validation.py`).
        capture: Whether the step is launched as one CUDA graph.
    """

    step: int
    images: int
    metrics: dict[str, float]
    capture: Capture | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingCadence:
    """How often things happen. Decides which points the curves have, and changes no weight.

    Attributes:
        reports: Points of the training curves, at most.
        validations: Points of the validation curve, at most; the last step is one.
        checkpoint_seconds: Time between checkpoints. The first of an attempt is saved after 15 s at the latest.
        sync_every_steps: Steps between two reads of the loss from the device. Each waits for the device, and finds
            losses that are not finite.
    """

    reports: int = 200
    validations: int = 20
    checkpoint_seconds: float = 300.0
    sync_every_steps: int = 50


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """Where a training computes and writes. On one kind of CPU it changes no number but through `micro_batches`.

    Attributes:
        folder: Folder of this run's checkpoints and weights.
        attempt: Name of this attempt in the names of its files; no other attempt at any training has the same.
        device: Device that computes.
        micro_batches: Slices that a batch is cut into to save memory: the same draws, and gradients equal to rounding.
            With dropout the masks differ.
        channels_last: Whether feature maps lie in memory as [B, H, W, C], which is faster for convolutions.
        starting_weights: File of the weights that `init_from` of the config names; None where it names none.
    """

    folder: Path
    attempt: str
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    micro_batches: int = 1
    channels_last: bool = False
    starting_weights: Path | None = None


def _ignore(_: object) -> None:
    pass


def _never() -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """Functions that a training calls.

    Attributes:
        report: Called with every point of the curves once, or again with equal values after a resume.
        saved: Called with every checkpoint that is on disk, to record it and to delete those that it replaces.
        should_stop: Called before every step, to stop the training; also serves as a sign of life.
    """

    report: Callable[[Progress], None] = _ignore
    saved: Callable[[CheckpointRef], None] = _ignore
    should_stop: Callable[[], bool] = _never


@dataclass(frozen=True)
class TrainResult:
    """A finished training: its weights, as written by `checkpoint.save_weights`."""

    step: int
    images: int
    weights: CheckpointRef
    parameters: int
