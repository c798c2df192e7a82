from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from sweep.data.dataset import Dataset
from sweep.training.initial_net import build_net
from sweep.training.objective import Objective
from sweep.training.validation import validation_batch, validation_loss, validation_points
from tests.helpers.tiny_training import tiny

CPU = torch.device("cpu")


def test_the_same_images_t_and_noise_every_time(digits: Dataset) -> None:
    a, b = (validation_batch(digits.validation, 50, 1, CPU) for _ in range(2))
    c = validation_batch(digits.validation, 50, 2, CPU)
    assert torch.equal(a.x0, b.x0)
    assert torch.equal(a.noise, b.noise)
    assert not torch.equal(a.noise, c.noise)


def test_images_are_those_held_out_each_once(digits: Dataset) -> None:
    batch = validation_batch(digits.validation, 50, 1, CPU)
    ours = sorted(((batch.x0 + 1) * 127.5).round().to(torch.uint8).flatten(1).tolist())
    assert ours == sorted(digits.validation.flatten(1).tolist())


def test_t_is_spread_evenly_whatever_the_number_of_images(digits: Dataset) -> None:
    images = digits.validation[:100]
    assert torch.bincount(validation_batch(images, 50, 1, CPU).i).tolist() == [2] * 50
    few = validation_batch(images[:3], 1000, 1, CPU).i.tolist()
    assert few == [166, 500, 833]
    assert validation_batch(images, 1, 1, CPU).i.tolist() == [0] * 100


@pytest.mark.parametrize(
    ("images", "held_out", "points"),
    [
        (6_400, 140, 5),  # short: a curve needs some points, whatever they cost
        (60_000, 140, 12),  # 12 looks of 140 images, forward alone, are 0.93 % of 60,000 forward and backward
        (10**6, 140, 20),  # as many as asked for
        (10**6, 50_000, 20),  # a look has 1024 images at most
    ],
)
def test_looks_cost_a_hundredth_of_a_training(images: int, held_out: int, points: int) -> None:
    assert validation_points(20, images=images, held_out=held_out) == points
    assert validation_points(3, images=images, held_out=held_out) == 3


class Mean(nn.Module):
    """Predicts 0; notes whether it was in training mode."""

    modes: tuple[bool, ...] = ()

    def forward(self, x: Tensor, i: Tensor) -> Tensor:
        self.modes = (*self.modes, self.training)
        return torch.zeros_like(x)


def test_loss_is_the_mean_over_images_without_dropout(digits: Dataset) -> None:
    # The last slice is smaller than the others: a mean of means would weigh its images more.
    config = tiny(batch=7)
    batch = validation_batch(digits.validation[:16], 50, 1, CPU)
    for mode in (True, False):
        net = Mean().train(mode)
        loss = validation_loss(net, Objective.of(config, CPU), batch)
        assert abs(loss - batch.noise.double().square().mean().item()) < 1e-7
        assert net.training is mode
        assert net.modes == (False,) * 3


def test_looking_changes_nothing(digits: Dataset) -> None:
    config = tiny()
    net = build_net(config, channels=1, size=8, seed=0).train()
    weights = {name: value.clone() for name, value in net.state_dict().items()}
    random = torch.get_rng_state()
    batch = validation_batch(digits.validation, config.T, config.seed, CPU)
    losses = {validation_loss(net, Objective.of(config, CPU), batch) for _ in range(2)}
    assert len(losses) == 1
    assert torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(weights[name], value) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())
