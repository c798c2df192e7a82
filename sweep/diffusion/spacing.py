"""Which of the T steps a shorter reverse process visits. numpy only; index i = t - 1.

The same words mean different lists elsewhere. Here:

    leading    floor(k T / K), k = 0..K-1. Starts near T - T/K, never at t = T; ends at i = 0. Where K divides T this
               is diffusers' "leading", improved-diffusion's "ddimK" and Song's "uniform"; where it does not, diffusers
               strides by T // K and starts far too low (T = 1000, K = 600 starts at i = 599).
    linspace   round(linspace(0, T-1, K)): both ends. diffusers' "linspace", improved-diffusion's "K".
    trailing   round(T - k T / K) - 1: starts at t = T, as zero terminal SNR needs (Lin et al. 2023, table 2).
    quadratic  int(linspace(0, sqrt(0.8 T), K)^2) (Song et al. 2021, code): dense near the data, from 0.8 T.
               Integer truncation repeats small indices; a repeated index is a step of zero length, so repeats are
               dropped: the same samples from fewer network calls, and fewer than K indices.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sweep.errors import InfeasibleConfig, UsageError
from sweep.quantities import quantity

Indices = NDArray[np.int64]


def leading_spacing(T: int, K: int) -> Indices:
    """i_k = floor(k T/K), k = 0..K-1, ascending: 0 is in it, T - 1 is not.

    Args:
        T: Length of the training chain.
        K: Number of sampling steps, 1..T.

    Source: Nichol & Dhariwal 2021, released code.
    """
    return np.arange(K, dtype=np.int64) * T // K


def linspace_spacing(T: int, K: int) -> Indices:
    """i_k = round(k (T - 1)/(K - 1)): both ends.

    Args:
        T: Length of the training chain.
        K: Number of sampling steps, 1..T.

    Source: Nichol & Dhariwal 2021, released code.
    """
    return np.linspace(0, T - 1, K).round().astype(np.int64)


def trailing_spacing(T: int, K: int) -> Indices:
    """i_k = round(k T/K) - 1, k = 1..K: T - 1 is in it, 0 is not.

    Args:
        T: Length of the training chain.
        K: Number of sampling steps, 1..T.

    Source: Lin et al. 2023, table 2.
    """
    return np.rint(np.arange(1, K + 1) * T / K).astype(np.int64) - 1


def quadratic_spacing(T: int, K: int) -> Indices:
    """i_k = int((k sqrt(0.8 T)/(K - 1))^2) without its repeats, so that there may be fewer than K.

    Args:
        T: Length of the training chain.
        K: Number of sampling steps, 1..T.

    Source: Song et al. 2021, released code.
    """
    return np.unique((np.linspace(0, np.sqrt(0.8 * T), K) ** 2).astype(np.int64))


Spacing = Callable[[int, int], Indices]
"""(T, steps) -> the code indices to visit, int64 [K], ascending."""

SPACINGS: dict[str, Spacing] = {
    "leading": leading_spacing,
    "linspace": linspace_spacing,
    "trailing": trailing_spacing,
    "quadratic": quadratic_spacing,
}


def sampling_indices(spacing: str | Spacing, T: int, steps: int) -> Indices:
    """Code indices that a reverse process of `steps` steps visits.

    Args:
        spacing: Key of `SPACINGS`, or a function like its values.
        T: Length of the training chain.
        steps: 1..T.

    Returns:
        int64 [K], strictly descending, in 0..T-1. K = `steps`, or less where `quadratic` repeats itself.

    Raises:
        UsageError: No spacing of that name.
        InfeasibleConfig: More steps than T, fewer than one, or a list that would start at the clean end.

    Example:
        >>> sampling_indices("trailing", 1000, 4).tolist()
        [999, 749, 499, 249]
    """
    if isinstance(spacing, str) and spacing not in SPACINGS:
        raise UsageError(f"No spacing `{spacing}`.", next=f"Use one of: {', '.join(SPACINGS)}.")
    if not 1 <= steps <= T:
        raise InfeasibleConfig(
            f"{steps} sampling steps of a chain with T = {T}.",
            why="A reverse process visits between 1 and T of the trained steps.",
            next=f"Set sampling_steps to {T} or less.",
        )
    ascending = SPACINGS[spacing](T, steps) if isinstance(spacing, str) else spacing(T, steps)
    if T > 1 and ascending[-1] == 0:
        raise InfeasibleConfig(
            f"Spacing {spacing} with {quantity(steps, 'sampling step')} of T = {T} visits t = 1 only.",
            why="It would treat pure noise as an almost clean image.",
            next="Use spacing: trailing, or more steps.",
        )
    return ascending[::-1].copy()


def stratum_edges(T: int, strata: int) -> list[int]:
    """Edges e_0 = 0, e_1 = 1, ..., e_K = T: stratum k holds indices e_k..e_{k+1}-1.

    i = 0 is a stratum of its own: its decoder term is the largest and of another kind. The rest is cut evenly.

    Args:
        T: Length of the training chain.
        strata: Number of strata, K.

    Raises:
        InfeasibleConfig: There are more strata than t, or fewer than two where T allows two.

    Example:
        >>> stratum_edges(10, 4)
        [0, 1, 4, 7, 10]
    """
    least = min(T, 2)
    if not least <= strata <= T:
        raise InfeasibleConfig(
            f"{strata} strata of a chain with T = {T}.",
            why="One belongs to t = 1 and the others need at least one t each.",
            next=f"Use {least}..{T}.",
        )
    inner = np.linspace(1, T, strata).round().astype(int) if strata > 1 else [1]
    return [0, *(int(edge) for edge in inner)]
