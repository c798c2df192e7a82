from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import get_args

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, MultiStepLR, OneCycleLR

from sweep.config.part_names import LrSchedule
from sweep.config.run import TrainSettings
from sweep.training.lr_schedules import LR_SCHEDULES, lr_at, warmup_factor

STEPS = 1000


def of_torch(make: Callable[[torch.optim.Optimizer], LRScheduler], steps: int) -> list[float]:
    """lr of steps 0..steps-1 under one of torch's schedulers, at a base lr of 1."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # no optimizer step is made
        for _ in range(steps):
            rates.append(optimizer.param_groups[0]["lr"])
            scheduler.step()
    return rates


def test_registry_and_config_have_the_same_names() -> None:
    assert set(LR_SCHEDULES) == set(get_args(LrSchedule))


# Closed forms, by hand.
@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("constant", {0: 1.0, 500: 1.0, 1000: 1.0}),
        ("cosine", {0: 1.0, 250: 0.8535533905932737, 500: 0.5, 1000: 0.0}),
        ("inverse_sqrt", {0: 1.0, 100: 1.0, 400: 0.5, 900: 1 / 3, 1000: 10**-0.5}),
        ("step", {0: 1.0, 499: 1.0, 500: 0.1, 749: 0.1, 750: 0.01, 1000: 0.01}),
        ("one_cycle", {0: 0.04, 150: 0.52, 300: 1.0, 650: 0.500002, 1000: 4e-6}),
    ],
)
def test_closed_forms(name: LrSchedule, points: dict[int, float]) -> None:
    for images, factor in points.items():
        assert LR_SCHEDULES[name](images, 1000) == pytest.approx(factor, abs=1e-12)


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("cosine", lambda o: CosineAnnealingLR(o, T_max=STEPS)),
        ("step", lambda o: MultiStepLR(o, milestones=[STEPS // 2, STEPS * 3 // 4])),
        # torch counts the last step as the end and subtracts one from the turning point, too.
        ("one_cycle", lambda o: OneCycleLR(o, 1.0, STEPS + 1, pct_start=(0.3 * STEPS + 1) / (STEPS + 1))),
    ],
)
def test_agrees_with_torch(name: LrSchedule, make: Callable[[torch.optim.Optimizer], LRScheduler]) -> None:
    ours = [LR_SCHEDULES[name](step, STEPS) for step in range(STEPS)]
    assert ours == pytest.approx(of_torch(make, STEPS), abs=1e-9)


@pytest.mark.parametrize("name", get_args(LrSchedule))
def test_factors_stay_in_0_to_1(name: LrSchedule) -> None:
    factors = [LR_SCHEDULES[name](images, 1000) for images in range(1001)]
    assert min(factors) >= 0.0
    assert max(factors) == 1.0


def test_warmup_is_linear_then_1_and_may_be_absent() -> None:
    assert [warmup_factor(images, 400) for images in (0, 100, 400, 10_000)] == [0.0, 0.25, 1.0, 1.0]
    assert warmup_factor(0, 0) == 1.0


def test_lr_at_multiplies_all_three() -> None:
    config = TrainSettings(lr=0.2, lr_schedule="cosine", images=1000, batch=10, warmup_images=500)
    assert lr_at(config, 250) == pytest.approx(0.2 * 0.8535533905932737 * 0.5)
    assert lr_at(config, 1000) == pytest.approx(0.0)


def test_one_run_of_other_length_has_the_same_shape() -> None:
    for name in get_args(LrSchedule):
        schedule = LR_SCHEDULES[name]
        assert [schedule(u * 8, 64 * 8) for u in range(65)] == pytest.approx([schedule(u, 64) for u in range(65)])
