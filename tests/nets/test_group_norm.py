from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from sweep.nets.group_norm import group_norm, in_rows
from sweep.nets.layers import GROUP_NORM_EPS

LAST = torch.channels_last
# Channels, groups and pixels of the presets on a CPU, all with groups that leave vectors partly empty.
RAGGED = [(24, 8, 8), (72, 8, 8), (96, 8, 4), (32, 8, 28), (128, 32, 16), (8, 4, 2), (5, 1, 3)]


def drawn(channels: int, pixels: int, *, batch: int = 3) -> list[Tensor]:
    """x, weight, bias, and a gradient; each channel of each image has a level of its own, as after a time embedding."""
    generator = torch.Generator().manual_seed(channels)
    shape = (batch, channels, pixels, pixels)
    x = torch.randn(shape, generator=generator) + torch.randn(*shape[:2], 1, 1, generator=generator)
    weight, bias = torch.randn(2, channels, generator=generator)
    return [x, 1 + 0.2 * weight, 0.2 * bias, torch.randn(shape, generator=generator)]


def with_gradients(norm: Any, tensors: list[Tensor], groups: int) -> list[Tensor]:
    x, weight, bias, gradient = tensors
    leaves = [tensor.detach().requires_grad_() for tensor in (x, weight, bias)]
    out = norm(leaves[0], groups, *leaves[1:], GROUP_NORM_EPS)
    return [out.detach(), *torch.autograd.grad(out, leaves, gradient)]


@pytest.mark.parametrize(("channels", "groups", "pixels"), RAGGED)
def test_equals_the_operator_with_its_gradients(channels: int, groups: int, pixels: int) -> None:
    tensors = drawn(channels, pixels)
    exact = with_gradients(F.group_norm, [tensor.double() for tensor in tensors], groups)
    told = [tensor.contiguous(memory_format=LAST) if tensor.ndim == 4 else tensor for tensor in tensors]
    assert in_rows(told[0], groups)
    for ours, reference in zip(with_gradients(group_norm, told, groups), exact, strict=True):
        assert (ours - reference).abs().max() <= 1e-6 * max(1.0, float(reference.abs().max()))


@pytest.mark.parametrize(("channels", "groups", "pixels"), RAGGED)
def test_stays_in_the_layout_and_has_the_same_bits_without_gradients(channels: int, groups: int, pixels: int) -> None:
    x, weight, bias, _ = drawn(channels, pixels)
    x = x.contiguous(memory_format=LAST)
    with_graph = group_norm(x, groups, weight.requires_grad_(), bias, GROUP_NORM_EPS)
    with torch.no_grad():
        without = group_norm(x, groups, weight, bias, GROUP_NORM_EPS)
    assert torch.equal(with_graph, without)
    assert with_graph.is_contiguous(memory_format=LAST)
    assert with_graph.requires_grad
    assert not without.requires_grad


def test_images_of_a_batch_do_not_see_each_other() -> None:
    x, weight, bias, _ = drawn(24, 8, batch=5)
    x = x.contiguous(memory_format=LAST)
    whole = group_norm(x, 8, weight, bias, GROUP_NORM_EPS)
    for k in range(5):
        alone = group_norm(x[k : k + 1].contiguous(memory_format=LAST), 8, weight, bias, GROUP_NORM_EPS)
        torch.testing.assert_close(alone, whole[k : k + 1], atol=1e-6, rtol=1e-6)


def test_a_group_of_equal_values_is_its_bias() -> None:
    # Rounding may leave a variance below 0, whose root is not a number.
    x = torch.full((2, 24, 8, 8), 1.1).contiguous(memory_format=LAST)
    weight, bias = torch.ones(24), torch.arange(24.0)
    told = group_norm(x, 8, weight, bias, GROUP_NORM_EPS)
    torch.testing.assert_close(told, bias.view(1, -1, 1, 1).expand_as(told), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("x", "operator"),
    [
        (torch.ones(2, 24, 4, 4).contiguous(memory_format=LAST), False),
        (torch.ones(2, 24, 4, 4), True),
        (torch.ones(2, 64, 4, 4).contiguous(memory_format=LAST), True),
        (torch.ones(2, 24, 4, 4).double().contiguous(memory_format=LAST), True),
        (torch.ones(2, 24, 1, 1), True),
    ],
    ids=["ragged", "contiguous", "whole vectors", "float64", "one pixel"],
)
def test_the_operator_computes_what_it_is_fast_at(x: Tensor, operator: bool) -> None:
    called: list[object] = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            called.append(func)
            return func(*args, **(kwargs or {}))

    ones = torch.ones(x.shape[1], dtype=x.dtype)
    with Watch():
        group_norm(x, 8, ones, ones, GROUP_NORM_EPS)
    assert (torch.ops.aten.native_group_norm.default in called) == operator
