from __future__ import annotations

import numpy as np
import pytest

from sweep.diffusion.coefficients import HEUN_LARGEST_FALL, SAMPLERS, ancestral, ddim, dpmpp_2m, half_log_snr, heun
from sweep.diffusion.levels import Levels
from sweep.diffusion.schedules import BETA_SCHEDULES, beta_schedule
from sweep.diffusion.spacing import sampling_indices


def visited(schedule: str, T: int, steps: int, spacing: str = "trailing") -> Levels:
    indices = sampling_indices(spacing, T, steps)
    return Levels.of(beta_schedule(schedule, T)).subset(indices[::-1])


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("schedule", BETA_SCHEDULES)
class TestEverySampler:
    def test_finite(self, schedule: str, sampler: str) -> None:
        for T in (21, 300):
            for steps in (1, 2, 3, 20, T):
                for column in SAMPLERS[sampler](visited(schedule, T, min(steps, T)), 0.5):
                    assert column is None or np.isfinite(column).all()

    def test_keeps_the_noiseless_path(self, schedule: str, sampler: str) -> None:
        """x = sqrt(alphas_bar) x_0 goes to sqrt(alphas_bar_next) x_0 where x_0 is known and no noise is added."""
        at = visited(schedule, 300, 20)
        columns = SAMPLERS[sampler](at, 0.0)
        previous = 0 if columns.on_previous is None else columns.on_previous
        after = columns.on_x * np.sqrt(at.alphas_bar) + columns.on_x0 + previous
        assert np.allclose(after, np.sqrt(at.alphas_bar_prev), rtol=1e-9)

    def test_keeps_the_noise_level(self, schedule: str, sampler: str) -> None:
        """With x_0 = 0 known, variance 1 - alphas_bar goes to 1 - alphas_bar of the next level."""
        at = visited(schedule, 300, 20)
        for eta in (0.0, 0.3, 1.0):
            columns = SAMPLERS[sampler](at, eta)
            sigma_squared = at.posterior_variance if columns.sigma is None else columns.sigma**2
            variance = columns.on_x**2 * (1 - at.alphas_bar) + sigma_squared
            assert np.allclose(variance, 1 - at.alphas_bar_prev, rtol=1e-7, atol=1e-12)

    def test_ends_in_x0(self, schedule: str, sampler: str) -> None:
        columns = SAMPLERS[sampler](visited(schedule, 300, 20), 1.0)
        assert columns.on_x[0] == pytest.approx(0, abs=1e-12)
        assert columns.on_x0[0] == pytest.approx(1, rel=1e-9)
        assert columns.sigma is None or columns.sigma[0] == 0


def test_ddim_with_eta_1_is_ancestral() -> None:
    # Song et al. 2021, sec. 4.1
    at = visited("cosine", 300, 20)
    stochastic, posterior = ddim(at, 1.0), ancestral(at, 1.0)
    assert stochastic.sigma is not None
    assert np.allclose(stochastic.on_x, posterior.on_x, rtol=1e-9)
    assert np.allclose(stochastic.on_x0, posterior.on_x0, rtol=1e-9)
    assert np.allclose(stochastic.sigma**2, at.posterior_variance, rtol=1e-9)


def test_dpmpp_2m_is_its_algorithm() -> None:
    """Lu et al. 2022, Alg. 2, as printed, in lambda."""
    at = visited("linear", 1000, 12)
    columns = dpmpp_2m(at, 0.0)
    assert columns.on_previous is not None
    a, s = np.sqrt(at.alphas_bar), np.sqrt(1 - at.alphas_bar)
    lam = np.log(a / s)
    for p in range(1, 11):  # entry p goes from level p to p - 1; the step before came from p + 1
        h, h_before = lam[p - 1] - lam[p], lam[p] - lam[p + 1]
        r = h_before / h
        scale = -a[p - 1] * np.expm1(-h)
        assert columns.on_x[p] == pytest.approx(s[p - 1] / s[p], rel=1e-9)
        assert columns.on_x0[p] == pytest.approx(scale * (1 + 1 / (2 * r)), rel=1e-9)
        assert columns.on_previous[p] == pytest.approx(-scale / (2 * r), rel=1e-9)
    assert columns.on_previous[0] == columns.on_previous[11] == 0  # no length at the end, no history at the start


def test_heun_is_its_algorithm() -> None:
    """Karras et al. 2022, Alg. 1: x and sigma divided by sqrt(alphas_bar), slopes averaged, a linear denoiser."""
    at = visited("linear", 1000, 20)
    columns = heun(at, 0.0)
    assert columns.corrector is not None
    a, sigma = np.sqrt(at.alphas_bar), np.sqrt(1 / at.alphas_bar - 1)

    def denoised(x: float, p: int) -> float:
        return 0.3 + x / (1 + sigma[p] ** 2)

    for p in range(1, 20):
        x = 1.7
        slope = (x - denoised(x, p)) / sigma[p]
        euler = x + (sigma[p - 1] - sigma[p]) * slope
        slope_ahead = (euler - denoised(euler, p - 1)) / sigma[p - 1]
        expected = x + (sigma[p - 1] - sigma[p]) * (slope + slope_ahead) / 2
        moved = columns.on_x[p] * a[p] * x + columns.on_x0[p] * denoised(x, p)
        assert moved / a[p - 1] == pytest.approx(euler, rel=1e-9)
        moved += columns.corrector[p] * (denoised(x, p) - denoised(euler, p - 1))
        assert moved / a[p - 1] == pytest.approx(expected, rel=1e-9)


def test_heun_leaves_out_steps_that_it_would_extrapolate() -> None:
    for schedule in ("cosine", "jsd", "linear"):
        at = visited(schedule, 1000, 20)
        corrector = heun(at, 0.0).corrector
        assert corrector is not None
        fall = np.exp(half_log_snr(at.alphas_bar_prev) - half_log_snr(at.alphas_bar))
        assert ((corrector == 0) == (fall > HEUN_LARGEST_FALL)).all()
        assert corrector[0] == 0
        assert (corrector[-1] == 0) == (schedule != "linear")
        assert np.abs(corrector).max() <= 0.5 * (HEUN_LARGEST_FALL - 1)


def test_half_log_snr_at_both_ends() -> None:
    assert half_log_snr(np.array([0.0, 0.5, 1.0])).tolist() == [-np.inf, pytest.approx(0, abs=1e-15), np.inf]
