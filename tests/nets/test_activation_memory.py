from __future__ import annotations

import pytest
import torch
from torch import nn

from sweep.nets.activation_memory import peak_activation_bytes

CPU = torch.device("cpu")


class Chain(nn.Module):
    """1 -> 8 -> 4 -> 1 channels by 1x1 convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(nn.Conv2d(a, b, 1) for a, b in ((1, 8), (8, 4), (4, 1))))

    def forward(self, x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layers(x)
        return out


@pytest.mark.parametrize("batch", [1, 16])
def test_the_peak_is_the_largest_sum_of_neighbouring_maps(batch: int) -> None:
    pixels = 4 * batch * 5 * 5
    assert peak_activation_bytes(Chain(), (batch, 1, 5, 5), CPU) == (8 + 4) * pixels


def test_it_is_the_same_in_inference_mode_and_after_other_work() -> None:
    net = Chain()
    first = peak_activation_bytes(net, (4, 1, 5, 5), CPU)
    with torch.inference_mode():
        net(torch.zeros(512, 1, 5, 5), torch.zeros(512, dtype=torch.int64))
        assert peak_activation_bytes(net, (4, 1, 5, 5), CPU) == first


def test_a_map_that_another_one_needs_counts_until_it_is_used() -> None:
    class Skip(Chain):
        def forward(self, x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
            first, second, last = self.layers
            wide = first(x)
            return last(second(wide)) + wide[:, :1]

    # 8 channels wait; 4 + 1, then 1 + 1 beside them.
    assert peak_activation_bytes(Skip(), (1, 1, 5, 5), CPU) == (8 + 4 + 1) * 100
