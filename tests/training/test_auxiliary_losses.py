from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from sweep.data.dataset import Dataset
from sweep.training.auxiliary_losses import TERMS, active_terms
from sweep.training.batch import Batch, draw_batch
from sweep.training.initial_net import build_net
from sweep.training.objective import Objective
from tests.helpers.tiny_training import TINY_MLP, TINY_UNET, cost_of, tiny

CPU = torch.device("cpu")


def added(digits: Dataset, net: dict[str, Any] = TINY_UNET, **changes: Any) -> tuple[torch.Tensor, Batch, Any]:
    """What the terms add to the loss of each image, the batch, and the net."""
    plain, config = (tiny(net=net | {"dropout": 0.0}, **told) for told in ({}, changes))
    batch = draw_batch(digits.train, 1, config, 0)
    made = build_net(config, channels=1, size=8)
    with_terms = cost_of(Objective.of(config, CPU), made, batch).loss
    return with_terms - cost_of(Objective.of(plain, CPU), made, batch).loss, batch, made


def test_weight_0_is_no_term_and_no_second_noising(digits: Dataset) -> None:
    assert active_terms(tiny()) == []
    assert draw_batch(digits.train, 1, tiny(), 0).second_i is None


def test_a_second_noising_leaves_the_first_as_it_was(digits: Dataset) -> None:
    plain, paired = (draw_batch(digits.train, 1, tiny(**told), 0) for told in ({}, {"contrastive_weight": 1.0}))
    assert torch.equal(plain.noise, paired.noise)
    assert torch.equal(plain.i, paired.i)
    assert paired.second_noise is not None
    assert paired.second_i is not None
    assert not torch.equal(paired.second_i, paired.i)
    parts = list(paired.split(3))
    assert [len(part.i) for part in parts] == [3, 3, 2]
    assert torch.equal(
        torch.cat([part.second_noise for part in parts if part.second_noise is not None]), paired.second_noise
    )


@pytest.mark.parametrize("net", [TINY_UNET, TINY_MLP])
def test_contrastive_is_the_cross_entropy_of_cosines(digits: Dataset, net: dict[str, Any]) -> None:
    with torch.no_grad():
        more, batch, made = added(digits, net, contrastive_weight=0.3, contrastive_temperature=0.2)
    diffusion = Objective.of(tiny(), CPU).diffusion
    assert batch.second_i is not None
    assert batch.second_noise is not None
    a = made.forward_features(diffusion.q_sample(batch.x0, batch.i, batch.noise), batch.i)[1].flatten(1)
    b = made.forward_features(diffusion.q_sample(batch.x0, batch.second_i, batch.second_noise), batch.second_i)[1]
    b, a = b.flatten(1).detach(), a.detach()
    # van den Oord et al. 2018, eq. 4, written out with cosine similarity over the temperature.
    total = 0.0
    for k in range(len(a)):
        scores = [float(a[k] @ b[j] / (a[k].norm() * b[j].norm())) / 0.2 for j in range(len(b))]
        total += math.log(sum(map(math.exp, scores))) - scores[k]
    assert more.tolist() == pytest.approx([0.3 * total / len(a)] * len(a), rel=1e-3)


def test_dispersive_is_the_log_of_mean_kernels(digits: Dataset) -> None:
    with torch.no_grad():
        more, batch, made = added(digits, dispersive_weight=0.5, dispersive_tau=0.25)
    diffusion = Objective.of(tiny(), CPU).diffusion
    z = (
        made.forward_features(diffusion.q_sample(batch.x0, batch.i, batch.noise), batch.i)[1]
        .flatten(1)
        .detach()
        .double()
    )
    # Wang & He 2025: log E exp(-||z_i - z_j||^2 / tau), the distance a mean over dimensions.
    kernels = [math.exp(-float((u - v).square().mean()) / 0.25) for u in z for v in z]
    assert more.tolist() == pytest.approx([0.5 * math.log(sum(kernels) / len(kernels))] * len(z), rel=1e-3)


def test_perceptual_vanishes_for_a_perfect_predictor_and_fades_with_the_signal(digits: Dataset) -> None:
    class Knows(torch.nn.Module):
        def __init__(self, prediction: torch.Tensor) -> None:
            super().__init__()
            self.prediction = prediction

        def forward_features(self, x: torch.Tensor, i: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return self.prediction, x

    config = tiny(target="x0", weighting="uniform", perceptual_weight=1.0, T=50)
    objective, batch = Objective.of(config, CPU), draw_batch(digits.train, 1, config, 0)
    assert cost_of(objective, Knows(batch.x0), batch).loss.abs().max() < 1e-6
    wrong, values = batch.x0.flip(0), []
    for t in (0, 25, 49):
        at = Batch(batch.x0, torch.full_like(batch.i, t), batch.noise)
        more = cost_of(objective, Knows(wrong), at).loss - (wrong - batch.x0).square().flatten(1).mean(1)
        values.append(float(more.mean()))
    # Salimans & Ho 2022: alphas_bar_t = SNR / (1 + SNR).
    alphas_bar = torch.cumprod(1 - torch.linspace(2e-3, 0.4, 50, dtype=torch.float64), 0)
    assert values[0] > 0.1
    for value, t in zip(values, (0, 25, 49), strict=True):
        assert value / values[0] == pytest.approx(float(alphas_bar[t] / alphas_bar[0]), rel=2e-3, abs=1e-6)


@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_every_term_trains_the_net(digits: Dataset, term: str, precision: str) -> None:
    config = tiny(precision=precision, target="v", **{f"{term}_weight": 0.1})
    net = build_net(config, channels=1, size=8)
    cost_of(Objective.of(config, CPU), net, draw_batch(digits.train, 1, config, 0)).loss.sum().backward()
    grads = [p.grad for p in net.parameters() if p.grad is not None]
    assert grads
    assert all(grad.isfinite().all() for grad in grads)
