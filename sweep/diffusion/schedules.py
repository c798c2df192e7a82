"""Beta schedules: T -> betas [T], float64, entry i = t - 1 for t = 1..T. No torch.

A schedule is one function and one line of `BETA_SCHEDULES`. Its name ends up in stores: never rename one, never
change what one means. Two names that the field shares between different curves are kept apart here:
`linear` is Ho's whatever T is (`linear_scaled` is improved-diffusion's), and `sigmoid_*`, `exponential_*` say which
quantity follows the named curve.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sweep.diffusion.chains import BETA_CAP, betas_from, validated, zero_terminal
from sweep.diffusion.formula import sigmoid
from sweep.errors import InfeasibleConfig, UsageError

Array = NDArray[np.float64]


def linear(T: int, beta_1: float, beta_T: float) -> Array:
    """beta_t = beta_1 + (beta_T - beta_1) (t - 1)/(T - 1), whatever T is.

    Args:
        T: Length of the training chain.
        beta_1: First beta, in (0, 1].
        beta_T: Last beta, in [beta_1, 1].

    Source: Ho et al. 2020, sec. 4.
    """
    return np.linspace(beta_1, beta_T, T)


def linear_scaled(T: int, beta_1: float, beta_T: float) -> Array:
    """`linear` with both ends times 1000/T, so that alphas_bar_T hardly depends on T.

    Args:
        T: Length of the training chain.
        beta_1: First beta, in (0, 1].
        beta_T: Last beta, in [beta_1, 1].

    Raises:
        InfeasibleConfig: The last beta would reach 1: at T <= 1000 beta_T.

    Source: Nichol & Dhariwal 2021, released code.
    """
    scale = 1000 / T
    if scale * beta_T >= 1:
        least = int(np.floor(1000 * beta_T)) + 1
        raise InfeasibleConfig(
            f"linear_scaled at T = {T} ends at beta_T = {scale * beta_T:.4g}; it must stay below 1.",
            why=f"Its endpoints are scaled by 1000/T = {scale:.4g}: {beta_T:g} becomes {scale * beta_T:.4g}.",
            next=f"Use T >= {least}, or schedule: cosine.",
        )
    return linear(T, scale * beta_1, scale * beta_T)


def quadratic(T: int, beta_1: float, beta_T: float) -> Array:
    """sqrt(beta_t) is linear in t; diffusers' "scaled_linear".

    Args:
        T: Length of the training chain.
        beta_1: First beta, in (0, 1].
        beta_T: Last beta, in [beta_1, 1].

    Source: Ho et al. 2020, released code.
    """
    return np.asarray(np.linspace(beta_1**0.5, beta_T**0.5, T) ** 2, dtype=np.float64)


def cosine(T: int, _beta_1: float, _beta_T: float) -> Array:
    """alphas_bar(u) = cos^2((u + s)/(1 + s) pi/2), s = 0.008, u = t/T; betas are capped at `BETA_CAP`. Reads no ends.

    Source: Nichol & Dhariwal 2021, eq. 17.
    """
    return betas_from(lambda u: np.cos((u + 0.008) / 1.008 * np.pi / 2) ** 2, T)


def sigmoid_beta(T: int, beta_1: float, beta_T: float) -> Array:
    """beta_t = beta_1 + (beta_T - beta_1) sigmoid(z), z linear over [-6, 6]: it starts at 1.49e-4, not at beta_1.

    Args:
        T: Length of the training chain.
        beta_1: First beta, in (0, 1].
        beta_T: Last beta, in [beta_1, 1].

    Source: Xu et al. 2022 (GeoDiff), released code.
    """
    return sigmoid(np.linspace(-6, 6, T)) * (beta_T - beta_1) + beta_1


def sigmoid_alphas_bar(T: int, _beta_1: float, _beta_T: float) -> Array:
    """alphas_bar(u) = (sigmoid(3) - sigmoid(6 u - 3))/(sigmoid(3) - sigmoid(-3)): -3 to 3, tau 1. Reads no ends.

    Source: Jabri et al. 2022; Chen 2023, sec. 2.2.
    """
    return betas_from(lambda u: sigmoid(np.full_like(u, 3.0)) - sigmoid(6 * u - 3), T)  # betas need no denominator


def exponential_beta(T: int, beta_1: float, beta_T: float) -> Array:
    """beta_t = beta_1 (beta_T/beta_1)^((t - 1)/(T - 1)), a geometric series.

    Args:
        T: Length of the training chain.
        beta_1: First beta, in (0, 1].
        beta_T: Last beta, in [beta_1, 1].

    Source: first reading of the word.
    """
    return np.geomspace(beta_1, beta_T, T)


def exponential_alphas_bar(T: int, _beta_1: float, _beta_T: float) -> Array:
    """alphas_bar(u) = exp(-12 u): a constant beta, capped at T = 1. Source: second reading; diffusers' "exp"."""
    return np.full(T, min(-np.expm1(-12 / T), BETA_CAP))


def constant(T: int, _beta_1: float, beta_T: float) -> Array:
    """beta_t = beta_T at every t. Reads no beta_1.

    Args:
        T: Length of the training chain.
        beta_T: Last beta, in [beta_1, 1].

    Source: Ho et al. 2020, released code.
    """
    return np.full(T, beta_T, dtype=np.float64)


def warmup(T: int, beta_1: float, beta_T: float, *, fraction: float) -> Array:
    """beta_T everywhere but for the first int(T * fraction) entries, which rise linearly from beta_1 to it.

    Args:
        T: Length of the training chain.
        beta_1: First beta, in (0, 1].
        beta_T: Last beta, in [beta_1, 1].
        fraction: Share of the chain over which betas rise, in [0, 1].
    """
    rising = int(T * fraction)
    betas = constant(T, beta_1, beta_T)
    betas[:rising] = linear(rising, beta_1, beta_T)
    return betas


def warmup10(T: int, beta_1: float, beta_T: float) -> Array:
    """beta_T but for the first int(T/10) entries, which rise linearly from beta_1 to it.

    Args:
        T: Length of the training chain.
        beta_1: First beta, in (0, 1].
        beta_T: Last beta, in [beta_1, 1].

    Source: Ho et al. 2020, released code.
    """
    return warmup(T, beta_1, beta_T, fraction=0.1)


def warmup50(T: int, beta_1: float, beta_T: float) -> Array:
    """beta_T but for the first int(T/2) entries, which rise linearly from beta_1 to it.

    Args:
        T: Length of the training chain.
        beta_1: First beta, in (0, 1].
        beta_T: Last beta, in [beta_1, 1].

    Source: Ho et al. 2020, released code.
    """
    return warmup(T, beta_1, beta_T, fraction=0.5)


def jsd(T: int, _beta_1: float, _beta_T: float) -> Array:
    """beta_t = 1/(T - t + 1), so alphas_bar_t = (T - t)/T and alphas_bar_T = 0. Reads no ends.

    Source: Sohl-Dickstein et al. 2015, sec. 2.4.1.
    """
    return 1.0 / np.arange(T, 0, -1, dtype=np.float64)


BETA_SCHEDULES: dict[str, Callable[[int, float, float], Array]] = {
    "linear": linear,
    "linear_scaled": linear_scaled,
    "cosine": cosine,
    "quadratic": quadratic,
    "sigmoid_beta": sigmoid_beta,
    "sigmoid_alphas_bar": sigmoid_alphas_bar,
    "exponential_beta": exponential_beta,
    "exponential_alphas_bar": exponential_alphas_bar,
    "constant": constant,
    "warmup10": warmup10,
    "warmup50": warmup50,
    "jsd": jsd,
}


def beta_schedule(
    name: str, T: int, *, beta_1: float = 1e-4, beta_T: float = 0.02, zero_terminal_snr: bool = False
) -> Array:
    """Checked betas of a named schedule.

    Args:
        name: Key of `BETA_SCHEDULES`.
        T: Length of the training chain, >= 1.
        beta_1: First beta of the schedules that have one, before any scaling with T.
        beta_T: Last beta of the schedules that have one, before any scaling with T.
        zero_terminal_snr: Rescale so that alphas_bar_T = 0 (Lin et al. 2023, Alg. 1).

    Returns:
        betas [T], float64, in (0, 1], with strictly falling alphas_bar.

    Raises:
        UsageError: No schedule of that name.
        InfeasibleConfig: The name, T and endpoints together make no chain.

    Example:
        >>> beta_schedule("linear", 5).round(4).tolist()
        [0.0001, 0.0051, 0.01, 0.015, 0.02]
    """
    if name not in BETA_SCHEDULES:
        raise UsageError(f"No beta schedule `{name}`.", next=f"Use one of: {', '.join(BETA_SCHEDULES)}.")
    if T < 1:
        raise InfeasibleConfig(f"T = {T}: a chain has at least one step.", next="Use T >= 1.")
    if not 0 < beta_1 <= beta_T <= 1:
        raise InfeasibleConfig(
            f"beta_1 = {beta_1:g} and beta_T = {beta_T:g} do not satisfy 0 < beta_1 <= beta_T <= 1.",
            why="A beta is a variance fraction, and noise grows along the chain.",
            next="The usual values are beta_1: 1e-4 and beta_T: 0.02.",
        )
    betas = validated(BETA_SCHEDULES[name](T, beta_1, beta_T), name)
    return validated(zero_terminal(betas), f"{name} with zero_terminal_snr") if zero_terminal_snr else betas
