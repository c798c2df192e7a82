"""A trained net as the extra metrics see it, and what they return."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from sweep.config.part_names import Precision
from sweep.config.run import EvalConfig
from sweep.data.dataset import Dataset
from sweep.diffusion.process import Diffusion
from sweep.diffusion.targets import AnyTarget
from sweep.errors import Diverged
from sweep.scoring.artifacts import SavedFile
from sweep.scoring.evaluator import Evaluator
from sweep.scoring.generate import default_batch
from sweep.scoring.guided_predictor import Guidance
from sweep.scoring.progress import Progress, ignore_progress
from sweep.scoring.sample_labels import SampleLabels
from sweep.scoring.score import SetScore


@dataclass(frozen=True, kw_only=True, eq=False)
class EvaluatedNet:
    """A net under evaluation, and everything that it may be compared with.

    Attributes:
        net: The net, its weights loaded, on the device to use.
        diffusion: Tables of the training chain.
        config: The evaluation.
        target: What the net predicts; key of `diffusion.targets.TARGETS`, or the target of a plugin.
        seed: Seed of its training, which the noise goes with.
        evaluator: Extractor, reference and protocol.
        dataset: The images of the study.
        scored: Scores of the noise sets, whose features are in `folder`.
        samples: Images of the first noise set, uint8 [n, C, H, W]; None where they were not drawn here.
        folder: Folder of this score; no other score writes there.
        references: Folder in which references are kept.
        labels: Classes of samples, of a net that sees them.
        guidance: How samples are guided; None for no guidance.
        batch: Images at a time; None: as memory allows.
        precision: Arithmetic of the net, and of nothing else.
        on_progress: Called with (images done, images in all).
    """

    net: nn.Module
    diffusion: Diffusion
    config: EvalConfig
    target: AnyTarget
    seed: int
    evaluator: Evaluator
    dataset: Dataset
    scored: tuple[SetScore, ...]
    folder: Path
    references: Path
    labels: SampleLabels | None = None
    guidance: Guidance | None = None
    batch: int | None = None
    samples: Tensor | None = None
    precision: Precision = "fp32"
    on_progress: Progress = ignore_progress

    @property
    def noise_set(self) -> int:
        """The random stream of the protocol's first noise set: extra metrics are measured on one."""
        protocol = self.evaluator.protocol
        return protocol.noise_stream(protocol.noise_sets[0], seed=self.seed)

    @property
    def device(self) -> torch.device:
        """The device that the net is on."""
        return next(self.net.parameters()).device

    @property
    def test_classes(self) -> Tensor | None:
        """Class of each test image, int64 [N] on the device, of a net that sees them."""
        return None if self.labels is None else self.dataset.class_of("test").to(self.device)

    def batches(self, images: Tensor) -> list[tuple[int, Tensor]]:
        """Slices of images [N, C, H, W] that fit into memory, each with the index of its first image."""
        size = self.batch or default_batch(self.net, self.evaluator.shape, self.device, self.precision)
        return [(start, images[start : start + size]) for start in range(0, len(images), size)]


@dataclass(frozen=True, kw_only=True)
class ExtraNumber:
    """One number, with its standard error over images; its name is a row of `metrics.METRICS`."""

    name: str
    value: float
    standard_error: float | None = None


@dataclass(frozen=True, kw_only=True)
class ExtraMetrics:
    """What an evaluation asks for beside the usual metrics."""

    numbers: tuple[ExtraNumber, ...] = ()
    files: tuple[tuple[str, SavedFile], ...] = ()
    """(kind, file)."""


def mean_over_images(name: str, values: Tensor) -> ExtraNumber:
    """The mean of a quantity of each image, with its standard error.

    Args:
        name: Name of the metric.
        values: The quantity, float [N].

    Raises:
        Diverged: A value is not finite.
    """
    if not bool(values.isfinite().all()):
        raise Diverged(f"{name} of an image is not finite", step=0, evidence={})
    values = values.double()
    error = float(values.std() / math.sqrt(len(values))) if len(values) > 1 else None
    return ExtraNumber(name=name, value=float(values.mean()), standard_error=error)


# First-order: the relative errors of two independent means add in squares.
def ratio(name: str, above: ExtraNumber, below: ExtraNumber) -> ExtraNumber:
    """The ratio of two means of different images, with its standard error.

    Args:
        name: Name of the metric.
        above: The mean that is divided.
        below: The mean that it is divided by.
    """
    error = None
    if above.standard_error is not None and below.standard_error is not None and below.value != 0:
        error = math.hypot(above.standard_error / below.value, above.value * below.standard_error / below.value**2)
    return ExtraNumber(name=name, value=above.value / below.value, standard_error=error)
