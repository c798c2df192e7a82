from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sweep.diffusion.likelihood import LikelihoodPlan, bits_per_dim, prior_bits_per_dim
from sweep.diffusion.losses import vlb_terms
from sweep.diffusion.noise import sample_noise
from sweep.diffusion.process import Diffusion
from sweep.diffusion.reverse import reverse_distribution
from sweep.diffusion.schedule_facts import schedule_facts
from sweep.diffusion.schedules import beta_schedule
from sweep.diffusion.spacing import stratum_edges
from sweep.errors import InfeasibleConfig

INDEX = torch.arange(3)
X0 = ((sample_noise(5, INDEX, 0, (1, 4, 4), "cpu").clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1


def tame(x: torch.Tensor, _i: torch.Tensor) -> torch.Tensor:
    """A network that is neither perfect nor wild."""
    return 0.9 * x


def perfect(x: torch.Tensor, _i: torch.Tensor) -> torch.Tensor:
    """x_0 itself, under target x0, for batches of the first images of X0."""
    return X0[: len(x)]


def test_fixed_large_costs_a_constant_at_equal_means() -> None:
    """0.486 bits/dim at linear 1000: the sum over t >= 2 of (ln(beta / beta~) - 1 + beta~ / beta) / 2.

    Source: Ho et al. 2020, eq. 8; measured as 0.486 on improved-diffusion 1bc7bbb.
    """
    diffusion = Diffusion.from_betas(beta_schedule("linear", 1000))
    plan = LikelihoodPlan(target="x0", variance="fixed_large")
    terms = bits_per_dim(perfect, diffusion, X0[:1], index=INDEX[:1], noise_set=0, plan=plan)
    assert terms.kl.shape == (1, 999)
    assert terms.kl.sum().item() == pytest.approx(0.486, abs=5e-4)


@pytest.mark.parametrize(
    ("schedule", "T", "constant"),
    [("linear", 1000, 0.486), ("linear_scaled", 4000, 0.372), ("cosine", 1000, 0.432), ("cosine", 4000, 0.352)],
)
def test_that_constant_for_other_schedules(schedule: str, T: int, constant: float) -> None:
    diffusion, i = Diffusion.from_betas(beta_schedule(schedule, T)), torch.arange(T)
    x0 = X0[:1].expand(T, 1, 4, 4)
    x_t = diffusion.q_sample(x0, i, sample_noise(0, i, 0, (1, 4, 4), "cpu"))
    bits = []
    for variance in ("fixed_small", "fixed_large"):
        reverse = reverse_distribution(diffusion, x0, x_t, i, target="x0", variance=variance, x0_clip="none")
        bits.append(vlb_terms(diffusion, reverse, x0, x_t, i).double().sum().item())
    assert bits[1] - bits[0] == pytest.approx(constant, abs=6e-4)


class TestExact:
    diffusion = Diffusion.from_betas(beta_schedule("linear", 40))
    plan = LikelihoodPlan(target="epsilon")

    def test_terms_add_up_and_are_positive(self) -> None:
        terms = bits_per_dim(tame, self.diffusion, X0, index=INDEX, noise_set=0, plan=self.plan)
        assert torch.allclose(terms.total, terms.reconstruction + terms.kl.sum(1) + terms.prior)
        assert (terms.kl >= 0).all()
        assert (terms.prior >= 0).all()
        assert terms.total.shape == (3,)

    def test_same_in_any_batch(self) -> None:
        whole = bits_per_dim(tame, self.diffusion, X0, index=INDEX, noise_set=0, plan=self.plan)
        last = bits_per_dim(tame, self.diffusion, X0[2:], index=INDEX[2:], noise_set=0, plan=self.plan)
        assert torch.equal(whole.total[2:], last.total)
        other = bits_per_dim(tame, self.diffusion, X0, index=INDEX, noise_set=1, plan=self.plan)
        assert not torch.equal(whole.total, other.total)

    def test_every_t_is_seen_once(self) -> None:
        seen: list[int] = []

        def denoise(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
            seen.extend(i.unique().tolist())
            return tame(x, i)

        bits_per_dim(denoise, self.diffusion, X0, index=INDEX, noise_set=0, plan=self.plan)
        assert seen == list(range(40))

    def test_a_perfect_network_pays_for_the_decoder_alone(self) -> None:
        plan = LikelihoodPlan(target="x0")
        terms = bits_per_dim(perfect, self.diffusion, X0, index=INDEX, noise_set=0, plan=plan)
        assert terms.kl.abs().max() < 1e-4
        assert ((terms.reconstruction > 0) & (terms.reconstruction < 2)).all()

    def test_single_step(self) -> None:
        diffusion = Diffusion.from_betas(beta_schedule("linear", 1))
        terms = bits_per_dim(tame, diffusion, X0, index=INDEX, noise_set=0, plan=self.plan)
        assert terms.kl.shape == (3, 0)
        assert terms.total.isfinite().all()


class TestEstimate:
    diffusion = Diffusion.from_betas(beta_schedule("linear_scaled", 40))

    @pytest.mark.parametrize("strata", [2, 5, 13])
    def test_unbiased(self, strata: int) -> None:
        """The mean of many evaluations of one image is its exact value; that of equally spaced t is not."""
        copies = 3000
        x0, index = X0[:1].expand(copies, 1, 4, 4), torch.arange(copies)

        def faded(x: torch.Tensor, _i: torch.Tensor) -> torch.Tensor:  # terms that depend on t and on no noise
            return 0.9 * X0[:1].expand_as(x)

        plan = LikelihoodPlan(target="x0")
        exact = bits_per_dim(faded, self.diffusion, x0[:1], index=index[:1], noise_set=0, plan=plan)
        plan = LikelihoodPlan(target="x0", strata=strata)
        estimate = bits_per_dim(faded, self.diffusion, x0, index=index, noise_set=1, plan=plan).total
        error = estimate.std().item() / math.sqrt(copies)
        assert error < 0.1 * exact.total.item()
        assert estimate.mean().item() == pytest.approx(exact.total.item(), abs=5 * error)
        stride = 39 // (strata - 1)
        wrong = exact.reconstruction + exact.kl[:, ::stride].sum() * stride + exact.prior
        assert strata == 2 or abs(wrong.item() - exact.total.item()) > 5 * error

    def test_more_strata_less_spread(self) -> None:
        spreads = []
        for strata in (2, 8, 32):
            plan = LikelihoodPlan(target="epsilon", strata=strata)
            x0 = X0[:1].expand(500, 1, 4, 4)
            terms = bits_per_dim(tame, self.diffusion, x0, index=torch.arange(500), noise_set=2, plan=plan)
            spreads.append(terms.total.std().item())
        assert spreads[0] > spreads[1] > spreads[2]

    def test_all_strata_are_exact(self) -> None:
        exact = bits_per_dim(tame, self.diffusion, X0, index=INDEX, noise_set=0, plan=LikelihoodPlan(target="v"))
        plan = LikelihoodPlan(target="v", strata=40)
        assert torch.equal(
            bits_per_dim(tame, self.diffusion, X0, index=INDEX, noise_set=0, plan=plan).total, exact.total
        )


@pytest.mark.parametrize(("T", "strata"), [(1, 1), (2, 2), (10, 2), (10, 7), (1000, 33), (10, 10)])
def test_strata_cover_the_chain_once(T: int, strata: int) -> None:
    edges = stratum_edges(T, strata)
    assert edges[:2] == [0, 1]
    assert edges[-1] == T
    assert len(edges) == strata + 1
    assert (np.diff(edges) >= 1).all()


@pytest.mark.parametrize(("T", "strata"), [(10, 1), (10, 11), (10, 0), (1, 2)])
def test_strata_out_of_range(T: int, strata: int) -> None:
    with pytest.raises(InfeasibleConfig, match=f"{strata} strata of a chain with T = {T}"):
        stratum_edges(T, strata)


@pytest.mark.parametrize("schedule", ["linear", "exponential_beta", "jsd"])
def test_prior_is_that_of_the_schedule_facts(schedule: str) -> None:
    betas = beta_schedule(schedule, 100)
    bits = prior_bits_per_dim(Diffusion.from_betas(betas), X0)
    expected = [schedule_facts(betas, mean_square=(x**2).mean().item()).prior_bits_per_dim for x in X0]
    assert bits.tolist() == pytest.approx(expected, rel=1e-4, abs=1e-7)
