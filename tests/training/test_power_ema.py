from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from sweep.errors import UsageError
from sweep.training.power_ema import PowerEMA, Snapshot, reconstruct
from sweep.training.power_profiles import (
    coefficients,
    exponent_of_std,
    power_beta,
    profile_product,
    std_of_exponent,
)

N = 2000


def trajectory(stds: tuple[float, ...], every: int, steps: int = N) -> tuple[list[Snapshot], PowerEMA]:
    """A weight that drifts and rattles; snapshots of its averages every `every` steps."""
    net = nn.Linear(1, 4, bias=False)
    averages = PowerEMA(net, stds)
    draws = torch.Generator().manual_seed(0)
    snapshots = []
    for step in range(1, steps + 1):
        with torch.no_grad():
            net.weight.copy_(torch.randn(4, 1, generator=draws) * 0.3 + math.exp(-3 * step / steps))
        averages.update()
        if step % every == 0:
            snapshots += averages.snapshots()
    return snapshots, averages


# EDM2, section 3.2: sigma_rel 0.05 and 0.10 are gamma 16.97 and 6.94.
def test_the_papers_exponents() -> None:
    assert exponent_of_std(0.05) == pytest.approx(16.97, abs=0.005)
    assert exponent_of_std(0.10) == pytest.approx(6.94, abs=0.005)


@pytest.mark.parametrize("std", [0.01, 0.05, 0.1, 0.2, 0.28])
def test_width_and_exponent_are_inverse_and_mean_what_they_say(std: float) -> None:
    gamma = exponent_of_std(std)
    assert std_of_exponent(gamma) == pytest.approx(std, rel=1e-9)
    tau = (np.arange(200_000) + 0.5) / 200_000
    profile = tau**gamma / (tau**gamma).sum()
    mean = (profile * tau).sum()
    assert math.sqrt((profile * (tau - mean) ** 2).sum()) == pytest.approx(std, rel=1e-4)


def test_first_beta_forgets_the_initial_weights() -> None:
    assert power_beta(1, 6.94) == 0.0
    assert power_beta(2, 1.0) == pytest.approx(0.25)


def test_average_is_its_closed_form() -> None:
    # The product of the betas telescopes: theta_k has the share (k/n)^(gamma+1) - ((k-1)/n)^(gamma+1).
    net = nn.Linear(1, 1, bias=False)
    averages = PowerEMA(net, (0.1,))
    values = np.random.default_rng(0).normal(size=50)
    for value in values:
        with torch.no_grad():
            net.weight.fill_(float(value))
        averages.update()
    edges = (np.arange(51) / 50) ** (exponent_of_std(0.1) + 1)
    assert averages.snapshots()[0].weights["weight"].item() == pytest.approx((np.diff(edges) * values).sum(), rel=1e-5)


def test_profile_product_is_its_integral() -> None:
    tau = (np.arange(400_000) + 0.5) / 400_000 * 100

    def profile(t: float, gamma: float) -> np.ndarray:
        return np.where(tau <= t, (gamma + 1) * (tau / t) ** gamma / t, 0.0)

    for a, b in [((60, 5.0), (100, 17.0)), ((100, 5.0), (40, 17.0)), ((80, 7.0), (80, 7.0))]:
        integral = (profile(*a) * profile(*b)).sum() * 100 / len(tau)
        assert profile_product(*a, *b) == pytest.approx(integral, rel=1e-3)


@pytest.mark.parametrize("std", [0.075, 0.12])
def test_an_untracked_width_is_recovered_from_snapshots(std: float) -> None:
    snapshots, _ = trajectory((0.05, 0.10), every=N // 40)
    _, tracked = trajectory((std,), every=N)
    wanted = tracked.snapshots()[0].weights["weight"]
    made = reconstruct(snapshots, std)["weight"]
    assert (made - wanted).norm() / wanted.norm() < 0.01
    # The nearest tracked average, taken as it is, is much further off.
    nearest = snapshots[-1].weights["weight"]
    assert (nearest - wanted).norm() > 4 * (made - wanted).norm()


def test_a_tracked_width_comes_back_exactly() -> None:
    snapshots, averages = trajectory((0.05, 0.10), every=N // 8)
    tracked = averages.snapshots()[0].weights["weight"]
    torch.testing.assert_close(reconstruct(snapshots, 0.05)["weight"], tracked, rtol=1e-5, atol=1e-6)


# Profile errors from a separate computation, to its two digits: 20,000 steps, 8 snapshots of two widths.
@pytest.mark.parametrize(("std", "error"), [(0.02, 0.25), (0.075, 0.013), (0.15, 0.033)])
def test_profile_error(std: float, error: float) -> None:
    profiles = [(s, 2500 * k) for k in range(1, 9) for s in (0.05, 0.10)]
    x, ours = coefficients(profiles, std, 20_000)
    assert sum(x) == pytest.approx(1.0)
    assert ours == pytest.approx(error, rel=0.05)


@pytest.mark.parametrize("std", [0.0, 0.01, 0.025, 0.27, 0.29, 0.5])
def test_what_snapshots_cannot_represent_is_refused_with_the_range(std: float) -> None:
    snapshots, _ = trajectory((0.05, 0.10), every=N // 16)
    with pytest.raises(UsageError, match=r"between 0\.0[34]\d and 0\.(1|2)\d\d"):
        reconstruct(snapshots, std)


def test_coefficients_of_narrow_targets_explode() -> None:
    # Why the range has a lower end: without it these differences of large numbers would be taken for weights.
    profiles = [(s, 500 * k) for k in range(1, 41) for s in (0.05, 0.10)]
    x, _ = coefficients(profiles, 0.012, 20_000)
    assert max(map(abs, x)) > 10


def test_a_copy_continues_bit_for_bit() -> None:
    _, averages = trajectory((0.05, 0.10), every=10, steps=20)
    net = nn.Linear(1, 4, bias=False)
    other = PowerEMA(net, (0.05, 0.10))
    other.load_state_dict(copy.deepcopy(averages.state_dict()))
    with torch.no_grad():
        net.weight.copy_(averages.live["weight"])
    averages.update()
    other.update()
    for a, b in zip(averages.snapshots(), other.snapshots(), strict=True):
        assert (a.std, a.step) == (b.std, b.step)
        assert torch.equal(a.weights["weight"], b.weights["weight"])
