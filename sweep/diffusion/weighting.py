"""Loss weights per timestep, float64 [T], entry i = t - 1. numpy only.

The one convention: a weight multiplies the squared error of *what the network predicts*. A named weighting is defined
on the squared error of x_0 and divided by how much larger the error of the target is:

    ||epsilon error||^2 = SNR ||x_0 error||^2         ||v error||^2 = (SNR + 1) ||x_0 error||^2
    ||posterior-mean error||^2 = c_t^2 ||x_0 error||^2,   c_t = sqrt(alphas_bar_{t-1}) beta_t / (1 - alphas_bar_t)

So one name is one objective, whatever the network predicts. `simple` (Ho et al. 2020, eq. 14) is all ones under
epsilon, SNR under x0, alphas_bar under v, and alpha_t (1 - alphas_bar_t) / beta_t^2 under posterior_mean. Only
`uniform` means another objective for each target: the plain mean squared error of that target.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweep.diffusion.levels import Levels
from sweep.diffusion.linear_targets import TargetTable
from sweep.errors import InfeasibleConfig, UsageError

Array = NDArray[np.float64]

# Weights at SNR = 0 are limits. Evaluating them here turns 0/0 into the limit and leaves x/0 beyond float32.
_SNR_FLOOR = 1e-300
# The norm of the gradients squares a weight, in float32, whose largest number is 3.4e38.
LARGEST_WEIGHT = 1e15


def floored_snr(at: Levels) -> Array:
    """SNR of each level, [T]; above 0 by the least that keeps quotients at SNR = 0 what they tend to."""
    return np.maximum(at.snr, _SNR_FLOOR)


@dataclass(frozen=True)
class Constants:
    """The free constants of the weightings that have some."""

    gamma: float
    p2_k: float
    p2_gamma: float


# Squared error of each target per squared error of x_0, [T]. Salimans & Ho 2022, sec. 4
ERROR_SCALES: dict[str, Callable[[Levels], Array]] = {
    "epsilon": floored_snr,
    "x0": lambda at: np.ones_like(floored_snr(at)),
    "v": lambda at: floored_snr(at) + 1,
    "posterior_mean": lambda at: at.posterior_mean_x0**2,
}


def simple(at: Levels, _scale: Array, _c: Constants) -> Array:
    """w = SNR_t on x_0, which is 1 on epsilon whatever the net predicts. Source: Ho et al. 2020, eq. 14."""
    return floored_snr(at)


def uniform(_at: Levels, scale: Array, _c: Constants) -> Array:
    """w = 1 on the target itself: another objective for each target. Source: the plain mean of the target's error."""
    return scale


# Ho et al. 2020, eq. 8: KL = ||mu~ error||^2 / (2 sigma_t^2), of which the factor of x_0 is c_t^2 / (2 sigma_t^2)
def kl_weight(at: Levels, variance: Array) -> Array:
    """Weight on the squared error of x_0 of the KL between posterior and reverse step: c_t^2 / (2 sigma_t^2).

    Args:
        at: Levels of the chain.
        variance: Reverse variance sigma_t^2, float64 [T].

    Returns:
        float64 [T].
    """
    return at.posterior_mean_x0**2 / (2 * variance)


def vlb(at: Levels, _scale: Array, _c: Constants) -> Array:
    """w = c_t^2/(2 beta~_t) = (SNR_{t-1} - SNR_t)/2 on x_0: of the bound under fixed_small. Infinite at t = 1.

    Source: Ho et al. 2020, eq. 8 and 12.
    """
    return kl_weight(at, at.posterior_variance)


def vlb_log_clipped(at: Levels, _scale: Array, _c: Constants) -> Array:
    """`vlb` with beta~_2 in place of beta~_1 = 0 (beta_1 where T = 1). Source: Ho et al. 2020, released code."""
    return kl_weight(at, at.clipped_posterior_variance)


def vlb_fixed_large(at: Levels, _scale: Array, _c: Constants) -> Array:
    """w = c_t^2/(2 beta_t) on x_0: of the bound under fixed_large. 1/(2 alpha_1) on epsilon at t = 1.

    Source: Ho et al. 2020, eq. 8 and 12.
    """
    return kl_weight(at, at.betas)


def snr_plus_one(at: Levels, _scale: Array, _c: Constants) -> Array:
    """w = SNR_t + 1 on x_0, which is 1 on v. Source: Salimans & Ho 2022, sec. 4."""
    return floored_snr(at) + 1


def truncated_snr(at: Levels, _scale: Array, _c: Constants) -> Array:
    """w = max(SNR_t, 1) on x_0. Source: Salimans & Ho 2022, sec. 4."""
    return np.maximum(floored_snr(at), 1)


def min_snr(at: Levels, _scale: Array, c: Constants) -> Array:
    """w = min(SNR_t, gamma) on x_0; on v that is min(SNR_t, gamma)/(SNR_t + 1).

    Args:
        at: Levels of the chain.
        c: The free constants of the weightings.

    Source: Hang et al. 2023, sec. 3.4.
    """
    return np.minimum(floored_snr(at), c.gamma)


def p2(at: Levels, _scale: Array, c: Constants) -> Array:
    """w = 1/(p2_k + SNR_t)^p2_gamma on epsilon, SNR_t times that on x_0.

    Args:
        at: Levels of the chain.
        c: The free constants of the weightings.

    Source: Choi et al. 2022.
    """
    return floored_snr(at) / (c.p2_k + floored_snr(at)) ** c.p2_gamma


# (levels, error scale of the target, constants) -> weight on the squared error of x_0, [T]
WEIGHTINGS: dict[str, Callable[[Levels, Array, Constants], Array]] = {
    "simple": simple,
    "uniform": uniform,
    "vlb": vlb,
    "vlb_log_clipped": vlb_log_clipped,
    "vlb_fixed_large": vlb_fixed_large,
    "snr_plus_one": snr_plus_one,
    "truncated_snr": truncated_snr,
    "min_snr": min_snr,
    "p2": p2,
}


def loss_weights(
    name: str,
    betas: Array,
    *,
    target: str | TargetTable,
    clip: tuple[float, float] | None = None,
    gamma: float = 5.0,
    p2_k: float = 1.0,
    p2_gamma: float = 1.0,
    function: Callable[[Levels], Array] | None = None,
) -> Array:
    """Weight of each timestep on the squared error of the prediction itself.

    Args:
        name: Key of `WEIGHTINGS`; any name where a function is given.
        betas: Checked betas [T].
        target: What the network predicts; key of `ERROR_SCALES`, or the target of a plugin.
        clip: Bounds applied last, to the weight on the prediction; a weight beyond `LARGEST_WEIGHT` becomes the upper
            one.
        gamma: Cap of the SNR in `min_snr`.
        p2_k: Constant k of `p2`.
        p2_gamma: Exponent gamma of `p2`; 0.5 and 1 are in the paper.
        function: Weight on the squared error of x_0 of a weighting that is none of `WEIGHTINGS`.

    Returns:
        float64 [T], at most `LARGEST_WEIGHT`, not negative. Zero where the objective ignores a t: at zero terminal SNR,
        `simple`, `min_snr` and `p2` give x0 and v no weight at t = T.

    Raises:
        UsageError: No weighting or target of that name.
        InfeasibleConfig: A weight that is not finite or negative, or nothing but zeros.

    Example:
        >>> import numpy as np
        >>> loss_weights("simple", np.array([0.1, 0.2]), target="epsilon").tolist()
        [1.0, 1.0]
    """
    if function is None and name not in WEIGHTINGS:
        raise UsageError(f"No weighting `{name}`.", next=f"Use one of: {', '.join(WEIGHTINGS)}.")
    if isinstance(target, str) and target not in ERROR_SCALES:
        raise UsageError(f"No target `{target}`.", next=f"Use one of: {', '.join(ERROR_SCALES)}.")
    at = Levels.of(betas)
    scale = ERROR_SCALES[target](at) if isinstance(target, str) else target.divisor(at) ** 2
    with np.errstate(divide="ignore", over="ignore"):
        on_x0 = function(at) if function else WEIGHTINGS[name](at, scale, Constants(gamma, p2_k, p2_gamma))
        weights = on_x0 / scale
    weights[weights > LARGEST_WEIGHT] = np.inf
    if clip is not None:
        weights = np.clip(weights, *clip)
    _require_usable(weights, f"weighting {name} on target {target}")
    return weights


def _require_usable(weights: Array, what: str) -> None:
    bad = ~(np.isfinite(weights) & (weights >= 0))
    if bad.any():
        t = int(bad.argmax()) + 1
        raise InfeasibleConfig(
            f"{what} is {weights[t - 1]} at t = {t} of {len(weights)} ({int(bad.sum())} such t).",
            why="One such term makes the loss of every batch that draws it useless.",
            next="Set weight_clip: [0, 1], or take another weighting or target.",
        )
    if not weights.any():
        raise InfeasibleConfig(
            f"{what} is 0 at every t.", why="Nothing would be trained.", next="Raise the upper end of weight_clip."
        )
