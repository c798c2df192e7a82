from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.diffusion.losses import gaussian_kl
from sweep.diffusion.process import Diffusion
from sweep.diffusion.schedules import BETA_SCHEDULES, beta_schedule
from sweep.diffusion.targets import TARGETS, target_for
from sweep.diffusion.weighting import ERROR_SCALES, WEIGHTINGS, loss_weights
from sweep.errors import InfeasibleConfig, UsageError
from tests.helpers.golden_rows import rows

ROWS = rows("diffusion_weightings.json")


def weights_or_clipped(name: str, schedule: str, T: int, target: str) -> np.ndarray:
    """Weights with an infinite entry shown as inf, through a clip that no finite weight reaches."""
    weights = loss_weights(name, beta_schedule(schedule, T), target=target, clip=(0, 1e30))
    return np.where(weights == 1e30, np.inf, weights)


@pytest.mark.parametrize("target", ERROR_SCALES)
@pytest.mark.parametrize("name", WEIGHTINGS)
def test_golden(name: str, target: str) -> None:
    mine = [row for row in ROWS if (row["weighting"], row["target"]) == (name, target)]
    assert len(mine) >= 12
    for row in mine:
        weights = weights_or_clipped(name, row["schedule"], row["T"], target)
        assert weights[row["t"] - 1] == pytest.approx(row["value"], rel=row["rel"]), row


def test_targets_are_those_of_the_process() -> None:
    assert set(ERROR_SCALES) == set(TARGETS)


@settings(max_examples=250)
@given(
    name=st.sampled_from(sorted(WEIGHTINGS)),
    schedule=st.sampled_from(sorted(BETA_SCHEDULES)),
    target=st.sampled_from(sorted(ERROR_SCALES)),
    T=st.integers(21, 4000),
    zero=st.booleans(),
    clip=st.sampled_from([None, (0.0, 1.0), (0.0, 5.0)]),
)
def test_weights_are_usable_or_refused(
    name: str, schedule: str, target: str, T: int, zero: bool, clip: tuple[float, float] | None
) -> None:
    betas = beta_schedule(schedule, T, zero_terminal_snr=zero)
    try:
        weights = loss_weights(name, betas, target=target, clip=clip)
    except InfeasibleConfig as error:
        refused = error
    else:
        refused = None
    if refused is not None:
        assert clip is None  # a clip mends every infinity
        assert "is inf at t = " in refused.what
        assert "weight_clip" in refused.next
        return
    assert weights.shape == (T,)
    assert weights.dtype == np.float64
    assert torch.isfinite(torch.tensor(weights, dtype=torch.float32)).all()
    assert (weights >= 0).all()


@settings(max_examples=30)
@given(st.integers(1, 20), st.sampled_from(sorted(WEIGHTINGS)), st.sampled_from(sorted(ERROR_SCALES)))
def test_short_chains(T: int, name: str, target: str) -> None:
    assert loss_weights(name, beta_schedule("cosine", T), target=target, clip=(0, 1e9)).shape == (T,)


class TestConventions:
    betas = beta_schedule("linear", 1000)
    alphas_bar = np.cumprod(1 - betas)

    def test_simple_is_one_objective_under_every_target(self) -> None:
        snr = self.alphas_bar / (1 - self.alphas_bar)
        assert np.allclose(loss_weights("simple", self.betas, target="epsilon"), 1, rtol=1e-14)
        assert np.allclose(loss_weights("simple", self.betas, target="x0"), snr, rtol=1e-12)
        assert np.allclose(loss_weights("simple", self.betas, target="v"), self.alphas_bar, rtol=1e-12)
        # SNR / c_t^2 with the c_t of eq. 7 cancels to this
        expected = (1 - self.betas) * (1 - self.alphas_bar) / self.betas**2
        assert np.allclose(loss_weights("simple", self.betas, target="posterior_mean"), expected, rtol=1e-9)

    @pytest.mark.parametrize("target", ERROR_SCALES)
    def test_uniform_is_one_whatever_the_target(self, target: str) -> None:
        assert (loss_weights("uniform", self.betas, target=target) == 1).all()

    def test_vlb_clipped_to_one_changes_one_weight_of_linear(self) -> None:
        free = weights_or_clipped("vlb", "linear", 1000, "epsilon")
        clipped = loss_weights("vlb", self.betas, target="epsilon", clip=(0, 1))
        assert np.flatnonzero(free != clipped).tolist() == [0]
        assert np.flatnonzero(
            weights_or_clipped("vlb", "cosine", 1000, "epsilon")
            != loss_weights("vlb", beta_schedule("cosine", 1000), target="epsilon", clip=(0, 1))
        ).tolist() == [0, 998, 999]

    def test_p2_gamma_half(self) -> None:
        snr = self.alphas_bar / (1 - self.alphas_bar)
        weights = loss_weights("p2", self.betas, target="epsilon", p2_k=2.0, p2_gamma=0.5)
        assert np.allclose(weights, 1 / np.sqrt(2 + snr), rtol=1e-12)  # Choi et al. 2022


class TestRefusals:
    def test_vlb_says_where_and_how_to_mend(self) -> None:
        with pytest.raises(
            InfeasibleConfig, match=r"vlb on target epsilon is inf at t = 1 of 1000 \(1 such t\)"
        ) as bad:
            loss_weights("vlb", beta_schedule("linear", 1000), target="epsilon")
        assert "weight_clip: [0, 1]" in bad.value.next

    def test_vlb_of_jsd_is_infinite_at_both_ends(self) -> None:
        with pytest.raises(InfeasibleConfig, match=r"\(2 such t\)"):
            loss_weights("vlb", beta_schedule("jsd", 100), target="epsilon")

    def test_negative_and_empty(self) -> None:
        with pytest.raises(InfeasibleConfig, match=r"-1\.0 at t = 1"):
            loss_weights("simple", beta_schedule("linear", 10), target="epsilon", clip=(-2, -1))
        with pytest.raises(InfeasibleConfig, match="0 at every t"):
            loss_weights("simple", beta_schedule("linear", 10), target="epsilon", clip=(0, 0))

    def test_unknown_names(self) -> None:
        with pytest.raises(UsageError, match="No weighting `minsnr`"):
            loss_weights("minsnr", beta_schedule("linear", 10), target="epsilon")
        with pytest.raises(UsageError, match="No target `eps`"):
            loss_weights("simple", beta_schedule("linear", 10), target="eps")


class TestZeroTerminalSnr:
    betas = beta_schedule("cosine", 100, zero_terminal_snr=True)

    @pytest.mark.parametrize(("target", "last"), [("epsilon", 1.0), ("x0", 0.0), ("v", 0.0)])
    def test_min_snr_takes_its_limit(self, target: str, last: float) -> None:
        weights = loss_weights("min_snr", self.betas, target=target)
        assert weights[-1] == pytest.approx(last, abs=1e-200)

    def test_the_usual_formula_is_nan_there(self) -> None:
        alphas_bar = np.cumprod(1 - self.betas)
        snr = alphas_bar / (1 - alphas_bar)
        with np.errstate(invalid="ignore"):
            wrong = np.minimum(snr, 5.0) / snr  # lucidrains, diffusers' examples
        assert np.isnan(wrong[-1])

    def test_v_min_snr_divides_by_snr_plus_one(self) -> None:
        betas = beta_schedule("cosine", 100)
        alphas_bar = np.cumprod(1 - betas)
        snr = alphas_bar / (1 - alphas_bar)
        weights = loss_weights("min_snr", betas, target="v")
        assert np.allclose(weights, np.minimum(snr, 5) / (snr + 1), rtol=1e-12)  # Hang et al. 2023, sec. 3.4
        wrong = np.minimum(snr, 5) / snr  # their code's min_snr_5 with VELOCITY
        assert np.abs(weights - wrong).max() > 0.4


@pytest.mark.parametrize("target", ERROR_SCALES)
@pytest.mark.parametrize(
    ("name", "variance"),
    [("vlb", "fixed_small"), ("vlb_log_clipped", "fixed_small"), ("vlb_fixed_large", "fixed_large")],
)
@pytest.mark.parametrize("schedule", ["linear", "cosine", "sigmoid_alphas_bar"])
def test_kl_is_weight_times_squared_error(schedule: str, name: str, variance: str, target: str) -> None:
    """Ho et al. 2020, eq. 12: the KL, less its constant, is w_t times the squared error of the prediction."""
    betas = beta_schedule(schedule, 100)
    diffusion = Diffusion.from_betas(betas)
    generator = torch.Generator().manual_seed(0)
    i = torch.tensor([1, 2, 10, 50, 90])
    x0 = torch.rand(5, 1, 4, 4, generator=generator, dtype=torch.float64) * 2 - 1
    noise = torch.randn(5, 1, 4, 4, generator=generator, dtype=torch.float64)
    x_t = diffusion.q_sample(x0, i, noise)
    # An error in x_0, seen as an error of the target: every target is affine in (x_0, noise) at fixed x_t.
    wrong_x0 = x0 + 0.1 * torch.randn(5, 1, 4, 4, generator=generator, dtype=torch.float64)
    wrong_noise = (x_t - diffusion.at(diffusion.sqrt_alphas_bar, i) * wrong_x0) / diffusion.at(
        diffusion.sqrt_one_minus_alphas_bar, i
    )
    true = target_for(target, diffusion, x0, noise, x_t, i)
    wrong = target_for(target, diffusion, wrong_x0, wrong_noise, x_t, i)
    mean, _, log_variance = diffusion.q_posterior(x0, x_t, i)
    wrong_mean, _, _ = diffusion.q_posterior(wrong_x0, x_t, i)
    sigma = diffusion.reverse_log_variance(variance, i)
    constant = gaussian_kl(mean, log_variance, mean, sigma).flatten(1).mean(1)
    kl = gaussian_kl(mean, log_variance, wrong_mean, sigma).flatten(1).mean(1)
    weights = torch.tensor(loss_weights(name, betas, target=target, clip=(0, 1e9)))[i]
    squared_error = ((true - wrong) ** 2).flatten(1).mean(1)
    assert torch.allclose(kl - constant, weights * squared_error, rtol=1e-3)
    if variance == "fixed_large":
        ratio = (diffusion.betas / diffusion.posterior_variance)[i]
        expected = 0.5 * (ratio.log() - 1 + 1 / ratio)
        assert torch.allclose(constant.flatten().double(), expected, rtol=1e-3, atol=1e-6)
