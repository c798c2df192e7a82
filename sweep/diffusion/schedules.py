"""Beta schedules: T -> betas [T], float64, entry i = t - 1 for t = 1..T. No torch.

A schedule is one function and one line of `BETA_SCHEDULES`. Its name ends up in stores: never rename one, never
change what one means. Two names that the field shares between different curves are kept apart here:
`linear` is Ho's whatever T is (`linear_scaled` is improved-diffusion's), and `sigmoid_*`, `exponential_*` say which
quantity follows the named curve.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweep.diffusion.formula import evaluate, sigmoid
from sweep.diffusion.levels import Levels
from sweep.errors import InfeasibleConfig, UsageError

Array = NDArray[np.float64]

# Nichol & Dhariwal 2021, under eq. 17: "no larger than 0.999 to prevent singularities".
BETA_CAP = 0.999


# Ho et al. 2020, sec. 4
def linear(T: int, beta_1: float, beta_T: float) -> Array:
    return np.linspace(beta_1, beta_T, T)


# Nichol & Dhariwal 2021, released code: endpoints times 1000/T, so that alphas_bar_T hardly depends on T
def linear_scaled(T: int, beta_1: float, beta_T: float) -> Array:
    scale = 1000 / T
    if scale * beta_T >= 1:
        least = int(np.floor(1000 * beta_T)) + 1
        raise InfeasibleConfig(
            f"linear_scaled at T = {T} ends at beta_T = {scale * beta_T:.4g}; it must stay below 1.",
            why=f"Its endpoints are scaled by 1000/T = {scale:.4g}: {beta_T:g} becomes {scale * beta_T:.4g}.",
            next=f"Use T >= {least}, or schedule: cosine.",
        )
    return linear(T, scale * beta_1, scale * beta_T)


# Ho et al. 2020, released code ("quad"); diffusers calls it "scaled_linear"
def quadratic(T: int, beta_1: float, beta_T: float) -> Array:
    return np.asarray(np.linspace(beta_1**0.5, beta_T**0.5, T) ** 2, dtype=np.float64)


# Nichol & Dhariwal 2021, eq. 17, s = 0.008
def cosine(T: int, _beta_1: float, _beta_T: float) -> Array:
    return betas_from(lambda u: np.cos((u + 0.008) / 1.008 * np.pi / 2) ** 2, T)


# Xu et al. 2022 (GeoDiff), released code: betas follow a sigmoid over [-6, 6], so they start at 1.49e-4, not beta_1
def sigmoid_beta(T: int, beta_1: float, beta_T: float) -> Array:
    return sigmoid(np.linspace(-6, 6, T)) * (beta_T - beta_1) + beta_1


# Jabri et al. 2022, fig. 8; Chen 2023, sec. 2.2 with start = -3, end = 3, tau = 1
def sigmoid_alphas_bar(T: int, _beta_1: float, _beta_T: float) -> Array:
    return betas_from(lambda u: sigmoid(np.full_like(u, 3.0)) - sigmoid(6 * u - 3), T)  # betas need no denominator


# beta_t = beta_1 (beta_T / beta_1)^((t-1)/(T-1))
def exponential_beta(T: int, beta_1: float, beta_T: float) -> Array:
    return np.geomspace(beta_1, beta_T, T)


# alphas_bar(u) = exp(-12 u), that is the constant beta = 1 - exp(-12/T); the cap binds at T = 1 only
def exponential_alphas_bar(T: int, _beta_1: float, _beta_T: float) -> Array:
    return np.full(T, min(-np.expm1(-12 / T), BETA_CAP))


# Ho et al. 2020, released code ("const")
def constant(T: int, _beta_1: float, beta_T: float) -> Array:
    return np.full(T, beta_T, dtype=np.float64)


def warmup(T: int, beta_1: float, beta_T: float, *, fraction: float) -> Array:
    """beta_T everywhere but for the first int(T * fraction) entries, which rise linearly from beta_1 to it."""
    rising = int(T * fraction)
    betas = constant(T, beta_1, beta_T)
    betas[:rising] = linear(rising, beta_1, beta_T)
    return betas


# Ho et al. 2020, released code ("warmup10")
def warmup10(T: int, beta_1: float, beta_T: float) -> Array:
    return warmup(T, beta_1, beta_T, fraction=0.1)


# Ho et al. 2020, released code ("warmup50")
def warmup50(T: int, beta_1: float, beta_T: float) -> Array:
    return warmup(T, beta_1, beta_T, fraction=0.5)


# Sohl-Dickstein et al. 2015, sec. 2.4.1: beta_t = 1 / (T - t + 1), so alphas_bar_t = (T - t) / T and alphas_bar_T = 0
def jsd(T: int, _beta_1: float, _beta_T: float) -> Array:
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


def betas_from(alphas_bar: Callable[[Array], Array], T: int) -> Array:
    """Betas [T] whose cumulative product follows `alphas_bar(u)`, u = t/T, capped at `BETA_CAP`.

    Only ratios of `alphas_bar` enter, so it needs no normalisation to 1 at u = 0.
    """
    return np.minimum(_increments(alphas_bar(np.arange(T + 1) / T)), BETA_CAP)


def _increments(alphas_bar: Array) -> Array:
    """Betas [T] of alphas_bar [T + 1], from t = 0 on. NaN or inf where it makes no chain, for `validated` to name."""
    with np.errstate(all="ignore"):
        return np.asarray(1 - alphas_bar[1:] / alphas_bar[:-1], dtype=np.float64)


# Lin et al. 2023, Alg. 1
def zero_terminal(betas: Array) -> Array:
    """Betas [T] shifted and scaled in sqrt(alphas_bar) so that alphas_bar_T = 0 and alphas_bar_1 stays."""
    if len(betas) < 2:
        raise InfeasibleConfig(
            "zero_terminal_snr needs T >= 2.",
            why="At T = 1 the step that keeps its SNR and the step that loses it are the same.",
            next="Raise T, or drop zero_terminal_snr.",
        )
    s = np.sqrt(np.cumprod(1 - betas))
    s = (s - s[-1]) * s[0] / (s[0] - s[-1])
    return _increments(np.concatenate([np.ones(1), s**2]))


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


def custom_schedule(spec: Sequence[float] | str, T: int) -> Array:
    """Checked betas of a schedule that a study file writes out.

    Args:
        spec: Either T betas, or a formula of alphas_bar in u = t/T, read at t = 1..T (`formula.GRAMMAR`).
            alphas_bar at t = 0 is 1 by definition, whatever the formula says there. Nothing is capped.
        T: Length of the training chain.

    Raises:
        UsageError: The formula does not parse, or holds what is not allowed.
        InfeasibleConfig: A list of another length than T, or values that make no chain.
    """
    if isinstance(spec, str):
        alphas_bar = np.concatenate([np.ones(1), evaluate(spec, np.arange(1, T + 1) / T)])
        return validated(_increments(alphas_bar), f"alphas_bar = {spec}")
    if len(spec) != T:
        raise InfeasibleConfig(
            f"The custom schedule lists {len(spec)} betas and T is {T}.",
            next=f"Set T to {len(spec)}, or write a formula in u, which fits every T.",
        )
    return validated(np.asarray(spec, dtype=np.float64), "custom schedule")


def validated(betas: Array, name: str) -> Array:
    """`betas`, or InfeasibleConfig naming the first t where they are no chain."""
    assert betas.ndim == 1, betas.shape
    outside = ~((betas > 0) & (betas <= 1))  # NaN is outside, too
    if outside.any():
        t = int(outside.argmax()) + 1
        raise InfeasibleConfig(
            f"{name} at T = {len(betas)}: beta_{t} = {betas[t - 1]:.6g} is not in (0, 1].",
            why="Each step must add some noise and cannot replace more than the whole signal.",
            next="Change T or the endpoints, or take another schedule.",
        )
    alphas_bar = np.concatenate([[1.0], np.cumprod(1 - betas)])
    stuck = np.diff(alphas_bar) >= 0
    if stuck.any():
        t = int(stuck.argmax()) + 1
        raise InfeasibleConfig(
            f"{name} at T = {len(betas)}: alphas_bar does not fall at t = {t} (it is {alphas_bar[t]:.6g}).",
            why="Steps that change nothing in float64: the signal is gone before the end, or beta is below 1e-16.",
            next="Lower beta_T or T, or take another schedule.",
        )
    return betas


@dataclass(frozen=True)
class ScheduleFacts:
    """What a schedule does to the data at its two ends; stored with every run."""

    alphas_bar_T: float
    """Share of the signal's variance that is left in x_T; sampling from N(0, I) pretends that it is 0."""
    snr_1: float
    snr_T: float
    prior_bits_per_dim: float
    """KL(q(x_T | x_0) || N(0, I)) in bits per dimension: the price of that pretence."""

    @property
    def terminal_gain(self) -> float:
        """1 / sqrt(alphas_bar_T): error in x_0 per unit of error in epsilon at t = T; inf at zero terminal SNR."""
        return float(self.alphas_bar_T**-0.5) if self.alphas_bar_T > 0 else float("inf")


def schedule_facts(betas: Array, mean_square: float = 0.25) -> ScheduleFacts:
    """Facts of checked betas [T], for data with E[x_0^2] = `mean_square` per dimension (images in [-1, 1])."""
    at = Levels.of(betas)
    last = float(at.alphas_bar[-1])
    # E KL(N(sqrt(a) x_0, 1 - a) || N(0, 1)) = (a E[x_0^2] + (1 - a) - 1 - ln(1 - a)) / 2 nats
    nats = 0.5 * (last * (mean_square - 1) - np.log1p(-last))
    return ScheduleFacts(last, float(at.snr[0]), float(at.snr[-1]), float(nats / np.log(2)))
