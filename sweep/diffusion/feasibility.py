"""Which targets can be turned into samples under which schedule. numpy only, so that a plan can ask without torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sweep.diffusion.levels import Levels
from sweep.diffusion.linear_targets import TargetTable
from sweep.errors import InfeasibleConfig, UsageError

Array = NDArray[np.float64]


# What a prediction is divided by on its way to x_0, [T]
DIVISORS: dict[str, Callable[[Levels], Array]] = {
    "epsilon": lambda at: np.sqrt(at.alphas_bar),
    "x0": lambda at: np.ones_like(at.betas),
    "v": lambda at: np.ones_like(at.betas),
    "posterior_mean": lambda at: at.posterior_mean_x0,
}


def check_target(target: str | TargetTable, betas: Array) -> None:
    """Refuse a target from whose prediction x_0 cannot be recovered at some t.

    `epsilon` under zero terminal SNR is the case that matters: x_T holds no signal, x_0 = (x_T - epsilon) / 0, and
    implementations that clip x_0 return +-1 in every pixel without a word. The bound is the smallest normal float32,
    the precision in which sampling runs.

    Args:
        target: What the network predicts; key of `DIVISORS`, or the target of a plugin.
        betas: Checked betas, float64 [T].

    Raises:
        UsageError: There is no such target.
        InfeasibleConfig: x_0 is lost at some t.
    """
    if isinstance(target, str) and target not in DIVISORS:
        raise UsageError(f"No target `{target}`.", next=f"Use one of: {', '.join(DIVISORS)}.")
    at = Levels.of(betas)
    divisor = DIVISORS[target](at) if isinstance(target, str) else target.divisor(at)
    lost = divisor < np.finfo(np.float32).tiny
    if lost.any():
        t = int(lost.argmax()) + 1
        raise InfeasibleConfig(
            f"target {target} cannot be sampled at t = {t} of {len(betas)}: x_0 is divided by {divisor[t - 1]:.3g}.",
            why=f"alphas_bar_{t} = {at.alphas_bar[t - 1]:.3g}: no signal is left to recover x_0 from.",
            next="Use target: v or x0, or a schedule with alphas_bar_T > 0.",
        )
