from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sweep.diffusion.noise import sample_noise
from sweep.diffusion.process import REVERSE_VARIANCES, Diffusion
from sweep.diffusion.schedules import BETA_SCHEDULES, beta_schedule

LINEAR = beta_schedule("linear", 1000)


def images(batch: int, draw: int = 0) -> torch.Tensor:
    return sample_noise(7, torch.arange(batch), draw, (1, 4, 4), "cpu")


class TestTables:
    def test_are_float64_and_cast_on_gather(self) -> None:
        diffusion = Diffusion.from_betas(LINEAR)
        assert all(table.dtype == torch.float64 for table in vars(diffusion).values())
        gathered = diffusion.at(diffusion.alphas_bar, torch.tensor([0, 999]))
        assert gathered.dtype == torch.float32
        assert gathered.shape == (2, 1, 1, 1)
        assert gathered[0].item() == np.float32(0.9999)

    def test_noise_level_rises_in_float32_and_not_in_half_precision(self) -> None:
        diffusion = Diffusion.from_betas(LINEAR)
        i = torch.arange(1000)
        assert (diffusion.at(diffusion.sqrt_one_minus_alphas_bar, i).flatten().diff() > 0).all()
        # diffusers' add_noise casts alphas_bar to the images' dtype first: no noise at all for ten steps
        wrong = (1 - diffusion.alphas_bar.to(torch.bfloat16)).sqrt()
        assert (wrong[:10] == 0).all()
        assert len(wrong.unique()) < 250

    def test_first_variance_keeps_its_digits(self) -> None:
        diffusion = Diffusion.from_betas(LINEAR)
        first = diffusion.at(diffusion.sqrt_one_minus_alphas_bar, torch.tensor([0])).item() ** 2
        assert first == pytest.approx(1e-4, rel=3e-7)
        wrong = 1 - torch.cumprod(1 - torch.tensor(LINEAR, dtype=torch.float32), 0)[0].item()
        assert wrong != pytest.approx(1e-4, rel=1e-4)

    def test_autocast_changes_nothing(self) -> None:
        diffusion, x0, noise = Diffusion.from_betas(LINEAR), images(3), images(3, 1)
        i = torch.tensor([0, 500, 999])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            inside = diffusion.q_sample(x0, i, noise)
        assert inside.dtype == torch.float32
        assert torch.equal(inside, diffusion.q_sample(x0, i, noise))

    def test_to_device(self) -> None:
        diffusion = Diffusion.from_betas(LINEAR)
        assert diffusion.timesteps == 1000
        assert diffusion.to("meta").device.type == "meta"
        assert diffusion.device.type == "cpu"

    @pytest.mark.parametrize("schedule", BETA_SCHEDULES)
    def test_finite_for_every_schedule(self, schedule: str) -> None:
        for T in (21, 1000):
            diffusion = Diffusion.from_betas(beta_schedule(schedule, T))
            assert all(table.isfinite().all() for table in vars(diffusion).values())

    @pytest.mark.parametrize("T", [1, 2, 3])
    def test_short_chains(self, T: int) -> None:
        diffusion = Diffusion.from_betas(beta_schedule("cosine", T))
        assert all(table.isfinite().all() for table in vars(diffusion).values())
        if T == 1:
            assert diffusion.posterior_log_variance[0] == diffusion.betas.log()[0]


class TestForward:
    def test_first_index_is_one_step_of_noise(self) -> None:
        diffusion = Diffusion.from_betas(LINEAR)
        x_1 = diffusion.q_sample(torch.zeros(4096, 1, 4, 4), torch.zeros(4096, dtype=torch.int64), images(4096))
        assert x_1.var().item() == pytest.approx(1e-4, rel=0.03)  # beta_1, not 0

    def test_moments_at_every_level(self) -> None:
        diffusion = Diffusion.from_betas(LINEAR)
        for i in (1, 99, 499, 999):
            x_t = diffusion.q_sample(torch.full((4096, 1, 4, 4), 0.5), torch.full((4096,), i), images(4096, i))
            alphas_bar = math.prod(1 - LINEAR[: i + 1])
            assert x_t.mean().item() == pytest.approx(0.5 * alphas_bar**0.5, abs=0.02)
            assert x_t.var().item() == pytest.approx(1 - alphas_bar, rel=0.03)

    def test_one_level_per_image_where_batch_equals_width(self) -> None:
        diffusion, x0, noise = Diffusion.from_betas(LINEAR), images(4), images(4, 1)
        i = torch.tensor([0, 10, 500, 999])
        x_t = diffusion.q_sample(x0, i, noise)
        for b in range(4):
            assert torch.equal(x_t[b], diffusion.q_sample(x0[b : b + 1], i[b : b + 1], noise[b : b + 1])[0])
        a = diffusion.sqrt_alphas_bar[i].float()  # [B] broadcasts over W without an error
        wrong = a * x0 + diffusion.sqrt_one_minus_alphas_bar[i].float() * noise
        assert wrong.shape == x_t.shape
        assert not torch.allclose(wrong, x_t, atol=0.1)

    def test_shapes_are_checked(self) -> None:
        diffusion = Diffusion.from_betas(LINEAR)
        with pytest.raises(AssertionError):
            diffusion.q_sample(images(2), torch.tensor([0, 1]), images(3))
        with pytest.raises(AssertionError):
            diffusion.at(diffusion.betas, torch.tensor([0.0]))
        with pytest.raises(AssertionError):
            diffusion.at(diffusion.betas, torch.tensor([[0]]))


class TestPosterior:
    def test_chain_reaches_the_marginal(self) -> None:
        """x_{t-1} drawn from q(x_{t-1} | x_t, x_0) has the moments of q(x_{t-1} | x_0)."""
        diffusion = Diffusion.from_betas(beta_schedule("cosine", 20))
        x0, i = torch.full((8192, 1, 4, 4), 0.3), torch.full((8192,), 10)
        x_t = diffusion.q_sample(x0, i, images(8192))
        mean, variance, log_variance = diffusion.q_posterior(x0, x_t, i)
        previous = mean + variance.sqrt() * images(8192, 1)
        assert previous.mean().item() == pytest.approx(0.3 * diffusion.sqrt_alphas_bar[9].item(), abs=0.01)
        assert previous.var().item() == pytest.approx(1 - diffusion.alphas_bar[9].item(), rel=0.02)
        assert torch.allclose(log_variance.exp(), variance)

    def test_log_variance_of_the_first_step_is_that_of_the_second(self) -> None:
        diffusion = Diffusion.from_betas(LINEAR)
        _, variance, log_variance = diffusion.q_posterior(images(2), images(2, 1), torch.tensor([0, 1]))
        assert variance.flatten().tolist() == [0.0, pytest.approx(5.4531876613e-05)]
        # -9.8167: log of the golden posterior variance; lucidrains has log 1e-20 = -46 here
        assert log_variance.flatten().tolist() == [pytest.approx(-9.8167, abs=1e-4)] * 2


class TestReverseVariance:
    diffusion = Diffusion.from_betas(LINEAR)
    i = torch.tensor([0, 1, 500, 999])

    def test_fixed_small_and_large(self) -> None:
        small = self.diffusion.reverse_variance("fixed_small", self.i).flatten()
        large = self.diffusion.reverse_variance("fixed_large", self.i).flatten()
        assert small[2] == pytest.approx(self.diffusion.posterior_variance[500].item(), rel=1e-5)
        assert torch.allclose(large[1:], self.diffusion.betas[self.i[1:]].float(), rtol=1e-5)
        # Ho: "better decoder log likelihood"; both are beta~_2 at t = 1
        assert small[0] == large[0] == pytest.approx(5.4531876613e-05, rel=1e-5)

    def test_learned_range_interpolates_logarithms(self) -> None:
        raw = torch.ones(4, 1, 2, 2)
        high = self.diffusion.reverse_log_variance("learned_range", self.i, raw).mean((1, 2, 3))
        low = self.diffusion.reverse_log_variance("learned_range", self.i, -raw).mean((1, 2, 3))
        middle = self.diffusion.reverse_log_variance("learned_range", self.i, 0 * raw).mean((1, 2, 3))
        assert torch.allclose(high, self.diffusion.betas.log()[self.i].float(), atol=1e-5)
        assert torch.allclose(low, self.diffusion.posterior_log_variance[self.i].float(), atol=1e-5)
        assert torch.allclose(middle, (high + low) / 2, atol=1e-5)

    @pytest.mark.parametrize("kind", REVERSE_VARIANCES)
    def test_finite_positive(self, kind: str) -> None:
        variance = self.diffusion.reverse_variance(kind, torch.arange(1000), torch.zeros(1000, 1, 1, 1))
        assert variance.isfinite().all()
        assert (variance > 0).all()

    def test_learned_range_needs_the_network(self) -> None:
        with pytest.raises(AssertionError, match="second half"):
            self.diffusion.reverse_variance("learned_range", self.i)
