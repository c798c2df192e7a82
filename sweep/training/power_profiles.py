"""Profiles of power-function averages: which widths a set of snapshots can stand for. No torch, so that `plan` can ask.

Equations of Karras et al. 2024 ("EDM2"). Widths are `std`, the standard deviation of the averaging profile as a share
of the run so far. Steps count from 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# Two widths span the useful ones (EDM2, section 3.2).
DEFAULT_STDS = (0.05, 0.10)
# A profile much narrower than the snapshots' own is a difference of large, nearly equal terms.
NARROWEST = 0.6
LARGEST_COEFFICIENT = 10.0
LARGEST_PROFILE_ERROR = 0.05


# EDM2, eq. 126: solved for the largest real root.
@lru_cache(maxsize=256)
def exponent_of_std(std: float) -> float:
    """Exponent gamma of the profile tau^gamma whose relative width is `std`, in (0, 0.2886); 0.05 -> 16.97."""
    s = std**-2
    return float(np.roots([1.0, 7.0, 16.0 - s, 12.0 - s]).real.max())


# EDM2, eq. 123.
def std_of_exponent(gamma: float) -> float:
    """Relative width of the profile tau^gamma."""
    return math.sqrt((gamma + 1.0) / ((gamma + 2.0) ** 2 * (gamma + 3.0)))


# EDM2, eq. 127.
def power_beta(step: int, gamma: float) -> float:
    """Decay of the average at `step`; 0 at the first, so the initial weights leave at once.

    Args:
        step: Number of the optimizer step, counted from 1.
        gamma: Exponent of the profile.
    """
    return float((1.0 - 1.0 / step) ** (gamma + 1.0))


# EDM2, eq. 151: the integral of p_a p_b, p(tau) = (gamma + 1) tau^gamma / t^(gamma + 1) on [0, t].
def profile_product(t_a: float, gamma_a: float, t_b: float, gamma_b: float) -> float:
    """Inner product of two averaging profiles that end at steps t_a and t_b.

    Args:
        t_a: Step at which the first profile ends.
        gamma_a: Exponent of the first profile.
        t_b: Step at which the second profile ends.
        gamma_b: Exponent of the second profile.
    """
    (t_short, _), (t_long, gamma_long) = sorted([(t_a, gamma_a), (t_b, gamma_b)])
    scale = (gamma_a + 1.0) * (gamma_b + 1.0) / (gamma_a + gamma_b + 1.0)
    return float(scale * (t_short / t_long) ** gamma_long / t_long)


def coefficients(profiles: Sequence[tuple[float, int]], std: float, step: int) -> tuple[list[float], float]:
    """How to mix snapshots into the average of width `std` after `step` steps.

    Args:
        profiles: (std, step) of each snapshot.
        std: Width wanted.
        step: Where the wanted profile ends.

    Returns:
        Least-squares coefficients that sum to 1, and the error of the mixed profile relative to the wanted one (L2).
    """
    return _mixtures(profiles, [std], step)[0]


def _mixtures(
    profiles: Sequence[tuple[float, int]], stds: Sequence[float], step: int
) -> list[tuple[list[float], float]]:
    """`coefficients` of many widths, for the work of one."""
    gammas = [(float(t), exponent_of_std(s)) for s, t in profiles]
    A = _products(tuple(gammas))
    targets = [(float(step), exponent_of_std(std)) for std in stds]
    B = np.array([[profile_product(*a, *wanted) for wanted in targets] for a in gammas])
    X = np.linalg.lstsq(A, B, rcond=None)[0]
    mixtures = []
    for wanted, solution, b in zip(targets, X.T, B.T, strict=True):
        x = solution / solution.sum()
        norm = profile_product(*wanted, *wanted)
        error = math.sqrt(max(float(x @ A @ x - 2 * x @ b) + norm, 0.0) / norm)
        mixtures.append(([float(value) for value in x], error))
    return mixtures


@lru_cache(maxsize=8)
def _products(gammas: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    """Inner products of all pairs of profiles (t, exponent); a study asks for many widths of the same ones."""
    return np.array([[profile_product(*a, *b) for b in gammas] for a in gammas])


def representable(profiles: Sequence[tuple[float, int]], std: float, step: int) -> bool:
    """Whether the snapshots can stand for the average of width `std` after `step` steps.

    Args:
        profiles: (std, step) of each snapshot.
        std: Width wanted, as a share of the run.
        step: Step at which the wanted profile ends.
    """
    return bool(_among(profiles, [std], step))


def _among(profiles: Sequence[tuple[float, int]], stds: Sequence[float], step: int) -> list[float]:
    """Those of the widths that the snapshots can stand for."""
    narrowest = NARROWEST * min(s for s, _ in profiles)
    tried = [std for std in stds if std >= narrowest]
    return [
        std
        for std, (x, error) in zip(tried, _mixtures(profiles, tried, step) if tried else [], strict=True)
        if max(map(abs, x)) < LARGEST_COEFFICIENT and error <= LARGEST_PROFILE_ERROR
    ]


def snapshot_steps(steps: int, count: int) -> list[int]:
    """Up to `count` evenly spaced steps of a run, of which the last step is one; ascending, each once.

    Args:
        steps: Steps of the run.
        count: Most snapshots.

    Example:
        >>> snapshot_steps(1000, 4)
        [250, 500, 750, 1000]
    """
    return sorted({max(1, round(steps * k / count)) for k in range(1, count + 1)})


def possible_stds(profiles: Sequence[tuple[float, int]], step: int) -> list[float]:
    """The widths, in steps of 0.005, that snapshots (std, step) can stand for after `step` steps.

    Args:
        profiles: (std, step) of each snapshot.
        step: Step at which the wanted profiles end.
    """
    return _among(profiles, [0.005 * k for k in range(1, 58)], step)
