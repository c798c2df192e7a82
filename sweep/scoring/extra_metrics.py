"""Metrics that are measured only when an eval config asks for them: a function and a line of `EXTRA_METRICS` each.

The numbers that they return have their rows in `metrics.METRICS`, as those of every score have.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from sweep.config.run import EvalConfig
from sweep.data.pixels import to_model_range, to_uint8
from sweep.diffusion.likelihood import LikelihoodPlan, bits_per_dim
from sweep.diffusion.noise import sample_noise
from sweep.diffusion.samplers import denoise_from
from sweep.errors import Diverged
from sweep.scoring.class_scores import class_scores
from sweep.scoring.estimate import estimate
from sweep.scoring.evaluated_net import EvaluatedNet, ExtraMetrics, ExtraNumber, mean_over_images, ratio
from sweep.scoring.frechet import fid_jackknife
from sweep.scoring.generate import evaluating, generate, sampling_plan
from sweep.scoring.own_metrics import own_metrics
from sweep.scoring.pictures import save_picture, tiled
from sweep.scoring.predictor import predictor
from sweep.scoring.reference import load_reference
from sweep.scoring.score import saved_rows

LIKELIHOOD_IMAGES = 1000
NOISED_IMAGES = 256
SHOWN = 16
"""Images in a picture."""
NEAREST = 5
ROWS_AT_ONCE = 10_000


def likelihood(evaluated: EvaluatedNet) -> ExtraMetrics:
    """Bits per dimension of the first 1000 test images and its three terms, one t drawn in each stratum.

    Under the reverse variance and the clipping of the evaluation: fixed_small and fixed_large differ by a constant. A
    net that sees classes is given those of the images, and is not guided: only so it states a distribution.

    Source: Ho et al. 2020, eq. 5.
    """
    config, device = evaluated.config, evaluated.device
    plan = LikelihoodPlan(
        target=evaluated.target, variance=config.variance, x0_clip=config.x0_clip, strata=config.bits_per_dim
    )
    images = evaluated.dataset.test[:LIKELIHOOD_IMAGES]
    columns: dict[str, list[Tensor]] = {"": [], "_reconstruction": [], "_kl": [], "_prior": []}
    diffusion, predict = evaluated.diffusion.to(device), predictor(evaluated.net, evaluated.precision)
    classes = evaluated.test_classes
    with evaluating(evaluated.net):
        for start, part in evaluated.batches(images):
            index = torch.arange(start, start + len(part), device=device)
            shown = None if classes is None else classes[start : start + len(part)]
            bits = bits_per_dim(
                partial(predict, labels=shown),
                diffusion,
                to_model_range(part.to(device)),
                index=index,
                noise_set=evaluated.noise_set,
                plan=plan,
            )
            for name, value in zip(columns, (bits.total, bits.reconstruction, bits.kl.sum(1), bits.prior), strict=True):
                columns[name].append(value.cpu())
    return ExtraMetrics(
        numbers=tuple(mean_over_images(f"bits_per_dim{name}", torch.cat(parts)) for name, parts in columns.items())
    )


def distance_to_test(evaluated: EvaluatedNet) -> ExtraMetrics:
    """The Frechet distance to the test split: a net that copies the training set is far closer to that one.

    Source: Heusel et al. 2017, eq. 6.
    """
    reference = load_reference(evaluated.dataset, "test", evaluated.evaluator.extractor, folder=evaluated.references)
    device = evaluated.evaluator.extractor.device
    jackknives = [
        fid_jackknife(saved_rows(evaluated.folder, one.features), reference.moments, device=device)
        for one in evaluated.scored
    ]
    distance = estimate([one.value for one in jackknives], [one.standard_error for one in jackknives])
    return ExtraMetrics(
        numbers=(ExtraNumber(name="fid_test", value=distance.value, standard_error=distance.standard_error),)
    )


def neighbours(evaluated: EvaluatedNet) -> ExtraMetrics:
    """How near samples lie to the training set, in pixels, beside how near unseen real images lie to it.

    `neighbour_distance` is the root mean square difference per pixel (images in [-1, 1]) to the nearest training image,
    mean over samples. `neighbour_ratio` divides it by the same for test images: 1 is what new images have, 0 are
    copies. The picture has the samples that are nearest, each with its five nearest training images.

    Source: Ho et al. 2020, appendix D, its nearest neighbours as a number.
    """
    evaluator, count = evaluated.evaluator, evaluated.config.neighbours
    samples = generate(
        evaluated.net,
        evaluated.diffusion,
        sampling_plan(evaluated.config, evaluated.target),
        shape=evaluator.shape,
        n=count,
        noise_set=evaluated.noise_set,
        labels=evaluated.labels,
        guidance=evaluated.guidance,
        batch=evaluated.batch,
        precision=evaluated.precision,
        on_progress=evaluated.on_progress,
    )
    train = evaluated.dataset.train
    near, which = nearest_images(samples, train)
    unseen, _ = nearest_images(evaluated.dataset.test[:count], train)
    distance, unseen_distance = (
        mean_over_images("neighbour_distance", near[:, 0]),
        mean_over_images("unseen", unseen[:, 0]),
    )
    shown = near[:, 0].argsort(stable=True)[:SHOWN]
    rows = torch.cat([samples[shown, None], train[which[shown]]], dim=1)
    return ExtraMetrics(
        numbers=(distance, ratio("neighbour_ratio", distance, unseen_distance)),
        files=(("neighbours", save_picture(evaluated.folder, "neighbours.png", tiled(rows))),),
    )


def nearest_images(images: Tensor, train: Tensor, *, k: int = NEAREST) -> tuple[Tensor, Tensor]:
    """The k nearest training images of each image.

    Args:
        images: uint8 [N, C, H, W].
        train: uint8 [M, C, H, W], M >= k.
        k: How many.

    Returns:
        Root mean square differences per pixel of images in [-1, 1], float32 [N, k] ascending, and indices [N, k].
    """
    rows = to_model_range(images).flatten(1)
    candidates: list[tuple[Tensor, Tensor]] = []
    for start in range(0, len(train), ROWS_AT_ONCE):
        part = to_model_range(train[start : start + ROWS_AT_ONCE]).flatten(1)
        # Differences, not the Gram matrix: it loses the digits of a copy.
        distances = torch.cdist(rows, part, compute_mode="donot_use_mm_for_euclid_dist") / math.sqrt(rows.shape[1])
        values, which = distances.topk(min(k, len(part)), largest=False)
        candidates.append((values, which + start))
    values, which = (torch.cat(columns, dim=1) for columns in zip(*candidates, strict=True))
    best, position = values.topk(k, largest=False)
    return best, which.gather(1, position)


def partial_noising(evaluated: EvaluatedNet) -> ExtraMetrics:
    """Test images noised to t = s and denoised: how much of an image survives s steps.

    For each s: `noised_s300_mse`, the mean squared difference per pixel (images in [-1, 1]), and
    `noised_s300_features`, the mean Euclidean distance of the protocol's features. A net that sees classes is given
    those of the images, and is not guided. The picture has the images in its
    first row and one row for each s.

    Source: Ho et al. 2020, sec. 4.3.
    """
    device = evaluated.device
    images = evaluated.dataset.test[:NOISED_IMAGES]
    extractor, numbers, rows = evaluated.evaluator.extractor, [], [images[:SHOWN]]
    seen = torch.from_numpy(extractor.extract(images).penultimate)
    for s in evaluated.config.partial_noising:
        parts = [_denoised(evaluated, part, start, s, device) for start, part in evaluated.batches(images)]
        back = torch.cat(parts)
        apart = (to_model_range(back) - to_model_range(images)).square().flatten(1).mean(1)
        features = torch.from_numpy(extractor.extract(back).penultimate)
        numbers += [
            mean_over_images(f"noised_s{s}_mse", apart),
            mean_over_images(f"noised_s{s}_features", (features - seen).norm(dim=1)),
        ]
        rows.append(back[:SHOWN])
    picture = save_picture(evaluated.folder, "partial_noising.png", tiled(torch.stack(rows)))
    return ExtraMetrics(numbers=tuple(numbers), files=(("partial_noising", picture),))


def _denoised(evaluated: EvaluatedNet, images: Tensor, first: int, s: int, device: torch.device) -> Tensor:
    index = torch.arange(first, first + len(images), device=device)
    shape, diffusion = tuple(images.shape[1:]), evaluated.diffusion.to(device)

    def noise(draw: int) -> Tensor:
        return sample_noise(evaluated.noise_set, index, draw, shape, device)

    i = torch.full((len(images),), s - 1, dtype=torch.int64, device=device)
    x_s = diffusion.q_sample(to_model_range(images.to(device)), i, noise(0))
    classes = evaluated.test_classes
    shown = None if classes is None else classes[first : first + len(images)]
    with evaluating(evaluated.net):
        x0 = denoise_from(
            partial(predictor(evaluated.net, evaluated.precision), labels=shown),
            diffusion,
            x_s,
            start=s - 1,
            noise=noise,
            plan=sampling_plan(evaluated.config, evaluated.target),
        )
    if not bool(x0.isfinite().all()):
        raise Diverged(f"an image denoised from t = {s} is not finite", step=0, evidence={})
    return to_uint8(x0).cpu()


class ExtraMetric(NamedTuple):
    """One line of `EXTRA_METRICS`."""

    is_requested: Callable[[EvalConfig], bool]
    """Whether an evaluation asks for it."""
    measure: Callable[[EvaluatedNet], ExtraMetrics]


EXTRA_METRICS: dict[str, ExtraMetric] = {
    "bits_per_dim": ExtraMetric(lambda config: config.bits_per_dim is not None, likelihood),
    "fid_test": ExtraMetric(lambda config: config.fid_test, distance_to_test),
    "neighbours": ExtraMetric(lambda config: config.neighbours > 0, neighbours),
    "partial_noising": ExtraMetric(lambda config: len(config.partial_noising) > 0, partial_noising),
}


def measure_extra_metrics(evaluated: EvaluatedNet) -> ExtraMetrics:
    """Everything that the evaluation's config asks for, and the scores of each class where the net sees classes.

    Raises:
        Diverged: A number is not finite.
    """
    parts = [metric.measure(evaluated) for metric in EXTRA_METRICS.values() if metric.is_requested(evaluated.config)]
    if evaluated.config.extra_metrics:
        parts.append(own_metrics(evaluated))
    if evaluated.labels is not None:
        parts.append(class_scores(evaluated, evaluated.labels))
    return ExtraMetrics(
        numbers=tuple(number for part in parts for number in part.numbers),
        files=tuple(file for part in parts for file in part.files),
    )
