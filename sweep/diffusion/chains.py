"""What makes a list of betas a chain, and chains from a curve, a formula or a list. No torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sweep.diffusion.formula import evaluate
from sweep.errors import InfeasibleConfig

Array = NDArray[np.float64]

# Nichol & Dhariwal 2021, under eq. 17: "no larger than 0.999 to prevent singularities".
BETA_CAP = 0.999


def betas_from(alphas_bar: Callable[[Array], Array], T: int) -> Array:
    """Betas [T] whose cumulative product follows `alphas_bar(u)`, u = t/T, capped at `BETA_CAP`.

    Only ratios of `alphas_bar` enter, so it needs no normalisation to 1 at u = 0.

    Args:
        alphas_bar: Function of u = t/T in [0, 1], elementwise, that falls and is positive.
        T: Length of the training chain.
    """
    return np.minimum(_increments(alphas_bar(np.arange(T + 1) / T)), BETA_CAP)


def _increments(alphas_bar: Array) -> Array:
    """Betas [T] of alphas_bar [T + 1], from t = 0 on. NaN or inf where it makes no chain, for `validated` to name."""
    with np.errstate(all="ignore"):
        return np.asarray(1 - alphas_bar[1:] / alphas_bar[:-1], dtype=np.float64)


def zero_terminal(betas: Array) -> Array:
    """Betas [T] shifted and scaled in sqrt(alphas_bar) so that alphas_bar_T = 0 and alphas_bar_1 stays.

    Source: Lin et al. 2023, Alg. 1.
    """
    if len(betas) < 2:
        raise InfeasibleConfig(
            "zero_terminal_snr needs T >= 2.",
            why="At T = 1 the step that keeps its SNR and the step that loses it are the same.",
            next="Raise T, or drop zero_terminal_snr.",
        )
    s = np.sqrt(np.cumprod(1 - betas))
    s = (s - s[-1]) * s[0] / (s[0] - s[-1])
    return _increments(np.concatenate([np.ones(1), s**2]))


def custom_schedule(spec: Sequence[float] | str, T: int) -> Array:
    """Checked betas of a schedule that a study file writes out.

    Args:
        spec: Either T betas, or a formula of alphas_bar in u = t/T, read at t = 1..T (`formula.GRAMMAR`).
            alphas_bar at t = 0 is 1 by definition, whatever the formula says there. Nothing is capped.
        T: Length of the training chain.

    Raises:
        UsageError: The formula does not parse, or holds what is not allowed.
        InfeasibleConfig: A list of another length than T, or values that make no chain.

    Example:
        >>> custom_schedule("cos(pi / 2 * 0.9 * u)**2", 2).round(3).tolist()
        [0.422, 0.958]

    Source: the study file.
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
    """Betas, if they make a chain.

    Args:
        betas: Betas, float64 [T].
        name: Name of the schedule in messages.

    Returns:
        `betas`.

    Raises:
        InfeasibleConfig: They make none; names the first t where.
    """
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
