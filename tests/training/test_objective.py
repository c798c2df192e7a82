from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sweep.config.run import TrainConfig
from sweep.data.dataset import Dataset
from sweep.diffusion.targets import target_for
from sweep.errors import InfeasibleConfig
from sweep.training.batch import Batch, draw_batch
from sweep.training.initial_net import build_net
from sweep.training.objective import ForwardPass, Objective
from sweep.training.seeding import batch_indices
from tests.helpers.tiny_training import TINY_MLP, TINY_UNET, cost_of, tiny

CPU = torch.device("cpu")


class Knows(nn.Module):
    """Returns what it was told, and notes what it was given."""

    def __init__(self, prediction: Tensor) -> None:
        super().__init__()
        self.prediction = prediction
        self.seen: tuple[Tensor, Tensor] | None = None

    def forward(self, x: Tensor, i: Tensor) -> Tensor:
        self.seen = (x, i)
        return self.prediction


def drawn(digits: Dataset, **changes: Any) -> tuple[TrainConfig, Batch]:
    config = tiny(**changes)
    return config, draw_batch(digits.train, 1, config, config.seed)


def test_images_come_from_the_training_split_in_model_range(digits: Dataset) -> None:
    _, batch = drawn(digits, flip=False)
    expected = digits.train[batch_indices(0, 1, 8, len(digits.train))].float() / 127.5 - 1
    assert torch.equal(batch.x0, expected)
    assert batch.x0.min() >= -1.0
    assert batch.x0.max() <= 1.0


def test_t_covers_0_to_T_minus_1_and_noise_is_standard_normal(digits: Dataset) -> None:
    _, batch = drawn(digits, batch=4000, steps=1, T=5)
    counts = torch.bincount(batch.i, minlength=5)
    assert len(counts) == 5
    assert ((counts - 800).abs() < 5 * math.sqrt(800)).all()
    noise, n = batch.noise.double(), batch.noise.numel()
    # rand in place of randn has mean 1/2, variance 1/12 and kurtosis 1.8.
    assert abs(noise.mean().item()) < 5 / math.sqrt(n)
    assert noise.var().item() == pytest.approx(1.0, abs=5 * math.sqrt(2 / n))
    assert (noise**4).mean().item() == pytest.approx(3.0, abs=5 * math.sqrt(96 / n))


def test_flips_mirror_half_of_the_images_left_to_right(digits: Dataset) -> None:
    _, plain = drawn(digits, batch=400, steps=1, flip=False)
    _, flipped = drawn(digits, batch=400, steps=1, flip=True)
    changed = (plain.x0 != flipped.x0).flatten(1).any(1)
    assert 150 < changed.sum() < 250
    assert torch.equal(flipped.x0[changed], plain.x0[changed].flip(-1))
    assert torch.equal(flipped.noise, plain.noise)


def test_configs_that_differ_elsewhere_are_paired(digits: Dataset) -> None:
    one = tiny(lr=1e-3, target="v", optimizer="radam", schedule="cosine", net=TINY_MLP)
    other = tiny(lr=1e-5, target="x0", weighting="uniform")
    for step in (1, 2, 9):
        a, b = (draw_batch(digits.train, step, config, config.seed) for config in (one, other))
        assert torch.equal(a.x0, b.x0)
        assert torch.equal(a.i, b.i)
        assert torch.equal(a.noise, b.noise)
    again = draw_batch(digits.train, 9, other, seed=1)
    assert not torch.equal(again.i, b.i)
    assert not torch.equal(again.noise, b.noise)


@pytest.mark.parametrize("net", [TINY_UNET, TINY_MLP])
def test_initial_weights_depend_on_the_seed_alone(net: dict[str, object]) -> None:
    def weights(seed: int, **changes: Any) -> Tensor:
        made = build_net(tiny(net=net, **changes), channels=1, size=8, seed=seed)
        return torch.cat([p.detach().flatten() for p in made.parameters()])

    first = weights(1)
    torch.rand(5)
    assert torch.equal(first, weights(1, lr=0.5, T=7))
    assert not torch.equal(first, weights(2))


def test_the_net_gets_x_t_and_the_code_index(digits: Dataset) -> None:
    config, batch = drawn(digits, schedule="linear", T=50)
    net = Knows(batch.noise)
    cost_of(Objective.of(config, CPU), net, batch)
    assert net.seen is not None
    x_t, i = net.seen
    assert torch.equal(i, batch.i)
    # Ho et al. 2020, eq. 4, with t = i + 1.
    alphas_bar = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 50, dtype=torch.float64), 0)[i].view(-1, 1, 1, 1)
    expected = alphas_bar.sqrt() * batch.x0 + (1 - alphas_bar).sqrt() * batch.noise
    torch.testing.assert_close(x_t.double(), expected, rtol=1e-5, atol=1e-6)


def test_loss_is_weight_times_mean_square_for_each_image(digits: Dataset) -> None:
    # As many images as columns: a [B] weight set against [B, C, H, W] would fit, and weigh columns.
    config, batch = drawn(digits, weighting="snr_plus_one", schedule="linear", T=50)
    assert len(batch.x0) == batch.x0.shape[-1]
    loss = cost_of(Objective.of(config, CPU), Knows(batch.noise + 0.5), batch).loss
    # Salimans & Ho 2022, section 4: (SNR + 1) on x0 is 1 / alphas_bar on epsilon.
    alphas_bar = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 50, dtype=torch.float64), 0)
    torch.testing.assert_close(loss.double(), 0.25 / alphas_bar[batch.i], rtol=1e-5, atol=0.0)


@pytest.mark.parametrize("target", ["epsilon", "x0", "v", "posterior_mean"])
def test_what_is_regressed_is_the_target_that_is_named(digits: Dataset, target: str) -> None:
    """A peer regresses epsilon whatever it is told to predict."""
    config, batch = drawn(digits, target=target, weighting="uniform", schedule="linear", T=50)
    objective = Objective.of(config, CPU)
    x_t = objective.diffusion.q_sample(batch.x0, batch.i, batch.noise)
    named = target_for(target, objective.diffusion, batch.x0, batch.noise, x_t, batch.i)
    assert cost_of(objective, Knows(named), batch).loss.abs().max() < 1e-12
    assert (cost_of(objective, Knows(batch.noise), batch).loss.mean() > 0.01) == (target != "epsilon")


@pytest.mark.parametrize("target", ["epsilon", "x0", "v", "posterior_mean"])
def test_epsilon_error_is_the_same_quantity_for_every_target(digits: Dataset, target: str) -> None:
    config, batch = drawn(digits, target=target, weighting="uniform", loss="l1", schedule="linear", T=50)
    objective = Objective.of(config, CPU)
    wrong = batch.noise + 0.5
    x_t = objective.diffusion.q_sample(batch.x0, batch.i, batch.noise)
    alphas_bar = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 50, dtype=torch.float64), 0)
    a = alphas_bar[batch.i].view(-1, 1, 1, 1)
    x0 = (x_t - (1 - a).sqrt() * wrong) / a.sqrt()
    before = torch.cat([torch.ones(1, dtype=torch.float64), alphas_bar])[batch.i].view(-1, 1, 1, 1)
    beta = 1 - a / before
    predictions = {
        "epsilon": wrong,
        "x0": x0,
        "v": a.sqrt() * wrong - (1 - a).sqrt() * x0,
        "posterior_mean": (before.sqrt() * beta * x0 + (1 - beta).sqrt() * (1 - before) * x_t) / (1 - a),
    }
    error = objective.epsilon_error(Knows(predictions[target].float()), batch)
    assert error.tolist() == pytest.approx([0.25] * len(error), rel=2e-3)


def test_only_the_net_runs_in_bfloat16(digits: Dataset) -> None:
    config, batch = drawn(digits, precision="bf16")
    objective = Objective.of(config, CPU)
    net = Knows(torch.zeros_like(batch.noise, dtype=torch.bfloat16))
    loss = cost_of(objective, net, batch).loss
    assert loss.dtype == torch.float32
    assert net.seen is not None
    assert net.seen[0].dtype == torch.float32
    assert torch.equal(loss, batch.noise.square().flatten(1).mean(1))
    assert not torch.is_autocast_enabled("cpu")


def test_batches_split_into_slices_of_all_parts(digits: Dataset) -> None:
    _, batch = drawn(digits)
    parts = list(batch.split(3))
    assert [len(part.i) for part in parts] == [3, 3, 2]
    assert torch.equal(torch.cat([part.x0 for part in parts]), batch.x0)
    assert torch.equal(torch.cat([part.noise for part in parts]), batch.noise)


@pytest.mark.parametrize("changes", [{"T": 20}, {"weighting": "vlb", "target": "epsilon"}])
def test_values_that_make_no_sense_together_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InfeasibleConfig):
        Objective.of(tiny(**changes), CPU)


@pytest.mark.parametrize("T", [1, 2, 9])
def test_the_shortest_chains_train(digits: Dataset, T: int) -> None:
    config, batch = drawn(digits, T=T, schedule="linear", beta_T=0.5)
    assert set(batch.i.tolist()) <= set(range(T))
    assert cost_of(Objective.of(config, CPU), build_net(config, channels=1, size=8), batch).loss.isfinite().all()


@pytest.mark.parametrize("target", ["epsilon", "x0", "v", "posterior_mean"])
def test_gradients_in_bfloat16_are_finite_at_both_ends_of_the_chain(digits: Dataset, target: str) -> None:
    config, batch = drawn(digits, T=1000, schedule="cosine", target=target, weighting="uniform", precision="bf16")
    ends = Batch(batch.x0[:3], torch.tensor([0, 1, 999]), batch.noise[:3])
    net = build_net(config, channels=1, size=8)
    cost_of(Objective.of(config, CPU), net, ends).loss.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


# Ho et al. 2020, eq. 5: T times the mean over t of L_t is the sum, the first term the decoder's.
@pytest.mark.parametrize("learned", [False, True])
def test_the_vlb_objective_is_T_times_one_term(digits: Dataset, learned: bool) -> None:
    config, batch = drawn(digits, objective="vlb", learned_variance=learned, schedule="linear", T=50)
    objective = Objective.of(config, CPU)
    raw = [torch.zeros_like(batch.noise)] if learned else []
    wrong = torch.cat([batch.noise + 0.1, *raw], dim=1)
    cost = cost_of(objective, Knows(wrong), Batch(batch.x0, batch.i.clamp(min=1), batch.noise))
    betas = torch.linspace(1e-4, 0.02, 50, dtype=torch.float64)
    abar = torch.cumprod(1 - betas, 0)
    before = torch.cat([torch.ones(1, dtype=torch.float64), abar])[:-1]
    small, i = (1 - before) / (1 - abar) * betas, batch.i.clamp(min=1)
    # Nichol & Dhariwal 2021, eq. 15 at v = 1/2 (a raw output of 0); without it, sigma^2 = beta.
    sigma2 = (betas * small).sqrt() if learned else betas
    weight = betas**2 / (2 * sigma2 * (1 - betas) * (1 - abar))  # Ho et al. 2020, eq. 12
    constant = 0.5 * ((sigma2 / small).log() - 1 + small / sigma2)
    expected = ((weight * 0.01 + constant) / math.log(2))[i]
    assert cost.bound is not None
    torch.testing.assert_close(cost.bound.double(), expected, rtol=2e-3, atol=1e-6)
    torch.testing.assert_close(cost.loss, 50 * cost.bound)


def test_the_hybrid_asks_the_net_once_so_that_both_parts_see_one_output(digits: Dataset) -> None:
    """A peer calls it again for the bound, without what the first call was given."""

    class Counts(Knows):
        calls = 0

        def forward(self, x: Tensor, i: Tensor) -> Tensor:
            self.calls += 1
            return super().forward(x, i) * (self.calls == 1)

    config, batch = drawn(digits, objective="hybrid", learned_variance=True)
    net = Counts(torch.cat([batch.noise, torch.zeros_like(batch.noise)], dim=1))
    objective = Objective.of(config, CPU)
    cost = cost_of(objective, net, batch)
    assert net.calls == 1
    assert cost.bound is not None
    x_t = objective.diffusion.q_sample(batch.x0, batch.i, batch.noise)
    expected = objective.bound(ForwardPass(batch, x_t, net.prediction), variance_alone=True)
    assert torch.equal(cost.bound, expected)


def test_in_the_hybrid_the_bound_trains_the_variance_alone(digits: Dataset) -> None:
    config, batch = drawn(digits, objective="hybrid", learned_variance=True, vlb_weight=0.5)
    prediction = (batch.noise + 0.1).requires_grad_()
    raw = torch.zeros_like(batch.noise).requires_grad_()
    cost = cost_of(Objective.of(config, CPU), Knows(torch.cat([prediction, raw], dim=1)), batch)
    cost.loss.sum().backward()
    assert prediction.grad is not None
    assert raw.grad is not None
    # The gradient of L_simple: 2 r / pixels.
    torch.testing.assert_close(prediction.grad, torch.full_like(prediction, 0.2 / 64), rtol=1e-3, atol=1e-6)
    assert raw.grad.abs().sum() > 0
    assert cost.bound is not None
    # Nichol & Dhariwal 2021, eq. 16.
    torch.testing.assert_close(cost.loss, torch.full((8,), 0.01) + 0.5 * 50 * cost.bound, rtol=1e-3, atol=1e-6)


def test_importance_multiplies_the_loss(digits: Dataset) -> None:
    config, batch = drawn(digits, objective="vlb")
    objective, weight = Objective.of(config, CPU), torch.linspace(0.5, 2, 8)
    plain = cost_of(objective, Knows(batch.noise), batch).loss
    weighted = cost_of(objective, Knows(batch.noise), Batch(batch.x0, batch.i, batch.noise, weight)).loss
    torch.testing.assert_close(weighted, plain * weight)


def test_a_learned_variance_doubles_the_output_and_leaves_the_validation_loss(digits: Dataset) -> None:
    config, batch = drawn(digits, objective="hybrid", learned_variance=True)
    net = build_net(config, channels=1, size=8)
    assert net(batch.x0, batch.i).shape == (8, 2, 8, 8)
    output = torch.cat([batch.noise + 0.5, torch.full_like(batch.noise, 9.0)], dim=1)
    error = Objective.of(config, CPU).epsilon_error(Knows(output), batch)
    assert error.tolist() == pytest.approx([0.25] * 8, rel=1e-5)
