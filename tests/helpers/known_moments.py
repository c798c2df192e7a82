"""Samples whose sample moments are exact, so that distances have exact answers at finite N."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def rows_with_moments(n: int, mu: Array, factor: Array, seed: int = 0) -> Array:
    """[n, D] with sample mean `mu` and unbiased sample covariance factor @ factor.T, both exact to rounding."""
    z = np.random.default_rng(seed).normal(size=(n, len(mu)))
    z -= z.mean(axis=0)
    lower = np.linalg.cholesky(z.T @ z / (n - 1))
    white = np.linalg.solve(lower, z.T).T
    return mu + white @ factor.T


def nuclear_norm_distance(mu_a: Array, factor_a: Array, mu_b: Array, factor_b: Array) -> float:
    """Frechet distance by singular values: tr (A B)^(1/2) = |Fa^T Fb|_* for A = Fa Fa^T, B = Fb Fb^T."""
    overlap = np.linalg.svd(factor_a.T @ factor_b, compute_uv=False).sum()
    return float(np.sum((mu_a - mu_b) ** 2) + np.sum(factor_a**2) + np.sum(factor_b**2) - 2 * overlap)
