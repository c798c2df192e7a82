"""Samplers against closed forms; `test_coefficients.py` has the tables, `test_conformance.py` the peers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from sweep.diffusion.noise import sample_noise
from sweep.diffusion.process import REVERSE_VARIANCES, Diffusion
from sweep.diffusion.reverse import X0_CLIPS
from sweep.diffusion.samplers import (
    SAMPLERS,
    SamplerState,
    SamplingPlan,
    denoise_from,
    reverse_step,
    sample,
    step_table,
)
from sweep.diffusion.schedules import BETA_SCHEDULES, beta_schedule
from sweep.diffusion.spacing import SPACINGS, sampling_indices
from sweep.diffusion.targets import TARGETS, epsilon_from_x0, target_for
from sweep.errors import InfeasibleConfig, UsageError

MEAN, SPREAD = 0.3, 0.4
SHAPE = (2048, 1, 2, 2)


def noise_of(shape: tuple[int, ...], noise_set: int = 0) -> Callable[[int], torch.Tensor]:
    return lambda k: sample_noise(noise_set, torch.arange(shape[0]), k, shape[1:], "cpu")


def optimal(diffusion: Diffusion, target: str) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """The best network for data N(MEAN, SPREAD^2): E[x_0 | x_t], linear in x_t, stated as `target`."""

    def denoise(x_t: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
        a = diffusion.at(diffusion.sqrt_alphas_bar, i)
        variance = a**2 * SPREAD**2 + diffusion.at(1 - diffusion.alphas_bar, i)
        x0 = MEAN + a * SPREAD**2 / variance * (x_t - a * MEAN)
        return target_for(target, diffusion, x0, epsilon_from_x0(diffusion, x0, x_t, i), x_t, i)

    return denoise


# alphas_bar now and after the step -> p, q, r of x <- p x + q x_0(x) + r z
Step = Callable[[float, float], tuple[float, float, float]]


def linear_steps(betas: np.ndarray, indices: np.ndarray, step: Step) -> Iterator[tuple[float, float, float]]:
    """Gain, shift and noise of each step, with the optimal network's x_0(x) = c x + d put in."""
    alphas_bar = np.cumprod(1 - betas)
    for now, after in pairwise([*alphas_bar[indices], 1.0]):
        p, q, r = step(now, after)
        c = math.sqrt(now) * SPREAD**2 / (now * SPREAD**2 + 1 - now)
        d = MEAN * (1 - c * math.sqrt(now))
        yield p + q * c, q * d, r if after < 1 else 0.0


# Ho et al. 2020, eq. 7 and 6, on the visited chain: alpha_t is the ratio of two alphas_bar
def ancestral_step(large: bool) -> Step:
    def step(now: float, after: float) -> tuple[float, float, float]:
        alpha = now / after
        p, q = math.sqrt(alpha) * (1 - after) / (1 - now), math.sqrt(after) * (1 - alpha) / (1 - now)
        return p, q, math.sqrt((1 - alpha) * (1 if large else (1 - after) / (1 - now)))

    return step


# Song et al. 2021, eq. 12 and 16, by way of epsilon
def ddim_step(eta: float) -> Step:
    def step(now: float, after: float) -> tuple[float, float, float]:
        sigma = eta * math.sqrt((1 - after) / (1 - now)) * math.sqrt(1 - now / after)
        epsilon_per_x, epsilon_per_x0 = 1 / math.sqrt(1 - now), -math.sqrt(now / (1 - now))
        direction = math.sqrt(max(1 - after - sigma**2, 0))
        return direction * epsilon_per_x, math.sqrt(after) + direction * epsilon_per_x0, sigma

    return step


SAMPLER_STEPS: dict[str, tuple[dict[str, Any], Step]] = {
    "fixed_small": ({"sampler": "ancestral"}, ancestral_step(large=False)),
    "fixed_large": ({"sampler": "ancestral", "variance": "fixed_large"}, ancestral_step(large=True)),
    "ddim": ({"sampler": "ddim"}, ddim_step(0)),
    "eta 0.5": ({"sampler": "ddim", "eta": 0.5}, ddim_step(0.5)),
    "eta 1": ({"sampler": "ddim", "eta": 1.0}, ancestral_step(large=False)),  # Song et al. 2021, sec. 4.1
    "dpmpp_2m, one step": ({"sampler": "dpmpp_2m"}, ddim_step(0)),
}


@pytest.mark.parametrize("name", SAMPLER_STEPS)
@pytest.mark.parametrize("spacing", ["trailing", "linspace", "leading"])
@pytest.mark.parametrize("schedule", BETA_SCHEDULES)
def test_trajectories_on_gaussian_data(schedule: str, spacing: str, name: str) -> None:
    """Sample by sample, from the same noise, against the papers' equations in float64."""
    options, step = SAMPLER_STEPS[name]
    steps = 2 if name == "dpmpp_2m, one step" else 12
    betas = beta_schedule(schedule, 60)
    plan = SamplingPlan(steps=steps, target="v", spacing=spacing, x0_clip="none", **options)
    noise = noise_of((8, 1, 2, 2))
    x = noise(0).double()
    for k, (gain, shift, r) in enumerate(linear_steps(betas, sampling_indices(spacing, 60, steps), step)):
        x = gain * x + shift + r * noise(k + 1).double()
    ours = _unclamped(Diffusion.from_betas(betas), plan, (8, 1, 2, 2))
    assert torch.allclose(ours.double(), x, atol=2e-5)


# Lu et al. 2022 (DPM-Solver++), algorithm 2, in lambda; the first step and the last are of first order
def dpmpp_2m_moments(betas: np.ndarray, indices: np.ndarray) -> tuple[float, float]:
    """Mean and variance of its samples: x and x_0 are both gain x_T + shift, with x_T ~ N(0, 1)."""
    alphas_bar = np.cumprod(1 - betas)
    x, before, h_before = np.array([1.0, 0.0]), np.zeros(2), math.inf
    for now, after in pairwise([*alphas_bar[indices], 1.0]):
        c = math.sqrt(now) * SPREAD**2 / (now * SPREAD**2 + 1 - now)
        x0 = c * x + np.array([0.0, MEAN * (1 - c * math.sqrt(now))])
        with np.errstate(divide="ignore"):
            h = 0.5 * (np.log(after) - np.log(1 - after) - np.log(now) + np.log(1 - now))
        r = math.inf if after == 1.0 or math.isinf(h_before) else h_before / h
        D = (1 + 1 / (2 * r)) * x0 - 1 / (2 * r) * before
        x = math.sqrt((1 - after) / (1 - now)) * x - math.sqrt(after) * math.expm1(-h) * D
        before, h_before = x0, h
    return float(x[1]), float(x[0] ** 2)


@pytest.mark.parametrize("name", ["fixed_small", "fixed_large", "ddim", "eta 0.5", "dpmpp_2m"])
@pytest.mark.parametrize("schedule", BETA_SCHEDULES)
def test_moments_on_gaussian_data(schedule: str, name: str) -> None:
    """Mean and variance of many samples against those of the linear recursion, bias of short chains included.

    The network states the optimal epsilon wherever one can be sampled from, that is but for zero terminal SNR.
    """
    betas = beta_schedule(schedule, 60)
    target = "v" if schedule == "jsd" else "epsilon"
    options = {"sampler": name} if name == "dpmpp_2m" else SAMPLER_STEPS[name][0]
    plan = SamplingPlan(steps=12, target=target, x0_clip="none", **options)
    indices = sampling_indices("trailing", 60, 12)
    if name == "dpmpp_2m":
        mean, variance = dpmpp_2m_moments(betas, indices)
    else:
        mean, variance = 0.0, 1.0
        for gain, shift, r in linear_steps(betas, indices, SAMPLER_STEPS[name][1]):
            mean, variance = gain * mean + shift, gain**2 * variance + r**2
    x = _unclamped(Diffusion.from_betas(betas), plan, SHAPE).double()
    assert x.mean().item() == pytest.approx(mean, abs=5 * math.sqrt(variance / x.numel()))
    assert x.var().item() == pytest.approx(variance, rel=5 * math.sqrt(2 / x.numel()))


def _unclamped(diffusion: Diffusion, plan: SamplingPlan, shape: tuple[int, ...]) -> torch.Tensor:
    """`sample` without its last clamp, which would cut the tails of a Gaussian."""
    noise, denoise = noise_of(shape), optimal(diffusion, plan.target)
    indices = sampling_indices(plan.spacing, diffusion.timesteps, plan.steps)
    table = step_table(diffusion, plan, indices)
    state = SamplerState(noise(0), torch.zeros(shape))
    for k in range(len(indices)):
        state = reverse_step(denoise, diffusion, plan, table, k, state, noise(k + 1) if table.draws[k] else None)
    assert torch.equal(state.x.clamp(-1, 1), sample(denoise, diffusion, shape=shape, noise=noise, plan=plan))
    return state.x


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("schedule", ["linear_scaled", "cosine", "sigmoid_alphas_bar", "jsd"])
def test_all_steps_reach_the_data(schedule: str, sampler: str) -> None:
    """Fine steps from a schedule that ends in noise give N(MEAN, SPREAD^2), whichever the sampler."""
    diffusion = Diffusion.from_betas(beta_schedule(schedule, 200))
    plan = SamplingPlan(sampler=sampler, steps=200, target="v", x0_clip="none")
    x = _unclamped(diffusion, plan, SHAPE).double()
    assert x.mean().item() == pytest.approx(MEAN, abs=0.02)
    assert x.std().item() == pytest.approx(SPREAD, rel=0.05)


def test_a_schedule_that_keeps_signal_biases_samples() -> None:
    """linear at T = 100 leaves 36 % of the signal's variance in x_T; starting from N(0, I) cannot be right."""
    diffusion = Diffusion.from_betas(beta_schedule("linear", 100))
    x = _unclamped(diffusion, SamplingPlan(sampler="ddim", steps=100, target="v", x0_clip="none"), SHAPE)
    # Probability-flow ODE of Gaussian data: (x - a m) / sqrt(a^2 s^2 + 1 - a^2) is constant in t
    a = math.sqrt(diffusion.alphas_bar[-1].item())
    spread = math.sqrt(a**2 * SPREAD**2 + 1 - a**2)
    assert x.mean().item() == pytest.approx(MEAN - SPREAD * a * MEAN / spread, abs=0.02)
    assert x.mean().item() < MEAN - 0.05


@pytest.mark.parametrize(("sampler", "spacing"), [("ddim", "trailing"), ("dpmpp_2m", "trailing"), ("heun", "linspace")])
def test_order_of_the_deterministic_samplers(sampler: str, spacing: str) -> None:
    """Error of the ODE against its closed form: second order falls much faster with the number of steps."""
    diffusion = Diffusion.from_betas(beta_schedule("linear", 1000))
    a = math.sqrt(diffusion.alphas_bar[-1].item())
    x_T = noise_of((8, 1, 2, 4))(0)
    exact = MEAN + SPREAD * (x_T - a * MEAN) / math.sqrt(a**2 * SPREAD**2 + 1 - a**2)
    errors = []
    for steps in (20, 80):
        plan = SamplingPlan(sampler=sampler, steps=steps, target="epsilon", spacing=spacing, x0_clip="none")
        x = sample(
            optimal(diffusion, "epsilon"), diffusion, shape=(8, 1, 2, 4), noise=noise_of((8, 1, 2, 4)), plan=plan
        )
        errors.append((x - exact.clamp(-1, 1)).abs().max().item())
    if sampler == "ddim":
        assert 2.5 < errors[0] / errors[1] < 6
    else:
        assert errors[0] / errors[1] > 6
        assert errors[1] < 3e-3


class TestContract:
    diffusion = Diffusion.from_betas(beta_schedule("linear", 50))

    @pytest.mark.parametrize("clip", X0_CLIPS)
    @pytest.mark.parametrize("variance", REVERSE_VARIANCES)
    @pytest.mark.parametrize("target", TARGETS)
    @pytest.mark.parametrize("sampler", SAMPLERS)
    def test_a_wild_network_still_gives_images(self, sampler: str, target: str, variance: str, clip: str) -> None:
        plan = SamplingPlan(sampler=sampler, steps=7, target=target, variance=variance, x0_clip=clip, eta=0.5)
        shape = (3, 2, 4, 4)
        x = sample(
            lambda x, _i: torch.cat([50 * x, x.tanh()], dim=1).bfloat16(),
            self.diffusion,
            shape=shape,
            noise=noise_of(shape),
            plan=plan,
        )
        assert x.shape == shape
        assert x.dtype == torch.float32
        assert not x.isnan().any()
        assert x.abs().max() <= 1

    @pytest.mark.parametrize("spacing", SPACINGS)
    @pytest.mark.parametrize("sampler", SAMPLERS)
    def test_network_sees_indices_of_the_whole_chain(self, sampler: str, spacing: str) -> None:
        seen: list[int] = []

        def denoise(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
            assert i.shape == (2,)
            assert i.dtype == torch.int64
            assert (i == i[0]).all()
            seen.append(int(i[0]))
            return x

        plan = SamplingPlan(sampler=sampler, steps=10, target="epsilon", spacing=spacing)
        sample(denoise, self.diffusion, shape=(2, 1, 2, 2), noise=noise_of((2, 1, 2, 2)), plan=plan)
        visited = sampling_indices(spacing, 50, 10).tolist()
        assert list(dict.fromkeys(seen)) == visited
        assert len(seen) == len(visited) or sampler == "heun"
        assert len(seen) <= 2 * len(visited) - 1

    @pytest.mark.parametrize(
        ("options", "asked"),
        [
            ({"sampler": "ancestral"}, [0, 1, 2, 3, 4]),
            ({"sampler": "ddim"}, [0]),
            ({"sampler": "ddim", "eta": 1.0}, [0, 1, 2, 3, 4]),
            ({"sampler": "dpmpp_2m"}, [0]),
            ({"sampler": "heun"}, [0]),
        ],
    )
    def test_noise_is_asked_for_where_it_is_used(self, options: dict[str, Any], asked: list[int]) -> None:
        calls: list[int] = []

        def noise(k: int) -> torch.Tensor:
            calls.append(k)
            return noise_of((2, 1, 2, 2))(k)

        plan = SamplingPlan(steps=5, target="epsilon", **options)
        sample(lambda x, _i: x, self.diffusion, shape=(2, 1, 2, 2), noise=noise, plan=plan)
        assert calls == asked  # never for the last step

    @pytest.mark.parametrize("sampler", SAMPLERS)
    def test_same_images_in_any_batch(self, sampler: str) -> None:
        plan = SamplingPlan(sampler=sampler, steps=6, target="epsilon", eta=0.7)
        whole = sample(
            lambda x, _i: x.tanh(),
            self.diffusion,
            shape=(6, 1, 4, 4),
            noise=noise_of((6, 1, 4, 4)),
            plan=plan,
        )
        tail = sample(
            lambda x, _i: x.tanh(),
            self.diffusion,
            shape=(2, 1, 4, 4),
            noise=lambda k: sample_noise(0, torch.tensor([4, 5]), k, (1, 4, 4), "cpu"),
            plan=plan,
        )
        assert torch.equal(whole[4:], tail)

    @pytest.mark.parametrize("sampler", SAMPLERS)
    @pytest.mark.parametrize("T", [1, 2, 3])
    def test_short_chains(self, sampler: str, T: int) -> None:
        diffusion = Diffusion.from_betas(beta_schedule("cosine", T))
        for steps in range(1, T + 1):
            plan = SamplingPlan(sampler=sampler, steps=steps, target="v", eta=1.0, variance="fixed_large")
            x = sample(lambda x, _i: x, diffusion, shape=(2, 1, 2, 2), noise=noise_of((2, 1, 2, 2)), plan=plan)
            assert x.isfinite().all()

    @pytest.mark.parametrize("sampler", SAMPLERS)
    def test_zero_terminal_snr(self, sampler: str) -> None:
        diffusion = Diffusion.from_betas(beta_schedule("linear", 100, zero_terminal_snr=True))
        for target in ("v", "x0", "posterior_mean"):
            plan = SamplingPlan(sampler=sampler, steps=10, target=target)
            x = sample(optimal(diffusion, target), diffusion, shape=SHAPE, noise=noise_of(SHAPE), plan=plan)
            assert x.mean().item() == pytest.approx(MEAN, abs=0.05)
        with pytest.raises(InfeasibleConfig, match="target epsilon cannot be sampled at t = 100"):
            sample(
                lambda x, _i: x,
                diffusion,
                shape=(1, 1, 2, 2),
                noise=noise_of((1, 1, 2, 2)),
                plan=SamplingPlan(sampler=sampler, steps=10, target="epsilon"),
            )

    def test_learned_range_scales_the_noise(self) -> None:
        def spread(raw: float) -> float:
            plan = SamplingPlan(sampler="ancestral", steps=50, target="x0", variance="learned_range", x0_clip="none")
            table = step_table(self.diffusion, plan, sampling_indices("trailing", 50, 50))
            z = noise_of((512, 1, 4, 4))(1)
            zeros = torch.zeros_like(z)
            out = reverse_step(
                lambda x, _i: torch.cat([x, torch.full_like(x, raw)], dim=1),
                self.diffusion,
                plan,
                table,
                48,
                SamplerState(zeros, zeros),
                z,
            )
            return out.x.var().item()

        assert spread(1.0) == pytest.approx(self.diffusion.betas[1].item(), rel=0.05)
        assert spread(-1.0) == pytest.approx(self.diffusion.posterior_variance[1].item(), rel=0.05)


class TestDenoiseFrom:
    diffusion = Diffusion.from_betas(beta_schedule("cosine", 100))

    @pytest.mark.parametrize("sampler", SAMPLERS)
    def test_perfect_network_returns_the_image(self, sampler: str) -> None:
        x0 = torch.linspace(-1, 1, 64).view(1, 1, 8, 8).repeat(2, 1, 1, 1)
        i = torch.tensor([60, 60])
        x_s = self.diffusion.q_sample(x0, i, noise_of((2, 1, 8, 8))(9))
        plan = SamplingPlan(sampler=sampler, steps=20, target="x0")
        seen: list[int] = []

        def denoise(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
            seen.append(int(i[0]))
            return x0

        back = denoise_from(denoise, self.diffusion, x_s, start=60, noise=noise_of((2, 1, 8, 8)), plan=plan)
        assert torch.allclose(back, x0, atol=1e-5)
        assert seen[0] == 60
        assert max(seen[1:]) == 59  # trailing: 99, 94, ..., 59

    def test_from_the_top_it_is_sample(self) -> None:
        plan = SamplingPlan(sampler="ddim", steps=10, target="epsilon")
        noise = noise_of((2, 1, 4, 4))
        whole = sample(lambda x, _i: x.tanh(), self.diffusion, shape=(2, 1, 4, 4), noise=noise, plan=plan)
        part = denoise_from(lambda x, _i: x.tanh(), self.diffusion, noise(0), start=99, noise=noise, plan=plan)
        assert torch.equal(whole, part)

    @pytest.mark.parametrize("start", [-1, 100])
    def test_start_outside_the_chain(self, start: int) -> None:
        plan = SamplingPlan(sampler="ddim", steps=10, target="epsilon")
        zeros = torch.zeros(1, 1, 2, 2)
        with pytest.raises(InfeasibleConfig, match=f"index {start} of a chain with T = 100"):
            denoise_from(lambda x, _i: x, self.diffusion, zeros, start=start, noise=noise_of((1, 1, 2, 2)), plan=plan)


class TestPlan:
    @pytest.mark.parametrize("field", ["sampler", "target", "spacing", "variance", "x0_clip"])
    def test_unknown_names_are_refused(self, field: str) -> None:
        names = {"sampler": "ddim", "target": "v", "spacing": "leading", "variance": "fixed_small", "x0_clip": "none"}
        with pytest.raises(UsageError, match=f"No {field} `nonsense`") as refused:
            SamplingPlan(steps=10, **{**names, field: "nonsense"})
        assert names[field] in refused.value.next

    @pytest.mark.parametrize("eta", [-0.1, 1.1, float("nan")])
    def test_eta(self, eta: float) -> None:
        with pytest.raises(UsageError, match="eta"):
            SamplingPlan(sampler="ddim", steps=10, target="v", eta=eta)


def test_epsilon_of_the_clipped_x0() -> None:
    """diffusers' default keeps the network's own epsilon beside a clipped x_0; ours does not, and it matters."""
    diffusion = Diffusion.from_betas(beta_schedule("linear", 100))
    plan = SamplingPlan(sampler="ddim", steps=2, target="epsilon", spacing="linspace")
    table = step_table(diffusion, plan, sampling_indices("linspace", 100, 2))
    x = noise_of((4, 1, 4, 4))(0)
    epsilon = -2 * x
    out = reverse_step(lambda _x, _i: epsilon, diffusion, plan, table, 0, SamplerState(x, torch.zeros_like(x)), None).x
    i = torch.full((4,), 99)
    x0 = (
        (x - diffusion.at(diffusion.sqrt_one_minus_alphas_bar, i) * epsilon)
        / diffusion.at(diffusion.sqrt_alphas_bar, i)
    ).clamp(-1, 1)
    again = epsilon_from_x0(diffusion, x0, x, i)
    a, s = math.sqrt(1 - 1e-4), math.sqrt(1e-4)
    assert torch.allclose(out, a * x0 + s * again, atol=1e-5)
    assert not torch.allclose(out, a * x0 + s * epsilon, atol=1e-3)
