from __future__ import annotations

import copy
import importlib
import math
import warnings

import pytest
import torch
from torch import Tensor, nn

from sweep.config.part_names import EmaStart
from sweep.training.ema import EMA_STARTS, ConstantEMA


class Counted(nn.Module):
    """A weight, a float buffer and an integer one, as batch norm has them."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3, dtype=dtype))
        self.register_buffer("mean", torch.zeros(3, dtype=dtype))
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))


def walk(net: Counted, averages: ConstantEMA, steps: int) -> list[Tensor]:
    """Random weights for `steps` steps, each taken in; returns them in float64."""
    draws = torch.Generator().manual_seed(0)
    path = []
    for _ in range(steps):
        value = torch.randn(3, generator=draws)
        with torch.no_grad():
            net.weight.copy_(value)
            net.mean.copy_(2 * value)
            net.calls += 1
        averages.update()
        path.append(net.weight.detach().double())
    return path


def closed_form(path: list[Tensor], d: float) -> Tensor:
    """sum_k d^(n-k) theta_k / sum_k d^(n-k), in float64."""
    n = len(path)
    shares = torch.tensor([d ** (n - k) for k in range(1, n + 1)], dtype=torch.float64)
    return (torch.stack(path) * shares[:, None]).sum(0) / shares.sum()


@pytest.mark.parametrize("steps", [1, 2, 10, 300])
def test_every_decay_is_its_closed_form(steps: int) -> None:
    net = Counted()
    averages = ConstantEMA(net, (0.5, 0.99, 0.9999))
    path = walk(net, averages, steps)
    for d in (0.5, 0.99, 0.9999):
        torch.testing.assert_close(averages.weights(d)["weight"].double(), closed_form(path, d), rtol=2e-5, atol=2e-6)
        assert torch.allclose(averages.weights(d)["mean"], 2 * averages.weights(d)["weight"], rtol=1e-5, atol=1e-6)


@pytest.mark.conformance
@pytest.mark.parametrize("decay", [0.5, 0.99, 0.9999])
def test_equals_diffusers_but_for_the_weight_of_its_first_step(decay: float) -> None:
    """theirs = sum_k (1 - d) d^(n-k) theta_k + d^n theta_1: it starts as a copy, of decay 0, and corrects no bias."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peer's imports, not ours
        peer = importlib.import_module("diffusers.training_utils").EMAModel
    net, draws = Counted(), torch.Generator().manual_seed(0)
    averages = ConstantEMA(net, (decay,))
    theirs = peer([net.weight], decay=decay, min_decay=decay, foreach=True)
    path = []
    for _ in range(40):
        with torch.no_grad():
            net.weight.copy_(torch.randn(3, generator=draws))
        averages.update()
        theirs.step([net.weight])
        path.append(net.weight.detach().double())
    expected = (theirs.shadow_params[0].double() - decay**40 * path[0]) / (1 - decay**40)
    torch.testing.assert_close(averages.weights(decay)["weight"].double(), expected, rtol=1e-3, atol=5e-5)


def decays_of(start: EmaStart, d: float, steps: int) -> list[float]:
    """d_1..d_n as the sources write them, in their own counts of steps."""
    told = []
    for k in range(steps):  # steps done before
        if start == "ramp":
            told.append(min(d, (1 + k) / (10 + k)) if k else 0.0)
        elif start == "ramp_power":
            told.append(min(d, 1 - (1 + k / 1.0) ** -0.75))
        elif start == "ramp_half_life":  # EDM counts in images, here 128 a step
            half_life = min(math.log(0.5) / math.log(d) * 128, 0.05 * k * 128)
            told.append(0.5 ** (128 / max(half_life, 1e-8)))
        else:
            told.append(d)
    return told


@pytest.mark.parametrize("start", EMA_STARTS)
@pytest.mark.parametrize("d", [0.5, 0.99, 0.9999])
def test_every_start_is_its_closed_form(start: EmaStart, d: float) -> None:
    """theta_bar_n = sum_k (1 - d_k) d_{k+1} ... d_n theta_k, and d_1 ... d_n theta_0 where it starts there."""
    net = Counted()
    with torch.no_grad():
        net.weight.fill_(3.0)
    averages = ConstantEMA(net, (0.9,), ((start, d),))
    path = walk(net, averages, 200)
    kept = decays_of(start, d, 200)
    expected = torch.full((3,), 3.0 if start == "initial" else 0.0, dtype=torch.float64)
    for theta, decay in zip(path, kept, strict=True):
        expected = decay * expected + (1 - decay) * theta
    if start == "corrected":
        expected = expected / (1 - math.prod(kept))
    torch.testing.assert_close(averages.weights(d, start)["weight"].double(), expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(
    ("start", "d", "step"),
    [
        ("ramp", 0.9, 81),
        ("ramp", 0.999, 8991),
        ("ramp_power", 0.999, 10_000),
        ("ramp_power", 0.9999, 215_444),
        ("ramp_half_life", 0.999, 13_858),
    ],
)
def test_a_ramp_reaches_its_decay_where_the_sources_say(start: EmaStart, d: float, step: int) -> None:
    assert EMA_STARTS[start](d, step) == pytest.approx(d, abs=1e-12)
    assert EMA_STARTS[start](d, step - 2) < d
    assert EMA_STARTS[start](d, 1) == 0.0


@pytest.mark.conformance
@pytest.mark.parametrize("decay", [0.5, 0.99, 0.9999])
@pytest.mark.parametrize(("start", "warmup"), [("ramp", False), ("ramp_power", True)])
def test_ramps_are_those_of_diffusers(start: EmaStart, warmup: bool, decay: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peer's imports, not ours
        peer = importlib.import_module("diffusers.training_utils").EMAModel
    net, draws = Counted(), torch.Generator().manual_seed(0)
    averages = ConstantEMA(net, (), ((start, decay),))
    theirs = peer([net.weight], decay=decay, use_ema_warmup=warmup, inv_gamma=1.0, power=0.75)
    for _ in range(120):
        with torch.no_grad():
            net.weight.copy_(torch.randn(3, generator=draws))
        averages.update()
        theirs.step([net.weight])
    assert averages.shares(120)[0] == pytest.approx(1 - theirs.cur_decay_value, abs=1e-9)
    torch.testing.assert_close(averages.weights(decay, start)["weight"], theirs.shadow_params[0], rtol=0, atol=1e-6)


def test_initial_weights_have_the_part_that_the_start_says() -> None:
    net = Counted()
    with torch.no_grad():
        net.weight.fill_(1.0)
    averages = ConstantEMA(net, (0.99,), (("initial", 0.99), ("ramp", 0.99)))
    with torch.no_grad():
        net.weight.zero_()
    for _ in range(100):
        averages.update()
    assert averages.weights(0.99, "initial")["weight"].tolist() == pytest.approx([0.99**100] * 3, rel=1e-4)
    assert averages.weights(0.99)["weight"].abs().max() == 0.0
    assert averages.weights(0.99, "ramp")["weight"].abs().max() == 0.0
    averages.restart((0.99,), (("initial", 0.5), ("ramp", 0.9)))  # at the weights of now, which are 0
    averages.update()
    assert averages.weights(0.5, "initial")["weight"].abs().max() == 0.0


def test_initial_weights_have_no_part() -> None:
    net = Counted()
    with torch.no_grad():
        net.weight.fill_(1e6)
    averages = ConstantEMA(net, (0.9999,))
    with torch.no_grad():
        net.weight.fill_(1.0)
    for _ in range(10):
        averages.update()
    assert averages.weights(0.9999)["weight"].tolist() == pytest.approx([1.0] * 3, rel=1e-5)
    # Started at the initial weights and not corrected, it would still be 99.9 % of them.
    assert 0.9999**10 * 1e6 > 9e5


def test_decay_0_is_the_net_itself_and_a_copy() -> None:
    net = Counted()
    averages = ConstantEMA(net, (0.9,))
    walk(net, averages, 5)
    raw = averages.weights(0.0)
    assert averages.decays == (0.0, 0.9)
    assert all(torch.equal(raw[name], value) for name, value in net.state_dict().items())
    with torch.no_grad():
        net.weight.zero_()
    assert raw["weight"].abs().sum() > 0


def test_integer_buffers_are_copied_and_not_averaged() -> None:
    net = Counted()
    averages = ConstantEMA(net, (0.9,))
    walk(net, averages, 7)
    calls = averages.weights(0.9)["calls"]
    assert calls.dtype == torch.int64
    assert calls.item() == 7
    net.load_state_dict(averages.weights(0.9))


def test_sums_are_float32_where_bfloat16_would_stand_still() -> None:
    net = Counted(torch.bfloat16)
    averages = ConstantEMA(net, (0.9999,))
    stalled = torch.zeros(3, dtype=torch.bfloat16)
    with torch.no_grad():
        net.weight.fill_(0.01)
    for _ in range(50):
        averages.update()
        stalled.lerp_(torch.ones(3, dtype=torch.bfloat16), 1e-4)
    with torch.no_grad():
        net.weight.fill_(1.0)
    for _ in range(5000):
        averages.update()
        stalled.lerp_(torch.ones(3, dtype=torch.bfloat16), 1e-4)
    # The wrong way: 1e-4 is less than half a unit in the last place from 0.03 on, and the average never arrives.
    assert stalled.max() < 0.1
    assert averages.weights(0.9999)["weight"].dtype == torch.bfloat16
    assert averages.weights(0.9999)["weight"].float().min() > 0.97


def test_a_copy_continues_bit_for_bit() -> None:
    net = Counted()
    averages = ConstantEMA(net, (0.5, 0.99))
    walk(net, averages, 5)
    other_net = Counted()
    other = ConstantEMA(other_net, (0.5, 0.99))
    other.load_state_dict(copy.deepcopy(averages.state_dict()))
    walk(net, averages, 5)
    walk(other_net, other, 5)
    for d in (0.5, 0.99):
        assert torch.equal(averages.weights(d)["weight"], other.weights(d)["weight"])
