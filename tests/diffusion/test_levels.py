from __future__ import annotations

import numpy as np
import pytest

from sweep.diffusion.levels import Levels
from sweep.diffusion.schedules import BETA_SCHEDULES, beta_schedule


@pytest.mark.parametrize("schedule", BETA_SCHEDULES)
class TestPosterior:
    def test_is_bayes_rule(self, schedule: str) -> None:
        """q(x_{t-1} | x_t, x_0) from the product of two Gaussians, not from eq. 7."""
        at = Levels.of(beta_schedule(schedule, 50))
        likelihood_precision = (1 - at.betas) / at.betas  # of x_{t-1}, from q(x_t | x_{t-1})
        prior_precision = 1 / (1 - at.alphas_bar_prev[1:])  # q(x_{t-1} | x_0), t >= 2
        precision = likelihood_precision[1:] + prior_precision
        assert np.allclose(at.posterior_variance[1:], 1 / precision, rtol=1e-9)
        on_x0 = prior_precision * np.sqrt(at.alphas_bar_prev[1:]) / precision
        on_x_t = np.sqrt(1 - at.betas[1:]) / at.betas[1:] / precision
        assert np.allclose(at.posterior_mean_x0[1:], on_x0, rtol=1e-9)
        assert np.allclose(at.posterior_mean_x_t[1:], on_x_t, rtol=1e-9, atol=1e-15)

    def test_first_step_returns_x0(self, schedule: str) -> None:
        at = Levels.of(beta_schedule(schedule, 50))
        assert at.posterior_variance[0] == 0
        assert at.posterior_mean_x0[0] == pytest.approx(1, rel=1e-10)
        assert at.posterior_mean_x_t[0] == 0

    def test_mean_of_the_noiseless_path(self, schedule: str) -> None:
        # mu~(x_0, sqrt(alphas_bar_t) x_0) = sqrt(alphas_bar_{t-1}) x_0
        at = Levels.of(beta_schedule(schedule, 50))
        mean = at.posterior_mean_x0 + at.posterior_mean_x_t * np.sqrt(at.alphas_bar)
        assert np.allclose(mean, np.sqrt(at.alphas_bar_prev), rtol=1e-9)

    def test_marginals_are_consistent(self, schedule: str) -> None:
        at = Levels.of(beta_schedule(schedule, 50))
        assert np.allclose(at.alphas_bar, (1 - at.betas) * at.alphas_bar_prev, rtol=1e-12, atol=0)

    def test_clipped_variance_has_a_logarithm(self, schedule: str) -> None:
        for T in (2, 50):
            if (schedule, T) == ("linear_scaled", 2):
                continue  # refused: beta_T would be 10
            at = Levels.of(beta_schedule(schedule, T))
            assert at.clipped_posterior_variance[0] == at.posterior_variance[1] > 0
            assert at.posterior_variance[0] == 0  # the property gives a fresh array


def test_one_step() -> None:
    at = Levels.of(np.array([0.3]))
    assert at.clipped_posterior_variance.tolist() == [0.3]


def test_subset_keeps_alphas_bar() -> None:
    at = Levels.of(beta_schedule("cosine", 100))
    short = at.subset(np.array([9, 49, 99]))
    assert np.array_equal(short.alphas_bar, at.alphas_bar[[9, 49, 99]])
    assert np.allclose(np.cumprod(1 - short.betas), short.alphas_bar, rtol=1e-12)
    whole = at.subset(np.arange(100))
    assert np.allclose(whole.betas, at.betas, rtol=1e-9)
