from __future__ import annotations

import numpy as np
import pytest

from sweep.diffusion.feasibility import DIVISORS, check_target
from sweep.diffusion.schedules import BETA_SCHEDULES, beta_schedule
from sweep.errors import InfeasibleConfig, UsageError

FEASIBLE_T = [21, 100, 1000, 4000]


@pytest.mark.parametrize("T", FEASIBLE_T)
@pytest.mark.parametrize("target", DIVISORS)
@pytest.mark.parametrize("schedule", BETA_SCHEDULES)
def test_only_epsilon_at_zero_terminal_snr_is_refused(schedule: str, target: str, T: int) -> None:
    for zero in (False, True):
        betas = beta_schedule(schedule, T, zero_terminal_snr=zero)
        if target == "epsilon" and (zero or schedule == "jsd"):
            with pytest.raises(InfeasibleConfig, match=f"at t = {T} of {T}") as refused:
                check_target(target, betas)
            assert "target: v" in refused.value.next
        else:
            assert check_target(target, betas) is None


def test_a_divisor_below_float32_is_zero_to_a_sampler() -> None:
    betas = np.full(400, 0.5)  # sqrt(alphas_bar_T) = 2^-200, in float64 far from 0
    with pytest.raises(InfeasibleConfig, match="t = 253 of 400"):
        check_target("epsilon", betas)
    with pytest.raises(InfeasibleConfig, match="posterior_mean"):
        check_target("posterior_mean", betas)


def test_unknown_target() -> None:
    with pytest.raises(UsageError, match="No target `eps`"):
        check_target("eps", beta_schedule("linear", 10))
