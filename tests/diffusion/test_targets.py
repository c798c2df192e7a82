from __future__ import annotations

import pytest
import torch

from sweep.diffusion.feasibility import check_target
from sweep.diffusion.noise import sample_noise
from sweep.diffusion.process import Diffusion
from sweep.diffusion.schedules import BETA_SCHEDULES, beta_schedule
from sweep.diffusion.targets import TARGETS, epsilon_from_x0, predicted_x0, target_for
from sweep.errors import InfeasibleConfig

X0 = sample_noise(0, torch.arange(5), 0, (3, 4, 4), "cpu").clamp(-1, 1)
NOISE = sample_noise(0, torch.arange(5), 1, (3, 4, 4), "cpu")


@pytest.mark.parametrize("T", [21, 1000])
@pytest.mark.parametrize("schedule", BETA_SCHEDULES)
@pytest.mark.parametrize("target", TARGETS)
def test_a_perfect_prediction_recovers_x0(target: str, schedule: str, T: int) -> None:
    betas = beta_schedule(schedule, T)
    diffusion, i = Diffusion.from_betas(betas), torch.tensor([0, 1, T // 2, T - 2, T - 1])
    if schedule == "jsd" and target == "epsilon":
        with pytest.raises(InfeasibleConfig):
            check_target(target, betas)
        i = i.clamp(max=T - 2)
    x_t = diffusion.q_sample(X0, i, NOISE)
    x0 = predicted_x0(target, diffusion, target_for(target, diffusion, X0, NOISE, x_t, i), x_t, i)
    # float32 error of the target, times what the way back multiplies it by
    gain = {
        "epsilon": 1 / diffusion.sqrt_alphas_bar,
        "posterior_mean": 1 / diffusion.posterior_mean_x0,
    }.get(target, torch.ones(T))[i]
    error = (x0 - X0).abs().flatten(1).amax(1)
    assert (error <= 1e-6 * (1 + gain)).all(), error / gain


def test_v_is_its_definition() -> None:
    diffusion, i = Diffusion.from_betas(beta_schedule("linear", 1000)), torch.tensor([0, 1, 10, 500, 999])
    x_t = diffusion.q_sample(X0, i, NOISE)
    v = target_for("v", diffusion, X0, NOISE, x_t, i)
    a, s = diffusion.at(diffusion.sqrt_alphas_bar, i), diffusion.at(diffusion.sqrt_one_minus_alphas_bar, i)
    assert torch.allclose(v, a * NOISE - s * X0, atol=1e-6)
    # Salimans & Ho 2022, app. D: both other quantities from (x_t, v)
    assert torch.allclose(s * x_t + a * v, NOISE, atol=1e-5)
    wrong_sign = predicted_x0("v", diffusion, s * X0 - a * NOISE, x_t, i)
    assert not torch.allclose(wrong_sign, X0, atol=0.1)


def test_v_at_zero_terminal_snr_is_minus_x0() -> None:
    diffusion, i = Diffusion.from_betas(beta_schedule("jsd", 100)), torch.full((5,), 99)
    x_T = diffusion.q_sample(X0, i, NOISE)
    assert torch.equal(x_T, NOISE)
    assert torch.allclose(target_for("v", diffusion, X0, NOISE, x_T, i), -X0)


def test_posterior_mean_is_eq_11_of_the_noise() -> None:
    diffusion, i = Diffusion.from_betas(beta_schedule("linear", 1000)), torch.tensor([1, 5, 10, 500, 999])
    x_t = diffusion.q_sample(X0, i, NOISE)
    mean = target_for("posterior_mean", diffusion, X0, NOISE, x_t, i)
    b, a = diffusion.at(diffusion.betas, i), diffusion.at(diffusion.alphas, i)
    eq_11 = (x_t - b / diffusion.at(diffusion.sqrt_one_minus_alphas_bar, i) * NOISE) / a.sqrt()
    assert torch.allclose(mean, eq_11, atol=2e-5)


def test_epsilon_follows_a_clipped_x0() -> None:
    diffusion, i = Diffusion.from_betas(beta_schedule("linear", 1000)), torch.full((5,), 300)
    x_t = diffusion.q_sample(X0, i, NOISE)
    assert torch.allclose(epsilon_from_x0(diffusion, X0, x_t, i), NOISE, atol=1e-5)
    clipped = epsilon_from_x0(diffusion, X0.clamp(-0.1, 0.1), x_t, i)
    again = diffusion.q_sample(X0.clamp(-0.1, 0.1), i, clipped)
    assert torch.allclose(again, x_t, atol=1e-6)
    assert not torch.allclose(clipped, NOISE, atol=0.1)


def test_shapes_are_checked() -> None:
    diffusion = Diffusion.from_betas(beta_schedule("linear", 10))
    with pytest.raises(AssertionError):
        predicted_x0("epsilon", diffusion, torch.zeros(2, 6, 4, 4), torch.zeros(2, 3, 4, 4), torch.tensor([0, 1]))
