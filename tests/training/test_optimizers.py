from __future__ import annotations

import copy
from typing import Any, get_args

import pytest
import pytorch_optimizer
import torch
from torch import nn

from sweep.config.part_names import Optimizer as OptimizerName
from sweep.config.run import TrainSettings
from sweep.training.adabelief import AdaBelief
from sweep.training.optimizers import OPTIMIZERS, build_optimizer, set_lr

NAMES = get_args(OptimizerName)


def settings(name: str, **changes: Any) -> TrainSettings:
    return TrainSettings(optimizer=name, **({"lr": 0.01} | changes))


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.SiLU(), nn.Linear(8, 2))


def descend(model: nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> None:
    for step in steps:
        x = torch.randn(16, 4, generator=torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        (model(x) - x[:, :2].sin()).square().mean().backward()
        optimizer.step()


def moved(name: str, gradient: float, *, start: float = 0.0, steps: int = 1, **changes: Any) -> float:
    """How far a weight has moved after `steps` equal gradients."""
    weight = nn.Parameter(torch.full((1,), start))
    optimizer = build_optimizer(settings(name, **changes), [weight])
    for _ in range(steps):
        weight.grad = torch.full((1,), gradient)
        optimizer.step()
    return start - weight.item()


def test_registry_and_config_have_the_same_names() -> None:
    assert set(OPTIMIZERS) == set(NAMES)


@pytest.mark.conformance
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("eps", [1e-16, 1e-8])
def test_adabelief_is_that_of_pytorch_optimizer(weight_decay: float, eps: float) -> None:
    ours, theirs = net(), net()
    constants = {"betas": (0.9, 0.99), "eps": eps, "weight_decay": weight_decay}
    descend(ours, AdaBelief(list(ours.parameters()), torch.tensor(0.01), **constants), range(50))
    peer = pytorch_optimizer.AdaBelief(theirs.parameters(), lr=0.01, rectify=False, weight_decouple=True, **constants)
    descend(theirs, peer, range(50))
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-6)


# First steps by hand, from the papers' algorithms. Adam: m / sqrt(v) = sign(g). RAdam leaves the variance out for five
# steps: lr g. AdaBelief: g - m = beta_1 g, hence 1 / beta_1. RMSprop, no bias correction: g / sqrt((1 - alpha) g^2).
@pytest.mark.parametrize(
    ("name", "distance"),
    [
        ("adam", 0.01),
        ("adamw", 0.01),
        ("radam", 0.01 * 1e-5),
        ("adabelief", 0.01 / 0.9),
        ("rmsprop", 0.01 / 0.001**0.5),
    ],
)
def test_first_step(name: str, distance: float) -> None:
    # A gradient of 1e-5 is usual here. With config.eps taken for AdaBelief's own, its step would be 300 times shorter.
    assert moved(name, 1e-5) == pytest.approx(distance, rel=0.04)


def test_weight_decay_is_decoupled_where_the_method_says_so() -> None:
    for name in ("adamw", "adabelief"):
        plain, decayed = moved(name, 1.0, start=1.0), moved(name, 1.0, start=1.0, weight_decay=0.1)
        assert decayed - plain == pytest.approx(0.01 * 0.1, rel=1e-3)
    # An L2 penalty changes the gradient, of which Adam keeps the sign only.
    assert moved("adam", 1.0, start=1.0, weight_decay=0.1) == pytest.approx(0.01, rel=1e-4)
    assert moved("radam", 1.0, start=1.0, weight_decay=0.1) == pytest.approx(0.01 * 1.1, rel=1e-4)


def test_rmsprop_expresses_the_setting_of_ho() -> None:
    # Decay 0.95 and momentum 0.9 over two equal gradients, by hand.
    v_1, v_2 = 0.05, 0.95 * 0.05 + 0.05
    buffer_1 = v_1**-0.5
    buffer_2 = 0.9 * buffer_1 + v_2**-0.5
    assert moved("rmsprop", 1.0, steps=2, betas=(0.9, 0.95)) == pytest.approx(0.01 * (buffer_1 + buffer_2), rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_lr_is_a_tensor_that_the_next_step_reads(name: str) -> None:
    model = net()
    optimizer = build_optimizer(settings(name, weight_decay=0.1), model.parameters())
    assert isinstance(optimizer.param_groups[0]["lr"], torch.Tensor)
    descend(model, optimizer, range(2))
    before = copy.deepcopy(model.state_dict())
    set_lr(optimizer, torch.tensor(0.0))
    descend(model, optimizer, range(2, 4))
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key])
    set_lr(optimizer, torch.tensor(0.01))
    descend(model, optimizer, range(4, 5))
    assert not torch.equal(model[0].weight, before["0.weight"])


@pytest.mark.parametrize("name", NAMES)
def test_state_is_float32_and_continues_from_a_copy(name: str) -> None:
    whole, parts = net(), net()
    uninterrupted = build_optimizer(settings(name, weight_decay=0.1), whole.parameters())
    descend(whole, uninterrupted, range(10))
    first = build_optimizer(settings(name, weight_decay=0.1), parts.parameters())
    descend(parts, first, range(4))
    second = build_optimizer(settings(name, weight_decay=0.1), parts.parameters())
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    descend(parts, second, range(4, 10))
    for a, b in zip(whole.parameters(), parts.parameters(), strict=True):
        assert torch.equal(a, b)
    moments = [t for state in second.state.values() for t in state.values() if isinstance(t, torch.Tensor) and t.ndim]
    assert moments
    assert {t.dtype for t in moments} == {torch.float32}
