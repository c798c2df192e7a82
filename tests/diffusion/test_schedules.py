from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.diffusion.chains import custom_schedule, validated, zero_terminal
from sweep.diffusion.levels import Levels
from sweep.diffusion.schedule_facts import schedule_facts
from sweep.diffusion.schedules import BETA_SCHEDULES, beta_schedule
from sweep.errors import InfeasibleConfig, SweepError, UsageError
from tests.helpers.golden_rows import rows

ROWS = rows("diffusion_schedules.json")


@pytest.mark.parametrize("schedule", BETA_SCHEDULES)
def test_golden(schedule: str) -> None:
    mine = [row for row in ROWS if row["schedule"] == schedule]
    assert mine
    for row in mine:
        at = Levels.of(beta_schedule(schedule, row["T"]))
        table = {"beta": at.betas, "alphas_bar": at.alphas_bar, "posterior_variance": at.posterior_variance}
        value = table[row["quantity"]][row["t"] - 1]
        # 1e-14: what the cumulative product of a float64 beta_T near 1 can hold of a value near 0
        assert value == pytest.approx(row["value"], rel=row["rel"], abs=1e-14 if row["value"] == 0 else 0), row


# Notes table 1.2, three digits, computed there with numpy from the papers' formulas
FACTS = [
    ("linear", 50, 0.603, 1e4, 0.34, 1.3),
    ("linear", 100, 0.364, 1e4, 0.129, 1.7),
    ("linear", 1000, 4.04e-5, 1e4, 7.3e-6, 157),
    ("linear", 4000, 2.7e-18, 1e4, 0, 6e8),
    ("linear_scaled", 100, 2.0e-5, 999, 3.7e-6, 221),
    ("cosine", 1000, 2.4e-9, 2.4e4, 0, 2.0e4),
    ("cosine", 10, 2.4e-5, 35, 4.3e-6, 204),
    ("quadratic", 100, 0.485, 1e4, 0.216, 1.4),
    ("sigmoid_beta", 100, 0.363, 6.7e3, 0.129, 1.7),
    ("sigmoid_alphas_bar", 100, 3.1e-6, 324, 0, 570),
    ("exponential_beta", 1000, 0.0228, 1e4, 4.3e-3, 6.6),
    ("exponential_alphas_bar", 100, 6.1e-6, 7.8, 1e-6, 403),
    ("constant", 100, 0.133, 49, 0.031, 2.7),
    ("warmup10", 100, 0.147, 1e4, 0.035, 2.6),
    ("warmup50", 100, 0.220, 1e4, 0.060, 2.1),
    ("jsd", 100, 0, 99, 0, float("inf")),
]


@pytest.mark.parametrize(("name", "T", "alphas_bar_T", "snr_1", "bits", "gain"), FACTS)
def test_facts(name: str, T: int, alphas_bar_T: float, snr_1: float, bits: float, gain: float) -> None:
    facts = schedule_facts(beta_schedule(name, T))
    assert facts.alphas_bar_T == pytest.approx(alphas_bar_T, rel=0.02)
    assert facts.snr_1 == pytest.approx(snr_1, rel=0.02)
    assert facts.snr_T == pytest.approx(alphas_bar_T / (1 - alphas_bar_T), rel=0.02)
    assert facts.prior_bits_per_dim == pytest.approx(bits, rel=0.15, abs=1e-6)
    assert facts.terminal_gain == pytest.approx(gain, rel=0.1)


def test_every_schedule_has_facts_checked() -> None:
    assert {row[0] for row in FACTS} == set(BETA_SCHEDULES)


@settings(max_examples=150)
@given(
    name=st.sampled_from(sorted(BETA_SCHEDULES)),
    T=st.integers(1, 4000),
    zero=st.booleans(),
    beta_T=st.floats(1e-3, 0.5),
)
def test_a_schedule_is_a_chain_or_is_refused(name: str, T: int, zero: bool, beta_T: float) -> None:
    try:
        betas = beta_schedule(name, T, beta_T=beta_T, zero_terminal_snr=zero)
    except InfeasibleConfig as error:
        refused = error
    else:
        refused = None
    if refused is not None:
        assert str(T) in str(refused) or "T >= 2" in str(refused)
        assert refused.next
        return
    assert betas.shape == (T,)
    assert betas.dtype == np.float64
    alphas_bar = np.concatenate([[1.0], np.cumprod(1 - betas)])
    assert (np.diff(alphas_bar) < 0).all()
    assert (betas > 0).all()
    assert (betas <= 1).all()
    assert (alphas_bar[-1] == 0) == (zero or name == "jsd")


@pytest.mark.parametrize(("T", "reached"), [(20, "1"), (10, "2")])
def test_linear_scaled_refuses_short_chains(T: int, reached: str) -> None:
    with pytest.raises(InfeasibleConfig, match=f"beta_T = {reached}") as refused:
        beta_schedule("linear_scaled", T)
    assert "T >= 21" in refused.value.next
    assert beta_schedule("linear_scaled", 21)[-1] < 1


def test_linear_scaled_is_linear_at_1000_only() -> None:
    assert np.array_equal(beta_schedule("linear_scaled", 1000), beta_schedule("linear", 1000))
    assert not np.allclose(beta_schedule("linear_scaled", 500), beta_schedule("linear", 500))


def test_unknown_name_and_wrong_ends() -> None:
    with pytest.raises(UsageError, match="No beta schedule `cosin`") as unknown:
        beta_schedule("cosin", 100)
    assert "cosine" in unknown.value.next
    with pytest.raises(InfeasibleConfig, match="T = 0"):
        beta_schedule("cosine", 0)
    with pytest.raises(InfeasibleConfig, match="beta_1"):
        beta_schedule("linear", 100, beta_1=0.5)


def test_signal_that_is_gone_halfway_is_refused() -> None:
    with pytest.raises(InfeasibleConfig, match=r"does not fall at t = 1\d\d\d"):
        beta_schedule("constant", 4000, beta_T=0.5)


class TestZeroTerminal:
    def test_shifts_and_scales_sqrt_alphas_bar(self) -> None:
        before = np.sqrt(np.cumprod(1 - beta_schedule("linear", 100)))
        after = np.sqrt(np.cumprod(1 - beta_schedule("linear", 100, zero_terminal_snr=True)))
        assert after[-1] == 0
        assert after[0] == pytest.approx(before[0], rel=1e-14)
        # Lin et al. 2023, Alg. 1 is affine in sqrt(alphas_bar): three points on one line
        slope = np.diff(after) / np.diff(before)
        assert np.allclose(slope, slope[0], rtol=1e-9)

    def test_leaves_a_schedule_that_is_there_already(self) -> None:
        assert np.allclose(zero_terminal(beta_schedule("jsd", 50)), beta_schedule("jsd", 50), atol=1e-14)

    def test_needs_two_steps(self) -> None:
        with pytest.raises(InfeasibleConfig, match="T >= 2"):
            beta_schedule("cosine", 1, zero_terminal_snr=True)


class TestCosineTraps:
    """Wrong formulas that shipped elsewhere; each must be told apart from ours by the golden rows."""

    def golden(self) -> float:
        return next(r["value"] for r in ROWS if (r["schedule"], r["T"], r["t"]) == ("cosine", 100, 50))

    def test_linspace_over_T_instead_of_T_plus_1(self) -> None:
        u = np.linspace(0, 1, 100)  # 99 intervals: lucidrains#19
        alphas_bar = np.cos((u + 0.008) / 1.008 * np.pi / 2) ** 2
        wrong = np.clip(1 - alphas_bar[1:] / alphas_bar[:-1], 0, 0.999)
        assert len(wrong) == 99
        assert wrong[49] != pytest.approx(self.golden(), rel=1e-3)
        assert beta_schedule("cosine", 100)[49] == pytest.approx(self.golden(), rel=1e-10)

    def test_alphas_bar_of_the_curve_instead_of_the_capped_betas(self) -> None:
        u = np.arange(1, 101) / 100
        curve = np.cos((u + 0.008) / 1.008 * np.pi / 2) ** 2
        # MONAI#8427: without the cap, alphas_bar_T is 0 up to rounding and 1/sqrt of it is 1e16
        assert curve[-1] < 1e-30
        assert np.cumprod(1 - beta_schedule("cosine", 100))[-1] > 1e-8


class TestCustom:
    def test_formula_is_alphas_bar(self) -> None:
        betas = custom_schedule("exp(-12 * u)", 100)
        assert np.allclose(betas, beta_schedule("exponential_alphas_bar", 100), rtol=1e-12)

    def test_every_function_of_the_grammar(self) -> None:
        u = np.arange(1, 51) / 50
        formula = (
            "0.9 * sqrt(1 - u) * exp(-u) * cos(pi * u / 4) ** 2 * (1 - tanh(u) / 2) / (1 + log(1 + u))"
            "+ 0.1 * (1 - sin(u))"
        )
        slow = np.sqrt(1 - u) * np.exp(-u) * np.cos(np.pi * u / 4) ** 2 * (1 - np.tanh(u) / 2) / (1 + np.log(1 + u))
        assert np.allclose(np.cumprod(1 - custom_schedule(formula, 50)), 0.9 * slow + 0.1 * (1 - np.sin(u)))

    def test_list(self) -> None:
        assert np.array_equal(custom_schedule([0.1, 0.2, 1.0], 3), [0.1, 0.2, 1.0])
        with pytest.raises(InfeasibleConfig, match="lists 2 betas and T is 3") as refused:
            custom_schedule([0.1, 0.2], 3)
        assert "Set T to 2" in refused.value.next

    @pytest.mark.parametrize("formula", ["u", "1 / (u - u)", "1 - 2 * u", "log(-u)", "1", "9**9**9**9"])
    def test_a_formula_that_makes_no_chain_is_refused(self, formula: str) -> None:
        with pytest.raises(InfeasibleConfig, match="alphas_bar = "):
            custom_schedule(formula, 10)

    @pytest.mark.parametrize("betas", [[0.1, float("nan")], [0.1, 1.5], [0.0, 0.1], [1.0, 0.5]])
    def test_betas_that_make_no_chain_are_refused(self, betas: list[float]) -> None:
        with pytest.raises(InfeasibleConfig, match=r"beta_|does not fall"):
            custom_schedule(betas, 2)


def test_validated_names_the_first_bad_t() -> None:
    with pytest.raises(InfeasibleConfig, match=r"beta_3 = -0\.1"):
        validated(np.array([0.1, 0.1, -0.1, -0.2]), "mine")


def test_no_torch_is_loaded() -> None:
    modules = "schedules, weighting, spacing, feasibility, coefficients, levels, formula"
    code = f"from sweep.diffusion import {modules}; import sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_refusals_are_errors_for_users() -> None:
    assert issubclass(InfeasibleConfig, SweepError)
