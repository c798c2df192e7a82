"""Metrics that are measured only when an eval config asks for them: a function and a line of `EXTRA_METRICS` each."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from sweep.config.run import EvalConfig, Precision
from sweep.data.dataset import Dataset
from sweep.data.pixels import to_model_range, to_uint8
from sweep.diffusion.likelihood import LikelihoodPlan, bits_per_dim
from sweep.diffusion.noise import sample_noise
from sweep.diffusion.process import Diffusion
from sweep.diffusion.samplers import denoise_from
from sweep.errors import Diverged
from sweep.scoring.artifacts import SavedFile
from sweep.scoring.evaluator import Evaluator
from sweep.scoring.frechet import fid_jackknife
from sweep.scoring.generate import default_batch, evaluating, generate, sampling_plan
from sweep.scoring.pictures import save_picture, tiled
from sweep.scoring.predictor import predictor
from sweep.scoring.progress import Progress, ignore_progress
from sweep.scoring.reference import load_reference
from sweep.scoring.score import SetScore, estimate, saved_rows

LIKELIHOOD_IMAGES = 1000
NOISED_IMAGES = 256
SHOWN = 16
"""Images in a picture."""
NEAREST = 5
ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, kw_only=True, eq=False)
class EvaluatedNet:
    """A net under evaluation, and everything that it may be held against."""

    net: nn.Module
    diffusion: Diffusion
    config: EvalConfig
    target: str
    evaluator: Evaluator
    dataset: Dataset
    scored: tuple[SetScore, ...]
    """Scores of the noise sets, whose features are in `folder`."""
    folder: Path
    references: Path
    """Folder in which references are kept."""
    batch: int | None = None
    precision: Precision = "fp32"
    on_progress: Progress = ignore_progress

    @property
    def noise_set(self) -> int:
        """The first: further measurements are made on one."""
        return self.evaluator.protocol.noise_sets[0]


@dataclass(frozen=True, kw_only=True)
class ExtraNumber:
    """One number, with its standard error over images."""

    name: str
    value: float
    standard_error: float | None = None


@dataclass(frozen=True, kw_only=True)
class ExtraMetrics:
    """What was asked for beyond the distances."""

    numbers: tuple[ExtraNumber, ...] = ()
    files: tuple[tuple[str, SavedFile], ...] = ()
    """(kind, file)."""


def likelihood(subject: EvaluatedNet) -> ExtraMetrics:
    """Bits per dimension of the first 1000 test images and its three terms, one t drawn in each stratum.

    Under the reverse variance and the clipping of the evaluation: fixed_small and fixed_large differ by a constant.

    Source: Ho et al. 2020, eq. 5.
    """
    config, device = subject.config, next(subject.net.parameters()).device
    plan = LikelihoodPlan(
        target=subject.target, variance=config.variance, x0_clip=config.x0_clip, strata=config.bits_per_dim
    )
    images = subject.dataset.test[:LIKELIHOOD_IMAGES]
    columns: dict[str, list[Tensor]] = {"": [], "_reconstruction": [], "_kl": [], "_prior": []}
    diffusion, denoise = subject.diffusion.to(device), predictor(subject.net, subject.precision)
    with evaluating(subject.net):
        for start, part in _batches(subject, images):
            index = torch.arange(start, start + len(part), device=device)
            bits = bits_per_dim(
                denoise, diffusion, to_model_range(part.to(device)), index=index, noise_set=subject.noise_set, plan=plan
            )
            for name, value in zip(columns, (bits.total, bits.reconstruction, bits.kl.sum(1), bits.prior), strict=True):
                columns[name].append(value.cpu())
    return ExtraMetrics(
        numbers=tuple(_mean(f"bits_per_dim{name}", torch.cat(parts)) for name, parts in columns.items())
    )


def distance_to_test(subject: EvaluatedNet) -> ExtraMetrics:
    """The Frechet distance to the test split: a net that copies the training set is far closer to that one.

    Source: Heusel et al. 2017, eq. 6.
    """
    reference = load_reference(subject.dataset, "test", subject.evaluator.extractor, folder=subject.references)
    device = subject.evaluator.extractor.device
    jackknives = [
        fid_jackknife(saved_rows(subject.folder, one.features), reference.moments, device=device)
        for one in subject.scored
    ]
    told = estimate([one.value for one in jackknives], [one.standard_error for one in jackknives])
    return ExtraMetrics(numbers=(ExtraNumber(name="fid_test", value=told.value, standard_error=told.standard_error),))


def neighbours(subject: EvaluatedNet) -> ExtraMetrics:
    """How near samples lie to the training set, in pixels, beside how near unseen real images lie to it.

    `neighbour_distance` is the root mean square difference per pixel (images in [-1, 1]) to the nearest training image,
    mean over samples. `neighbour_ratio` divides it by the same for test images: 1 is what new images have, 0 are
    copies. The picture has the samples that are nearest, each with its five nearest training images.

    Source: Ho et al. 2020, appendix D, its nearest neighbours as a number.
    """
    evaluator, count = subject.evaluator, subject.config.neighbours
    samples = generate(
        subject.net, subject.diffusion, sampling_plan(subject.config, subject.target),
        shape=evaluator.shape, n=count, noise_set=subject.noise_set,
        batch=subject.batch, precision=subject.precision, on_progress=subject.on_progress,
    )  # fmt: skip
    train = subject.dataset.train
    near, which = nearest(samples, train)
    unseen, _ = nearest(subject.dataset.test[:count], train)
    mean, real = _mean("neighbour_distance", near[:, 0]), _mean("unseen", unseen[:, 0])
    ratio = ExtraNumber(
        name="neighbour_ratio", value=mean.value / real.value, standard_error=_error_of_ratio(mean, real)
    )
    shown = near[:, 0].argsort(stable=True)[:SHOWN]
    rows = torch.cat([samples[shown, None], train[which[shown]]], dim=1)
    return ExtraMetrics(
        numbers=(mean, ratio),
        files=(("neighbours", save_picture(subject.folder, "neighbours.png", tiled(rows))),),
    )


def nearest(images: Tensor, train: Tensor, *, k: int = NEAREST) -> tuple[Tensor, Tensor]:
    """The k nearest training images of each image.

    Args:
        images: uint8 [N, C, H, W].
        train: uint8 [M, C, H, W], M >= k.
        k: How many.

    Returns:
        Root mean square differences per pixel of images in [-1, 1], float32 [N, k] ascending, and indices [N, k].
    """
    rows = to_model_range(images).flatten(1)
    found: list[tuple[Tensor, Tensor]] = []
    for start in range(0, len(train), ROWS_AT_ONCE):
        part = to_model_range(train[start : start + ROWS_AT_ONCE]).flatten(1)
        # Differences, not the Gram matrix: it loses the digits of a copy.
        distances = torch.cdist(rows, part, compute_mode="donot_use_mm_for_euclid_dist") / math.sqrt(rows.shape[1])
        values, which = distances.topk(min(k, len(part)), largest=False)
        found.append((values, which + start))
    values, which = (torch.cat(columns, dim=1) for columns in zip(*found, strict=True))
    best, place = values.topk(k, largest=False)
    return best, which.gather(1, place)


def partial_noising(subject: EvaluatedNet) -> ExtraMetrics:
    """Test images noised to t = s and denoised: how much of an image survives s steps.

    For each s: `noised_s300_mse`, the mean squared difference per pixel (images in [-1, 1]), and
    `noised_s300_features`, the mean Euclidean distance of the protocol's features. The picture has the images in its
    first row and one row for each s.

    Source: Ho et al. 2020, sec. 4.3.
    """
    device = next(subject.net.parameters()).device
    images = subject.dataset.test[:NOISED_IMAGES]
    extractor, numbers, rows = subject.evaluator.extractor, [], [images[:SHOWN]]
    seen = torch.from_numpy(extractor.extract(images).penultimate)
    for s in subject.config.partial_noising:
        parts = [_denoised(subject, part, start, s, device) for start, part in _batches(subject, images)]
        back = torch.cat(parts)
        apart = (to_model_range(back) - to_model_range(images)).square().flatten(1).mean(1)
        features = torch.from_numpy(extractor.extract(back).penultimate)
        numbers += [_mean(f"noised_s{s}_mse", apart), _mean(f"noised_s{s}_features", (features - seen).norm(dim=1))]
        rows.append(back[:SHOWN])
    picture = save_picture(subject.folder, "partial_noising.png", tiled(torch.stack(rows)))
    return ExtraMetrics(numbers=tuple(numbers), files=(("partial_noising", picture),))


def _denoised(subject: EvaluatedNet, images: Tensor, first: int, s: int, device: torch.device) -> Tensor:
    index = torch.arange(first, first + len(images), device=device)
    shape, diffusion = tuple(images.shape[1:]), subject.diffusion.to(device)

    def noise(draw: int) -> Tensor:
        return sample_noise(subject.noise_set, index, draw, shape, device)

    i = torch.full((len(images),), s - 1, dtype=torch.int64, device=device)
    x_s = diffusion.q_sample(to_model_range(images.to(device)), i, noise(0))
    with evaluating(subject.net):
        x0 = denoise_from(
            predictor(subject.net, subject.precision), diffusion, x_s, start=s - 1, noise=noise,
            plan=sampling_plan(subject.config, subject.target),
        )  # fmt: skip
    if not bool(x0.isfinite().all()):
        raise Diverged(f"an image denoised from t = {s} is not finite", step=0, evidence={})
    return to_uint8(x0).cpu()


# Whether a config asks for it, and how it is found.
EXTRA_METRICS: dict[str, tuple[Callable[[EvalConfig], bool], Callable[[EvaluatedNet], ExtraMetrics]]] = {
    "bits_per_dim": (lambda config: config.bits_per_dim is not None, likelihood),
    "fid_test": (lambda config: config.fid_test, distance_to_test),
    "neighbours": (lambda config: config.neighbours > 0, neighbours),
    "partial_noising": (lambda config: len(config.partial_noising) > 0, partial_noising),
}


def measure_extra_metrics(subject: EvaluatedNet) -> ExtraMetrics:
    """Everything that the subject's config asks for.

    Raises:
        Diverged: A number is not finite.
    """
    parts = [find(subject) for asked, find in EXTRA_METRICS.values() if asked(subject.config)]
    return ExtraMetrics(
        numbers=tuple(number for part in parts for number in part.numbers),
        files=tuple(file for part in parts for file in part.files),
    )


def _batches(subject: EvaluatedNet, images: Tensor) -> list[tuple[int, Tensor]]:
    device = next(subject.net.parameters()).device
    with torch.inference_mode():
        size = subject.batch or default_batch(subject.net, subject.evaluator.shape, device)
    return [(start, images[start : start + size]) for start in range(0, len(images), size)]


def _mean(name: str, values: Tensor) -> ExtraNumber:
    if not bool(values.isfinite().all()):
        raise Diverged(f"{name} of an image is not finite", step=0, evidence={})
    values = values.double()
    error = float(values.std() / math.sqrt(len(values))) if len(values) > 1 else None
    return ExtraNumber(name=name, value=float(values.mean()), standard_error=error)


# First-order: the relative errors of two independent means add in squares.
def _error_of_ratio(above: ExtraNumber, below: ExtraNumber) -> float | None:
    if above.standard_error is None or below.standard_error is None or below.value == 0:
        return None
    relative = (above.standard_error / below.value, above.value * below.standard_error / below.value**2)
    return math.hypot(*relative)
