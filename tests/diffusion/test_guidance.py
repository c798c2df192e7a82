from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import Tensor, nn

from sweep.config.part_names import Sampler, Target
from sweep.diffusion.guidance import guided_output, guided_times
from sweep.diffusion.process import Diffusion
from sweep.diffusion.samplers import SamplingPlan, sample
from sweep.diffusion.schedules import beta_schedule
from sweep.diffusion.targets import predicted_x0, target_for
from sweep.scoring.guided_predictor import Guidance, GuidedPredictor

SHAPE = (1, 2, 2)
DIMENSIONS = 4
MEANS = torch.tensor([[0.5, 0.4, -0.3, 0.1], [-0.6, 0.2, 0.3, -0.4], [0.0, -0.5, 0.4, 0.5]], dtype=torch.float64)
SHARES = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
SPREAD = 0.2
CLASS = 1


def log_density(x: Tensor, alpha_bar: float, classes: list[int]) -> Tensor:
    """Log density of a noised mixture of Gaussians, up to a constant: sum_k p_k N(sqrt(a) m_k, (a s^2 + 1 - a) I)."""
    variance = alpha_bar * SPREAD**2 + 1 - alpha_bar
    apart = x[:, None] - alpha_bar**0.5 * MEANS[classes]
    return torch.logsumexp(SHARES[classes].log() - apart.square().sum(2) / (2 * variance), dim=1)


def score(x: Tensor, alpha_bar: float, classes: list[int]) -> Tensor:
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        return torch.autograd.grad(log_density(x, alpha_bar, classes).sum(), x)[0]


def guided_score(x: Tensor, alpha_bar: float, scale: float) -> Tensor:
    """grad log p(x) + w grad log p(class | x): Dhariwal & Nichol 2021, with an exact classifier."""

    def classifier(x: Tensor) -> Tensor:
        return log_density(x, alpha_bar, [CLASS]) - log_density(x, alpha_bar, [0, 1, 2])

    with torch.enable_grad():
        at = x.detach().requires_grad_()
        gradient = torch.autograd.grad(classifier(at).sum(), at)[0]
    return score(x, alpha_bar, [0, 1, 2]) + scale * gradient


class MixtureNet(nn.Module):
    """The best prediction of epsilon for the mixture: of one class, or of all where the label is their number."""

    def __init__(self, diffusion: Diffusion) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.alphas_bar = diffusion.alphas_bar
        self.calls: list[int] = []

    def forward(self, x: Tensor, i: Tensor, labels: Tensor) -> Tensor:
        self.calls.append(len(x))
        epsilon = torch.empty_like(x, dtype=torch.float64)
        alpha_bar = float(self.alphas_bar[i[0]])
        for label in labels.unique().tolist():
            rows = labels == label
            classes = [0, 1, 2] if label == 3 else [label]
            flat = x[rows].double().flatten(1)
            epsilon[rows] = (-((1 - alpha_bar) ** 0.5) * score(flat, alpha_bar, classes)).view(-1, *SHAPE)
        return epsilon.float()


@pytest.fixture(scope="module")
def diffusion() -> Diffusion:
    return Diffusion.from_betas(beta_schedule("linear_scaled", 400))


def noise_of(seed: int, batch: int):
    def noise(draw: int) -> Tensor:
        return torch.randn(batch, *SHAPE, generator=torch.Generator().manual_seed(1000 * seed + draw))

    return noise


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.5, 3.0])
@pytest.mark.parametrize("sampler", get_args(Sampler))
def test_guided_samples_of_a_mixture_are_those_of_its_guided_score(
    diffusion: Diffusion, sampler: str, scale: float
) -> None:
    batch, net = 8, MixtureNet(diffusion)
    plan = SamplingPlan(sampler=sampler, steps=20, target="epsilon", x0_clip="none")
    guidance = Guidance(scale, guided_times(diffusion.alphas_bar.numpy(), None))
    predict = GuidedPredictor(net, "fp32", (batch, *SHAPE), torch.device("cpu"), guidance, classes=3)
    labels = torch.full((batch,), CLASS)

    def exact(x: Tensor, i: Tensor) -> Tensor:
        alpha_bar = float(diffusion.alphas_bar[i[0]])
        flat = guided_score(x.double().flatten(1), alpha_bar, scale)
        return (-((1 - alpha_bar) ** 0.5) * flat).view(-1, *SHAPE).float()

    ours = sample(
        lambda x, i: predict(x, i, labels), diffusion, shape=(batch, *SHAPE), noise=noise_of(0, batch), plan=plan
    )
    expected = sample(exact, diffusion, shape=(batch, *SHAPE), noise=noise_of(0, batch), plan=plan)
    torch.testing.assert_close(ours, expected, atol=2e-4, rtol=0)
    # Two evaluations at each call, batched as one.
    assert set(net.calls) == {2 * batch}
    assert len(net.calls) == (2 * plan.steps - 1 if sampler == "heun" else plan.steps)


@pytest.mark.parametrize("sampler", ["ddim", "dpmpp_2m", "heun"])
def test_deterministic_samplers_end_where_the_differential_equation_of_the_guided_score_ends(
    diffusion: Diffusion, sampler: str
) -> None:
    """Song et al. 2021 (score SDE), eq. 13, in the noise level: dx/dsigma = -sigma score(x), by scipy in float64."""
    batch, scale = 4, 2.0
    plan = SamplingPlan(sampler=sampler, steps=200, target="epsilon", x0_clip="none")
    guidance = Guidance(scale, guided_times(diffusion.alphas_bar.numpy(), None))
    predict = GuidedPredictor(MixtureNet(diffusion), "fp32", (batch, *SHAPE), torch.device("cpu"), guidance, classes=3)
    labels = torch.full((batch,), CLASS)
    ours = sample(
        lambda x, i: predict(x, i, labels), diffusion, shape=(batch, *SHAPE), noise=noise_of(1, batch), plan=plan
    )
    end = float(diffusion.alphas_bar[-1])

    def slope(sigma: float, flat: np.ndarray) -> np.ndarray:
        alpha_bar = 1 / (1 + sigma**2)
        x = torch.from_numpy(flat.reshape(batch, DIMENSIONS)) * alpha_bar**0.5
        return (-sigma * alpha_bar**0.5 * guided_score(x, alpha_bar, scale)).numpy().ravel()

    start = noise_of(1, batch)(0).double().flatten() / end**0.5
    solved = solve_ivp(slope, (((1 - end) / end) ** 0.5, 1e-3), start.numpy(), rtol=1e-6, atol=1e-6)
    expected = torch.from_numpy(solved.y[:, -1]).view(batch, *SHAPE).float().clamp(-1, 1)
    assert (ours - expected).abs().max() < 0.03


@pytest.mark.parametrize("target", get_args(Target))
def test_guiding_the_prediction_is_guiding_the_image(diffusion: Diffusion, target: str) -> None:
    draws = torch.Generator().manual_seed(0)
    x_t, *guesses, noise = (torch.randn(3, *SHAPE, generator=draws) for _ in range(4))
    i = torch.tensor([5, 100, 300])
    strong, weak = (target_for(target, diffusion, guess, noise, x_t, i) for guess in guesses)
    guided = predicted_x0(target, diffusion, guided_output(strong, weak, 2.5, 1), x_t, i)
    images = [predicted_x0(target, diffusion, each, x_t, i) for each in (strong, weak)]
    torch.testing.assert_close(guided, images[1] + 2.5 * (images[0] - images[1]), atol=1e-3, rtol=1e-3)


@pytest.mark.conformance
@pytest.mark.parametrize("scale", [0.5, 1.5, 7.5])
def test_the_scale_is_that_of_diffusers_and_one_more_than_that_of_the_paper(scale: float) -> None:
    guiders = pytest.importorskip("diffusers.guiders")
    draws = torch.Generator().manual_seed(0)
    strong, weak = (torch.randn(2, *SHAPE, generator=draws) for _ in range(2))
    ours = guided_output(strong, weak, scale, 1)
    theirs = guiders.ClassifierFreeGuidance(guidance_scale=scale)
    paper = guiders.ClassifierFreeGuidance(guidance_scale=scale - 1, use_original_formulation=True)
    for guider in (theirs, paper):
        torch.testing.assert_close(ours, guider.forward(strong, weak).pred)


def test_a_learned_variance_is_the_nets_own() -> None:
    output, weaker = torch.randn(2, 2, 2, 2), torch.randn(2, 2, 2, 2)
    assert torch.equal(guided_output(output, weaker, 3.0, 1)[:, 1:], output[:, 1:])


def test_an_interval_is_one_of_noise_levels_open_below_and_closed_above() -> None:
    alphas_bar = np.array([0.8, 0.5, 0.2, 0.1, 0.0])  # sigma = 1/2, 1, 2, 3, infinity
    assert guided_times(alphas_bar, (1.0, 3.0)) == (False, False, True, True, False)
    assert guided_times(alphas_bar, None) == (True,) * 5


def test_outside_of_the_interval_the_net_alone_is_called(diffusion: Diffusion) -> None:
    net = MixtureNet(diffusion)
    guidance = Guidance(2.0, guided_times(diffusion.alphas_bar.numpy(), (0.5, 2.0)))
    predict = GuidedPredictor(net, "fp32", (3, *SHAPE), torch.device("cpu"), guidance, classes=3)
    x, labels = torch.randn(3, *SHAPE), torch.tensor([0, 1, 2])
    for i in (torch.zeros(3, dtype=torch.int64), torch.full((3,), 399)):
        net.calls.clear()
        assert torch.equal(predict(x, i, labels), net(x, i, labels))
        assert net.calls == [3, 3]
