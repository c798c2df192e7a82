"""Metrics of plugins, measured where an evaluation asks for them."""

from __future__ import annotations

import torch
from torch import Tensor

from sweep.config.own_part import OwnPart
from sweep.errors import Diverged, UsageError
from sweep.scoring.evaluated_net import EvaluatedNet, ExtraMetrics, ExtraNumber, mean_over_images


def own_metrics(evaluated: EvaluatedNet) -> ExtraMetrics:
    """Metrics of plugins, each on the samples of the first noise set and the images that the protocol compares with."""
    assert evaluated.samples is not None
    real = evaluated.dataset.test if evaluated.evaluator.protocol.reference == "test" else evaluated.dataset.train
    return ExtraMetrics(
        numbers=tuple(own_number(metric, evaluated.samples, real) for metric in evaluated.config.extra_metrics)
    )


def own_number(metric: OwnPart, images: Tensor, real: Tensor) -> ExtraNumber:
    """What a metric of a plugin says of images, with its standard error where it says a number for each.

    Args:
        metric: The metric.
        images: Samples, uint8 [N, C, H, W].
        real: Images that they are compared with, uint8 [M, C, H, W].

    Raises:
        DataError: This process has not loaded the plugin.
        Diverged: A number is not finite.
        UsageError: It returned something else.
        Exception: Whatever the metric raises.
    """
    name = f"own_{metric.part}_{metric.better}"
    returned = torch.as_tensor(metric("metric", {"images": images.clone(), "real": real.clone()}))
    if returned.shape == (len(images),) and len(images) > 1:
        return mean_over_images(name, returned)
    if returned.ndim:
        raise UsageError(
            f"metric `{metric.part}` of a plugin returned {tuple(returned.shape)}",
            why=f"A number, or one for each image, ({len(images)},), is expected.",
            next="Correct the plugin.",
        )
    if not bool(returned.isfinite()):
        raise Diverged(f"metric {metric.part} is {float(returned)}", step=0, evidence={})
    return ExtraNumber(name=name, value=float(returned))
