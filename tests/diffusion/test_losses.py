from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn import functional

from sweep.diffusion.losses import (
    LOSSES,
    detach_mean,
    discretized_log_likelihood,
    dispersive_loss,
    gaussian_kl,
    hybrid_loss,
    info_nce,
    per_image_loss,
    vlb_terms,
)
from sweep.diffusion.noise import sample_noise
from sweep.diffusion.process import Diffusion
from sweep.diffusion.reverse import Reverse, reverse_distribution
from sweep.diffusion.schedules import beta_schedule

A = sample_noise(0, torch.arange(4), 0, (3, 4, 4), "cpu")
B = sample_noise(0, torch.arange(4), 1, (3, 4, 4), "cpu")


class TestElementwise:
    @pytest.mark.parametrize(
        ("name", "reference"),
        [
            ("mse", lambda a, b, _d: functional.mse_loss(a, b, reduction="none")),
            ("l1", lambda a, b, _d: functional.l1_loss(a, b, reduction="none")),
            ("huber", lambda a, b, d: functional.huber_loss(a, b, delta=d, reduction="none")),
            ("huber", lambda a, b, d: d * functional.smooth_l1_loss(a, b, beta=d, reduction="none")),
        ],
    )
    @pytest.mark.parametrize("delta", [0.1, 1.0, 3.0])
    def test_against_torch(self, name: str, reference: object, delta: float) -> None:
        assert callable(reference)
        expected = reference(A, B, delta).mean((1, 2, 3))
        assert torch.allclose(per_image_loss(name, A, B, delta=delta), expected, rtol=1e-6)

    @pytest.mark.parametrize("delta", [0.1, 1.0, 3.0])
    def test_pseudo_huber(self, delta: float) -> None:
        r = np.array([-1e3, -1.0, -1e-4, 0.0, 1e-4, 0.5, 1e3])
        expected = delta**2 * (np.sqrt(1 + (r / delta) ** 2) - 1)
        assert np.allclose(LOSSES["pseudo_huber"](torch.tensor(r), delta), expected, rtol=1e-6, atol=1e-12)

    def test_pseudo_huber_keeps_small_residuals_in_float32(self) -> None:
        r = torch.tensor([1e-4], requires_grad=True)
        LOSSES["pseudo_huber"](r, 1.0).sum().backward()
        assert r.grad is not None
        assert r.grad.item() == pytest.approx(1e-4, rel=1e-5)
        assert LOSSES["pseudo_huber"](r, 1.0).item() == pytest.approx(0.5e-8, rel=1e-5)
        wrong = torch.sqrt(1 + torch.tensor(1e-4) ** 2) - 1
        assert wrong == 0

    @pytest.mark.parametrize("name", LOSSES)
    def test_one_number_per_image_whatever_the_precision(self, name: str) -> None:
        loss = per_image_loss(name, A.bfloat16(), B)
        assert loss.shape == (4,)
        assert loss.dtype == torch.float32
        assert per_image_loss(name, A, A).eq(0).all()
        assert torch.equal(per_image_loss(name, A[2:3], B[2:3]), per_image_loss(name, A, B)[2:3])
        with pytest.raises(AssertionError):
            per_image_loss(name, A, B[:, :1])  # would broadcast


class TestVariationalTerms:
    def test_gaussian_kl(self) -> None:
        p = torch.distributions.Normal(torch.tensor(0.3), torch.tensor(0.5))
        q = torch.distributions.Normal(torch.tensor(-0.2), torch.tensor(1.5))
        ours = gaussian_kl(p.mean, 2 * p.scale.log(), q.mean, 2 * q.scale.log())
        assert ours.item() == pytest.approx(torch.distributions.kl_divergence(p, q).item(), rel=1e-6)

    @pytest.mark.parametrize("sigma", [0.003, 0.01, 0.1, 1.0])
    def test_decoder_against_scipy(self, sigma: float) -> None:
        x0 = torch.arange(256) / 127.5 - 1
        mean = torch.linspace(-1.2, 1.1, 256)
        ours = discretized_log_likelihood(x0, mean, torch.tensor(2 * math.log(sigma)))
        x, m = x0.double().numpy(), mean.double().numpy()
        up, down = (x + 1 / 255 - m) / sigma, (x - 1 / 255 - m) / sigma
        # log(Phi(up) - Phi(down)) on whichever side keeps its digits
        right = down > 0
        big, small = np.where(right, -down, up), np.where(right, -up, down)
        log_big, log_small = stats.norm.logcdf(big), stats.norm.logcdf(small)
        expected = log_big + np.log1p(-np.exp(log_small - log_big))
        expected[0], expected[-1] = stats.norm.logcdf(up[0]), stats.norm.logsf(down[-1])
        assert np.allclose(ours, expected, rtol=2e-4, atol=2e-4)

    @pytest.mark.parametrize("sigma", [0.004, 0.05, 0.7])
    @pytest.mark.parametrize("mean", [-1.0, -0.3, 0.999, 2.0])
    def test_decoder_sums_to_one(self, sigma: float, mean: float) -> None:
        x0 = torch.arange(256) / 127.5 - 1
        log_p = discretized_log_likelihood(x0, torch.full((256,), mean), torch.tensor(2 * math.log(sigma)))
        assert log_p.exp().sum().item() == pytest.approx(1, rel=1e-4)

    def test_decoder_of_a_hopeless_mean_has_a_gradient(self) -> None:
        mean = torch.tensor([3.0, -3.0, 0.9], requires_grad=True)
        log_p = discretized_log_likelihood(torch.zeros(3), mean, torch.tensor(math.log(5.45e-5)))
        log_p.sum().backward()
        assert mean.grad is not None
        assert torch.isfinite(log_p).all()
        assert (mean.grad.sign() == torch.tensor([-1.0, 1.0, -1.0])).all()
        floor = math.log(1e-12)  # released codes stop here, and with them the gradient
        assert (log_p < floor).all()

    def test_terms_at_the_first_and_another_step(self) -> None:
        diffusion = Diffusion.from_betas(beta_schedule("linear", 1000))
        x0 = (torch.arange(64).view(1, 1, 8, 8) * 3 / 127.5 - 1).repeat(2, 1, 1, 1)
        i = torch.tensor([0, 400])
        noise = sample_noise(0, torch.arange(2), 0, (1, 8, 8), "cpu")
        x_t = diffusion.q_sample(x0, i, noise)
        perfect = reverse_distribution(
            diffusion, noise, x_t, i, target="epsilon", variance="fixed_small", x0_clip="none"
        )
        terms = vlb_terms(diffusion, perfect, x0, x_t, i)
        assert terms.shape == (2,)
        assert terms[1].item() == pytest.approx(0, abs=1e-5)  # KL of equal Gaussians
        # Perfect mean, sigma^2 = beta~_2: the mass of half a bin, (1/255) / sigma, either side of the middle
        half_bin = 1 / 255 / math.sqrt(5.4531876613e-05)
        inside = -math.log2(2 * stats.norm.cdf(half_bin) - 1)
        edge = -math.log2(stats.norm.cdf(half_bin))
        assert terms[0].item() == pytest.approx((63 * inside + edge) / 64, rel=1e-2)

    @pytest.mark.parametrize("index", [0, 1, 999])
    def test_gradients_are_finite(self, index: int) -> None:
        diffusion = Diffusion.from_betas(beta_schedule("cosine", 1000))
        i = torch.full((4,), index)
        x0 = A.clamp(-1, 1)
        x_t = diffusion.q_sample(x0, i, B)
        output = torch.zeros(4, 6, 4, 4, dtype=torch.bfloat16, requires_grad=True)
        reverse = reverse_distribution(diffusion, output, x_t, i, target="v", variance="learned_range", x0_clip="none")
        vlb_terms(diffusion, detach_mean(reverse), x0, x_t, i).sum().backward()
        assert output.grad is not None
        assert output.grad.isfinite().all()
        assert output.grad[:, :3].eq(0).all()  # L_vlb trains the variance alone
        assert output.grad[:, 3:].ne(0).any()

    def test_hybrid_is_the_mean_of_a_sum_over_t(self) -> None:
        # Nichol & Dhariwal 2021: lambda = 0.001, L_vlb a sum over t of which one term is drawn
        simple, vlb = torch.tensor([1.0, 2.0]), torch.tensor([0.5, 0.25])
        assert hybrid_loss(simple, vlb, 4000).tolist() == pytest.approx([3.0, 3.0])
        with pytest.raises(AssertionError):
            hybrid_loss(simple, vlb[:, None], 4000)


class TestRepresentations:
    def test_info_nce_by_hand(self) -> None:
        z_a, z_b = torch.eye(3), torch.eye(3)
        # rows agree with themselves (cosine 1) and with nobody else (0)
        expected = -math.log(math.exp(2) / (math.exp(2) + 2))
        assert info_nce(z_a, z_b, temperature=0.5).item() == pytest.approx(expected, rel=1e-6)
        assert info_nce(5 * z_a, z_b, temperature=0.5).item() == pytest.approx(expected, rel=1e-6)
        assert info_nce(z_a, z_b.roll(1, 0), temperature=0.5) > info_nce(z_a, z_b, temperature=0.5)

    def test_dispersive_against_pairwise_distances(self) -> None:
        z = sample_noise(0, torch.arange(9), 0, (2, 3), "cpu")
        upper = functional.pdist(z.flatten(1)).pow(2) / 6
        all_pairs = torch.cat([upper, upper, torch.zeros(9)])  # the B x B matrix
        expected = torch.log(torch.exp(-all_pairs / 0.5).mean())
        assert dispersive_loss(z, tau=0.5).item() == pytest.approx(expected.item(), rel=1e-5)
        assert dispersive_loss(z + 100, tau=0.5).item() == pytest.approx(expected.item(), rel=1e-3)

    def test_dispersive_pushes_apart(self) -> None:
        z = sample_noise(0, torch.arange(6), 0, (5,), "cpu").requires_grad_()
        loss = dispersive_loss(z, tau=0.5)
        loss.backward()
        assert z.grad is not None
        assert z.grad.isfinite().all()
        apart = dispersive_loss(z - 0.1 * z.grad, tau=0.5)
        assert apart < loss < 0
        assert dispersive_loss(torch.ones(4, 3), tau=0.5).item() == pytest.approx(0, abs=1e-6)


def test_detach_mean_keeps_the_variance() -> None:
    mean = torch.ones(1, requires_grad=True)
    log_variance = torch.ones(1, requires_grad=True)
    detached = detach_mean(Reverse(mean, log_variance, mean))
    assert not detached.mean.requires_grad
    assert not detached.x0.requires_grad
    assert detached.log_variance.requires_grad
