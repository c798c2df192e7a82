"""Initial weights: the distribution of Ho et al. 2020 (released code), and independence of global state."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from sweep.nets.initialisation import NearZeroConv2d, NearZeroLinear, StackedLinear, initialise


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("layer", "std"),
    [
        # std = sqrt(scale / mean fan); a 3x3 kernel counts nine times in both fans.
        (nn.Conv2d(64, 64, 3), math.sqrt(1 / (9 * 64))),
        (nn.Conv2d(64, 128, 1), math.sqrt(1 / 96)),
        (nn.Linear(128, 512), math.sqrt(1 / 320)),
        (NearZeroConv2d(64, 64, 3), 1e-5 / math.sqrt(9 * 64)),
        (NearZeroLinear(256, 256), 1e-5 / math.sqrt(256)),
        # One layer of fan 3 x 256 would have sqrt(1 / 512), a factor of sqrt(2) less.
        (StackedLinear(256, parts=3), math.sqrt(1 / 256)),
    ],
)
def test_weights_have_the_variance_of_their_fan(layer: nn.Conv2d | nn.Linear, std: float) -> None:
    initialise(layer, seeded())
    assert layer.weight.std().item() == pytest.approx(std, rel=0.03)
    # Uniform, not normal: nothing lies past sqrt(3) standard deviations, and something lies near it.
    assert 0.99 < layer.weight.abs().max().item() / (math.sqrt(3) * std) <= 1 + 1e-6
    assert layer.bias is not None
    assert layer.bias.abs().max() == 0


def test_norms_start_as_the_identity() -> None:
    norm = nn.GroupNorm(2, 4)
    with torch.no_grad():
        norm.weight.fill_(7)
        norm.bias.fill_(7)
    initialise(norm, seeded())
    assert norm.weight.tolist() == [1, 1, 1, 1]
    assert norm.bias.tolist() == [0, 0, 0, 0]


def test_same_seed_same_weights_whatever_the_global_stream() -> None:
    nets = []
    for global_seed in (1, 2):
        torch.manual_seed(global_seed)
        nets.append(nn.Linear(8, 8))
        initialise(nets[-1], seeded(5))
    assert torch.equal(nets[0].weight, nets[1].weight)


def test_the_global_stream_is_not_advanced() -> None:
    net = nn.Linear(8, 8)
    before = torch.random.get_rng_state()
    initialise(net, seeded())
    assert torch.equal(before, torch.random.get_rng_state())


def test_memory_format_does_not_change_the_weights() -> None:
    nets = [nn.Conv2d(4, 8, 3), nn.Conv2d(4, 8, 3).to(memory_format=torch.channels_last)]
    for net in nets:
        initialise(net, seeded())
    assert torch.equal(nets[0].weight, nets[1].weight)


def test_a_layer_without_a_rule_is_refused() -> None:
    with pytest.raises(AssertionError, match="Embedding"):
        initialise(nn.Embedding(3, 4), seeded())
