from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sweep.diffusion.schedules import beta_schedule
from sweep.errors import InfeasibleConfig
from sweep.training.noise_tables import betas_of, check_objective, weights_of
from tests.helpers.tiny_training import tiny


def test_the_cosine_formula_is_the_cosine_schedule() -> None:
    # Nichol & Dhariwal 2021, eq. 17, divided by its value at u = 0; only the last beta is capped.
    formula = "cos((u + 0.008) / 1.008 * pi / 2)**2 / cos(0.008 / 1.008 * pi / 2)**2"
    written = betas_of(tiny(schedule="custom", schedule_formula=formula, T=100, target="v"))
    np.testing.assert_allclose(written[:-1], beta_schedule("cosine", 100)[:-1], rtol=1e-9)


def test_a_list_is_taken_as_it_is_and_may_be_rescaled() -> None:
    betas = [0.1, 0.2, 0.3]
    assert betas_of(tiny(schedule="custom", schedule_betas=betas, T=3)).tolist() == betas
    rescaled = betas_of(tiny(schedule="custom", schedule_betas=betas, T=3, zero_terminal_snr=True))
    # Lin et al. 2023, Alg. 1: alphas_bar_T becomes 0 and alphas_bar_1 stays.
    assert rescaled[0] == pytest.approx(0.1)
    assert np.prod(1 - rescaled) == pytest.approx(0.0, abs=1e-15)


def test_p2_and_min_snr_have_constants_of_their_own() -> None:
    p2 = tiny(weighting="p2", p2_gamma=0.5, p2_k=2.0, gamma=7.0, schedule="linear", beta_T=0.2)
    betas = betas_of(p2)
    abar = np.cumprod(1 - betas)
    snr = abar / (1 - abar)
    # Choi et al. 2022: 1 / (k + SNR)^gamma on epsilon. Hang et al. 2023, sec. 3.4: min(1, gamma / SNR).
    np.testing.assert_allclose(weights_of(p2, betas), 1 / (2 + snr) ** 0.5, rtol=1e-9)
    min_snr = tiny(weighting="min_snr", p2_gamma=0.5, gamma=7.0, schedule="linear", beta_T=0.2)
    np.testing.assert_allclose(weights_of(min_snr, betas), np.minimum(1, 7 / snr), rtol=1e-9)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"schedule": "custom"}, "one of schedule_formula and schedule_betas"),
        ({"schedule": "custom", "schedule_formula": "1 - u", "schedule_betas": [0.1]}, "one of schedule_formula"),
        ({"schedule_formula": "1 - u"}, "takes neither"),
        ({"schedule": "custom", "schedule_betas": [0.1, 0.2]}, "lists 2 betas and T is 50"),
        ({"schedule": "custom", "schedule_formula": "u"}, "not in"),
    ],
)
def test_chains_that_are_none_are_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(InfeasibleConfig, match=why):
        betas_of(tiny(**changes))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"learned_variance": True}, "does not train the variance"),
        ({"objective": "hybrid"}, "without learned_variance"),
        ({"t_sampling": "importance"}, "does not fit objective: simple"),
        (
            {"t_sampling": "importance", "objective": "hybrid", "learned_variance": True},
            "does not fit objective: hybrid",
        ),
        ({"objective": "vlb", "weighting": "p2"}, "does not read weighting"),
        ({"objective": "vlb", "loss": "l1", "weight_clip": (0.0, 1.0)}, "does not read loss, weight_clip"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(InfeasibleConfig, match=why):
        check_objective(tiny(**changes))
    check_objective(tiny(objective="vlb", learned_variance=True, t_sampling="importance"))
