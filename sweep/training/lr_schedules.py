"""Learning rate as a pure function of images seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from sweep.config.own_part import OwnPart
from sweep.config.part_names import LrSchedule
from sweep.config.run import TrainSettings


def constant_lr(images_seen: float, total_images: float) -> float:  # noqa: ARG001 - as others of its registry
    """1 throughout.

    Args:
        images_seen: Images seen before the step.
        total_images: Images of the whole run.

    Source: Ho et al. 2020, appendix B.
    """
    return 1.0


def cosine_lr(images_seen: float, total_images: float) -> float:
    """(1 + cos(pi u))/2, u the share of images seen: 1 at the start, 1/2 half-way, 0 at the end, one period.

    Args:
        images_seen: Images seen before the step.
        total_images: Images of the whole run.

    Source: Loshchilov & Hutter 2017, eq. 5.
    """
    return 0.5 * (1.0 + math.cos(math.pi * images_seen / total_images))


def inverse_sqrt_lr(images_seen: float, total_images: float) -> float:
    """1/sqrt(max(u/0.1, 1)): 1 for the first tenth of the run, 0.316 at the end. Their t_ref is 0.07 to 0.15 of a run.

    Args:
        images_seen: Images seen before the step.
        total_images: Images of the whole run.

    Source: Karras et al. 2024 (EDM2), eq. 67.
    """
    return 1.0 / math.sqrt(max(images_seen / (0.1 * total_images), 1.0))


def step_lr(images_seen: float, total_images: float) -> float:
    """1, then 0.1 from half-way, then 0.01 from three quarters on: 32k and 48k of their 64k steps.

    Args:
        images_seen: Images seen before the step.
        total_images: Images of the whole run.

    Source: He et al. 2016, sec. 4.2.
    """
    u = images_seen / total_images
    return 1.0 if u < 0.5 else 0.1 if u < 0.75 else 0.01


def one_cycle_lr(images_seen: float, total_images: float) -> float:
    """Half a cosine from 1/25 up to 1 at 0.3 of the run, and another down to 1/250,000 at its end.

    Shape and constants are those of torch.optim.lr_scheduler.OneCycleLR; momentum stays as it is.

    Args:
        images_seen: Images seen before the step.
        total_images: Images of the whole run.

    Source: Smith & Topin 2018.
    """
    u = images_seen / total_images
    first, last = 1.0 / 25.0, 1.0 / 25.0 / 1e4
    if u < 0.3:
        return _half_cosine(first, 1.0, u / 0.3)
    return _half_cosine(1.0, last, (u - 0.3) / 0.7)


def _half_cosine(start: float, end: float, u: float) -> float:
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * u))


def warmup_factor(images_seen: float, warmup_images: float) -> float:
    """Linear from 0 to 1 over the first `warmup_images`; 1 where there are none.

    Args:
        images_seen: Images seen before the step.
        warmup_images: Images over which the learning rate rises.
    """
    return min(images_seen / warmup_images, 1.0) if warmup_images > 0 else 1.0


# (images seen before the step, images in all) -> factor on lr.
LR_SCHEDULES: Mapping[LrSchedule, Callable[[float, float], float]] = {
    "constant": constant_lr,
    "cosine": cosine_lr,
    "inverse_sqrt": inverse_sqrt_lr,
    "step": step_lr,
    "one_cycle": one_cycle_lr,
}


def lr_at(config: TrainSettings, images_seen: float) -> float:
    """Learning rate of the step that begins after `images_seen` images, in [0, config.lr] but for those of plugins.

    With a warm-up the first step has lr 0: it fills the optimizer's moments and moves nothing.

    Args:
        config: Config whose learning rate, schedule, warm-up and length are read.
        images_seen: Images seen before the step.
    """
    if isinstance(config.lr_schedule, OwnPart):
        factor = float(config.lr_schedule("lr_schedule", {"progress": images_seen / config.images}))
    else:
        factor = LR_SCHEDULES[config.lr_schedule](images_seen, config.images)
    return config.lr * factor * warmup_factor(images_seen, config.warmup_images)
