"""Step by step against diffusers and denoising-diffusion-pytorch, at the tolerances that their float32 tables allow."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sweep.diffusion.process import Diffusion
from sweep.diffusion.samplers import Denoise, SamplerState, SamplingPlan, reverse_step, sample, step_table
from sweep.diffusion.schedules import beta_schedule
from sweep.diffusion.spacing import sampling_indices
from sweep.diffusion.targets import predicted_x0, target_for
from sweep.diffusion.weighting import loss_weights
from sweep.errors import UsageError

pytestmark = pytest.mark.conformance

SHAPE = (4, 3, 8, 8)


@pytest.fixture(scope="module")
def diffusers() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peer's imports, not ours
        return importlib.import_module("diffusers.schedulers")


@pytest.fixture(scope="module")
def lucidrains() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("denoising_diffusion_pytorch.denoising_diffusion_pytorch")


def toy(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
    """A smooth network that depends on its index and sends x_0 beyond the clip for some pixels."""
    return torch.tanh(0.8 * x + 0.3 * torch.sin(i.float() / 50).view(-1, 1, 1, 1)) + 0.1 * x


GENTLE_LEVELS = Diffusion.from_betas(beta_schedule("linear", 1000))


def gentle(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
    """Nearly the best epsilon for data N(0, 0.3^2): samples stay within [-1, 1] and a clamp hides nothing."""
    alphas_bar = GENTLE_LEVELS.at(GENTLE_LEVELS.alphas_bar, i.long())
    variance = 0.09 * alphas_bar + 1 - alphas_bar
    return (1 - alphas_bar).sqrt() / variance * x + 0.05 * torch.sin(3 * x)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def drawn() -> Callable[[int], torch.Tensor]:
    """Draws in the order they are asked for, as a scheduler's generator makes them."""
    source = generator()
    return lambda _k: torch.randn(SHAPE, generator=source)


def our_samples(betas: np.ndarray, **options: Any) -> torch.Tensor:
    network = options.pop("network", toy)
    plan = SamplingPlan(target=options.pop("target", "epsilon"), **options)
    return sample(network, Diffusion.from_betas(betas), shape=SHAPE, noise=drawn(), plan=plan)


def their_samples(scheduler: Any, network: Denoise = toy, **step_options: Any) -> torch.Tensor:
    source = generator()
    x = torch.randn(SHAPE, generator=source)
    for t in scheduler.timesteps:
        output = network(x, t.expand(SHAPE[0]))
        x = scheduler.step(output, t, x, generator=source, **step_options).prev_sample
    return x.clamp(-1, 1)


class TestBetas:
    @pytest.mark.parametrize("T", [100, 1000, 4000])
    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            ("linear", "linear"),
            ("quadratic", "scaled_linear"),
            ("cosine", "squaredcos_cap_v2"),
            ("sigmoid_beta", "sigmoid"),
        ],
    )
    def test_diffusers(self, diffusers: Any, ours: str, theirs: str, T: int) -> None:
        scheduler = diffusers.DDPMScheduler(T, beta_start=1e-4, beta_end=0.02, beta_schedule=theirs)
        assert np.abs(scheduler.betas.double().numpy() - beta_schedule(ours, T)).max() < 5e-8

    def test_diffusers_exponential_and_zero_terminal(self, diffusers: Any) -> None:
        module = importlib.import_module("diffusers.schedulers.scheduling_ddpm")
        theirs = module.betas_for_alpha_bar(100, alpha_transform_type="exp").double().numpy()
        assert np.allclose(theirs, beta_schedule("exponential_alphas_bar", 100), atol=1e-7)
        linear = torch.tensor(beta_schedule("linear", 1000), dtype=torch.float64)
        theirs = module.rescale_zero_terminal_snr(linear).numpy()
        assert np.allclose(theirs, beta_schedule("linear", 1000, zero_terminal_snr=True), atol=1e-12)

    def test_diffusers_laplace_is_no_oracle(self, diffusers: Any) -> None:
        """Its alphas_bar is sqrt(SNR/(1 + SNR)), the square root of what is meant; we have no schedule of the name."""
        module = importlib.import_module("diffusers.schedulers.scheduling_ddpm")
        betas = module.betas_for_alpha_bar(100, alpha_transform_type="laplace").double().numpy()
        u = np.array([0.25, 0.5])
        log_snr = -0.5 * np.sign(0.5 - u) * np.log(1 - 2 * np.abs(0.5 - u) + 1e-6)
        alphas_bar = np.exp(log_snr) / (1 + np.exp(log_snr))
        ratio = np.cumprod(1 - betas)[[24, 49]]
        assert np.isclose(ratio[1] / ratio[0], np.sqrt(alphas_bar[1] / alphas_bar[0]), rtol=1e-3)
        assert not np.isclose(ratio[1] / ratio[0], alphas_bar[1] / alphas_bar[0], rtol=0.05)
        with pytest.raises(UsageError):
            beta_schedule("laplace", 100)

    @pytest.mark.parametrize("T", [100, 1000, 4000])
    @pytest.mark.parametrize(
        ("ours", "theirs", "bound"),
        [
            ("linear_scaled", "linear_beta_schedule", 1e-15),
            ("cosine", "cosine_beta_schedule", 1e-12),
            ("sigmoid_alphas_bar", "sigmoid_beta_schedule", 5e-5),  # their ends of the curve are float32
        ],
    )
    def test_lucidrains(self, lucidrains: Any, ours: str, theirs: str, bound: float, T: int) -> None:
        assert np.abs(getattr(lucidrains, theirs)(T).numpy() - beta_schedule(ours, T)).max() < bound


@pytest.mark.parametrize(
    ("spacing", "steps"),
    # leading conforms where steps divide T: see `spacing`
    [
        *product(["leading", "linspace", "trailing"], [10, 50, 1000]),
        ("linspace", 30),
        ("trailing", 30),
        ("trailing", 600),
    ],
)
def test_indices(diffusers: Any, spacing: str, steps: int) -> None:
    scheduler = diffusers.DDPMScheduler(1000, timestep_spacing=spacing)
    scheduler.set_timesteps(steps)
    assert scheduler.timesteps.tolist() == sampling_indices(spacing, 1000, steps).tolist()


class TestProcess:
    def test_q_sample_and_targets(self, diffusers: Any) -> None:
        betas = beta_schedule("linear", 1000)
        scheduler, diffusion = diffusers.DDPMScheduler(1000, beta_schedule="linear"), Diffusion.from_betas(betas)
        noise = drawn()
        x0, epsilon, i = noise(0).clamp(-1, 1), noise(1), torch.tensor([0, 10, 500, 999])
        x_t = diffusion.q_sample(x0, i, epsilon)
        assert torch.allclose(x_t, scheduler.add_noise(x0, epsilon, i), atol=1e-5)
        v = target_for("v", diffusion, x0, epsilon, x_t, i)
        assert torch.allclose(v, scheduler.get_velocity(x0, epsilon, i), atol=1e-5)
        assert torch.allclose(predicted_x0("v", diffusion, v, x_t, i), x0, atol=1e-6)

    @pytest.mark.parametrize("schedule", ["linear", "cosine"])
    def test_lucidrains_tables(self, lucidrains: Any, schedule: str) -> None:
        theirs = peer(lucidrains, schedule, "pred_noise")
        ours = Diffusion.from_betas(beta_schedule({"linear": "linear_scaled"}.get(schedule, schedule), 1000))
        for their_name, table in {
            "betas": ours.betas,
            "alphas_cumprod": ours.alphas_bar,
            "alphas_cumprod_prev": ours.alphas_bar_prev,
            "sqrt_alphas_cumprod": ours.sqrt_alphas_bar,
            "sqrt_one_minus_alphas_cumprod": ours.sqrt_one_minus_alphas_bar,
            "posterior_variance": ours.posterior_variance,
            "posterior_mean_coef1": ours.posterior_mean_x0,
            "posterior_mean_coef2": ours.posterior_mean_x_t,
        }.items():
            assert torch.allclose(getattr(theirs, their_name).double(), table, rtol=1e-6, atol=1e-30), their_name
        # Entry 0 differs on purpose: log 1e-20 there, log beta~_2 here.
        assert torch.allclose(theirs.posterior_log_variance_clipped[1:].double(), ours.posterior_log_variance[1:])


class TestWeights:
    @pytest.mark.parametrize("schedule", ["linear", "cosine"])
    @pytest.mark.parametrize("min_snr", [False, True])
    @pytest.mark.parametrize(("objective", "target"), [("pred_noise", "epsilon"), ("pred_x0", "x0"), ("pred_v", "v")])
    def test_lucidrains(self, lucidrains: Any, schedule: str, min_snr: bool, objective: str, target: str) -> None:
        theirs = peer(lucidrains, schedule, objective, min_snr_loss_weight=min_snr).loss_weight.double().numpy()
        betas = beta_schedule({"linear": "linear_scaled"}.get(schedule, schedule), 1000)
        ours = loss_weights("min_snr" if min_snr else "simple", betas, target=target)
        assert np.allclose(ours, theirs, rtol=1e-6)


class TestAncestral:
    # fixed_large on 50 trailing steps is left out: diffusers asks t > 0, not "is this the last step", and so ends its
    # samples in the noise of a step from t = 20 to the data.
    @pytest.mark.parametrize(
        ("variance", "spacing", "steps"),
        [
            ("fixed_small", "leading", 50),
            ("fixed_small", "linspace", 50),
            ("fixed_small", "trailing", 50),
            ("fixed_small", "trailing", 1000),
            ("fixed_large", "leading", 50),
            ("fixed_large", "linspace", 50),
            ("fixed_large", "trailing", 1000),
        ],
    )
    def test_diffusers(self, diffusers: Any, variance: str, spacing: str, steps: int) -> None:
        scheduler = diffusers.DDPMScheduler(
            1000, beta_schedule="linear", variance_type=variance, timestep_spacing=spacing, clip_sample=True
        )
        scheduler.set_timesteps(steps)
        ours = our_samples(
            beta_schedule("linear", 1000), sampler="ancestral", steps=steps, spacing=spacing, variance=variance
        )
        assert torch.allclose(ours, their_samples(scheduler), atol=2e-4 if steps == 1000 else 2e-5)

    def test_diffusers_fixed_large_log_is_not_a_number(self, diffusers: Any) -> None:
        """It takes the square root of a logarithm; our log variance is finite at every t."""
        scheduler = diffusers.DDPMScheduler(1000, beta_schedule="linear", variance_type="fixed_large_log")
        x = drawn()(0)
        assert scheduler.step(x, 500, x, generator=generator()).prev_sample.isnan().any()
        diffusion = Diffusion.from_betas(beta_schedule("linear", 1000))
        assert diffusion.reverse_log_variance("fixed_large", torch.arange(1000)).isfinite().all()

    @pytest.mark.parametrize(("target", "theirs"), [("x0", "sample"), ("v", "v_prediction")])
    def test_diffusers_targets(self, diffusers: Any, target: str, theirs: str) -> None:
        scheduler = diffusers.DDPMScheduler(
            1000, beta_schedule="squaredcos_cap_v2", prediction_type=theirs, timestep_spacing="trailing"
        )
        scheduler.set_timesteps(50)
        ours = our_samples(beta_schedule("cosine", 1000), sampler="ancestral", steps=50, target=target)
        assert torch.allclose(ours, their_samples(scheduler), atol=5e-5)


class TestLearnedRange:
    @pytest.mark.parametrize(
        ("ours", "theirs", "exact_from"), [("linear", "linear", 60), ("cosine", "squaredcos_cap_v2", 500)]
    )
    def test_diffusers(self, diffusers: Any, ours: str, theirs: str, exact_from: int) -> None:
        """Its formula is ours. As it ships it loses digits: beta_t and 1 - alphas_bar_t are differences of float32
        numbers near 1, off by 6e-8 of a beta of 1e-4, which is 5e-4 in its logarithm, and more under cosine.
        """
        scheduler = diffusers.DDPMScheduler(1000, beta_schedule=theirs, variance_type="learned_range")
        diffusion, raw = Diffusion.from_betas(beta_schedule(ours, 1000)), torch.linspace(-1.5, 1.5, 64).view(1, 1, 8, 8)

        def apart() -> np.ndarray:
            log_variances = [scheduler._get_variance(t, predicted_variance=raw).float() for t in range(1000)]
            every = torch.arange(1000)
            expected = diffusion.reverse_log_variance("learned_range", every, raw.expand(1000, 1, 8, 8))
            return (torch.cat(log_variances) - expected).abs().flatten(1).amax(1).numpy()

        shipped = apart()
        assert shipped[exact_from:].max() < 5e-5
        assert 5e-4 < shipped[1:].max() < 2e-3
        scheduler.alphas_cumprod, scheduler.one = diffusion.alphas_bar, torch.ones((), dtype=torch.float64)
        exact = apart()
        assert exact[1:].max() < 5e-6
        # At t = 1 it has log 1e-20 where Ho and we have log beta~_2.
        assert exact[0] > 30


class TestDdim:
    @pytest.mark.parametrize("steps", [10, 50])
    @pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
    @pytest.mark.parametrize("clip", [True, False])
    def test_diffusers(self, diffusers: Any, eta: float, steps: int, clip: bool) -> None:
        scheduler = diffusers.DDIMScheduler(
            1000, beta_schedule="linear", clip_sample=clip, set_alpha_to_one=True, timestep_spacing="leading"
        )
        scheduler.set_timesteps(steps)
        ours = our_samples(
            beta_schedule("linear", 1000),
            sampler="ddim",
            steps=steps,
            eta=eta,
            spacing="leading",
            x0_clip="static" if clip else "none",
        )
        theirs = their_samples(scheduler, eta=eta, use_clipped_model_output=True)
        assert torch.allclose(ours, theirs, atol=1e-5 if clip else 4e-5)

    def test_diffusers_without_sigmoid_takes_our_betas(self, diffusers: Any) -> None:
        """Its DDIM scheduler knows no sigmoid schedule, and is given the betas instead."""
        with pytest.raises(NotImplementedError, match="sigmoid"):
            diffusers.DDIMScheduler(1000, beta_schedule="sigmoid")
        betas = beta_schedule("sigmoid_beta", 1000)
        scheduler = diffusers.DDIMScheduler(
            1000, trained_betas=betas, clip_sample=True, set_alpha_to_one=True, timestep_spacing="leading"
        )
        scheduler.set_timesteps(20)
        ours = our_samples(betas, sampler="ddim", steps=20, spacing="leading")
        assert torch.allclose(ours, their_samples(scheduler, use_clipped_model_output=True), atol=1e-5)

    def test_diffusers_default_keeps_the_unclipped_epsilon(self, diffusers: Any) -> None:
        scheduler = diffusers.DDIMScheduler(
            1000, beta_schedule="linear", set_alpha_to_one=True, timestep_spacing="leading"
        )
        scheduler.set_timesteps(10)
        ours = our_samples(beta_schedule("linear", 1000), sampler="ddim", steps=10, spacing="leading")
        assert not torch.allclose(ours, their_samples(scheduler), atol=0.05)

    @pytest.mark.parametrize("spacing", ["linspace", "trailing"])
    def test_diffusers_forgets_its_own_list(self, diffusers: Any, spacing: str) -> None:
        """It steps to t - T // K whatever list it visits, and so leaves the path where that is not the next entry."""
        scheduler = diffusers.DDIMScheduler(
            1000, beta_schedule="linear", set_alpha_to_one=True, timestep_spacing=spacing
        )
        scheduler.set_timesteps(7)
        assert scheduler.timesteps.tolist() == sampling_indices(spacing, 1000, 7).tolist()
        ours = our_samples(beta_schedule("linear", 1000), sampler="ddim", steps=7, spacing=spacing)
        assert not torch.allclose(ours, their_samples(scheduler, use_clipped_model_output=True), atol=1e-3)

    def test_diffusers_alpha_not_set_to_one_leaves_noise(self, diffusers: Any) -> None:
        scheduler = diffusers.DDIMScheduler(
            1000, beta_schedule="linear", set_alpha_to_one=False, timestep_spacing="leading"
        )
        scheduler.set_timesteps(10)
        ours = our_samples(beta_schedule("linear", 1000), sampler="ddim", steps=10, spacing="leading")
        assert not torch.allclose(ours, their_samples(scheduler, use_clipped_model_output=True), atol=1e-3)

    @pytest.mark.parametrize("steps", [7, 10, 30, 50, 600])
    def test_lucidrains_on_its_own_list(self, lucidrains: Any, steps: int) -> None:
        """Its list is trailing's, truncated where ours rounds: another one where steps do not divide T."""
        listed = torch.linspace(-1, 999, steps + 1).int()[1:].flip(0).numpy().astype(np.int64)
        rounded = sampling_indices("trailing", 1000, steps)
        assert (listed.tolist() == rounded.tolist()) == (1000 % steps == 0)
        assert np.abs(listed - rounded).max() <= 1
        expected, x_T = lucidrains_ddim(lucidrains, steps)
        diffusion = Diffusion.from_betas(beta_schedule("linear", 1000))
        plan = SamplingPlan(sampler="ddim", steps=steps, target="epsilon")
        table = step_table(diffusion, plan, listed)
        state = SamplerState(x_T, torch.zeros_like(x_T))
        for k in range(steps):
            state = reverse_step(toy, diffusion, plan, table, k, state, None)
        assert torch.allclose(state.x.clamp(-1, 1), expected, atol=5e-6 if steps <= 50 else 5e-5)

    @pytest.mark.parametrize("steps", [10, 50])
    def test_lucidrains(self, lucidrains: Any, steps: int) -> None:
        expected, x_T = lucidrains_ddim(lucidrains, steps)
        ours = sample(
            toy,
            Diffusion.from_betas(beta_schedule("linear", 1000)),
            shape=SHAPE,
            noise=lambda _k: x_T,
            plan=SamplingPlan(sampler="ddim", steps=steps, target="epsilon", spacing="trailing"),
        )
        assert torch.allclose(ours, expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers on numpy 2
class TestSecondOrder:
    @pytest.mark.parametrize("steps", [10, 20, 50])
    @pytest.mark.parametrize("spacing", ["trailing", "linspace"])
    def test_dpmpp_2m(self, diffusers: Any, spacing: str, steps: int) -> None:
        scheduler = diffusers.DPMSolverMultistepScheduler(
            1000,
            beta_schedule="linear",
            algorithm_type="dpmsolver++",
            solver_order=2,
            solver_type="midpoint",
            final_sigmas_type="zero",
        )
        # Its own lists differ from DDIM's: give it ours.
        scheduler.set_timesteps(timesteps=sampling_indices(spacing, 1000, steps).tolist())
        betas = beta_schedule("linear", 1000)
        ours = our_samples(betas, sampler="dpmpp_2m", steps=steps, spacing=spacing, x0_clip="none", network=gentle)
        assert (ours.abs() < 1).float().mean() > 0.99
        assert torch.allclose(ours, their_samples(scheduler, gentle), atol=2e-4)

    @pytest.mark.parametrize("steps", [20, 50])
    def test_heun(self, diffusers: Any, steps: int) -> None:
        scheduler = diffusers.HeunDiscreteScheduler(1000, beta_start=1e-4, beta_end=0.02, beta_schedule="linear")
        # Its own lists have fractional timesteps: give it ours.
        scheduler.set_timesteps(timesteps=sampling_indices("trailing", 1000, steps).tolist())
        # It works on x / sqrt(alphas_bar).
        x = torch.randn(SHAPE, generator=generator()) * (scheduler.sigmas[0] ** 2 + 1).sqrt()
        for t in scheduler.timesteps:
            output = gentle(scheduler.scale_model_input(x, t), t.expand(SHAPE[0]))
            x = scheduler.step(output, t, x).prev_sample
        betas = beta_schedule("linear", 1000)
        ours = our_samples(betas, sampler="heun", steps=steps, spacing="trailing", x0_clip="none", network=gentle)
        assert (ours.abs() < 1).float().mean() > 0.99
        assert torch.allclose(ours, x.clamp(-1, 1), atol=2e-4)


def lucidrains_ddim(lucidrains: Any, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Its images, and the x_T that it drew."""
    theirs = peer(lucidrains, "linear", "pred_noise", sampling_timesteps=steps)
    torch.manual_seed(0)
    images = theirs.ddim_sample(SHAPE)
    torch.manual_seed(0)
    return images, torch.randn(SHAPE)


class _Toy(nn.Module):
    channels, out_dim, self_condition, random_or_learned_sinusoidal_cond = 3, 3, False, False

    def forward(self, x: torch.Tensor, i: torch.Tensor, _condition: torch.Tensor | None = None) -> torch.Tensor:
        return toy(x, i)


def peer(lucidrains: Any, schedule: str, objective: str, **options: Any) -> Any:
    return lucidrains.GaussianDiffusion(
        _Toy(),
        image_size=8,
        timesteps=1000,
        beta_schedule=schedule,
        objective=objective,
        auto_normalize=False,
        **options,
    )
