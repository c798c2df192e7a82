"""The Frechet distance between Gaussians, and its jackknife. numpy only, float64.

FID itself is torch-fidelity's (see fid.py). This second form is exact too, symmetric and fast, which is what twenty
leave-one-block-out values need; each score checks the two against each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweep.scoring.jackknife import Jackknife, blocks_of

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Mean [D] and unbiased covariance [D, D] of n feature rows, with the symmetric root of the covariance."""

    mu: Array
    sigma: Array
    root: Array
    n: int


def moments(rows: NDArray[np.floating]) -> Moments:
    """Of feature rows [N, D], N >= 2, any float dtype; sums are float64."""
    x = rows.astype(np.float64)
    mu = x.mean(axis=0)
    centred = x - mu
    sigma = centred.T @ centred / (len(x) - 1)
    return Moments(mu, sigma, symmetric_root(sigma), len(x))


def symmetric_root(sigma: Array) -> Array:
    """R = R^T with R R = sigma, for a positive semi-definite sigma."""
    values, vectors = np.linalg.eigh(sigma)
    return np.asarray((vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T, dtype=np.float64)


# tr (A B)^(1/2) = tr (A^(1/2) B A^(1/2))^(1/2): the right side is symmetric, so its eigenvalues are real
def trace_of_root(congruent: Array) -> float:
    """tr (R B R)^(1/2), given R B R [D, D]."""
    return float(np.sqrt(np.clip(np.linalg.eigvalsh(congruent), 0.0, None)).sum())


# Heusel et al. 2017, eq. 6 (Dowson & Landau 1982, eq. 4)
def frechet_distance(generated: Moments, reference: Moments) -> float:
    """|mu - mu_r|^2 + tr(sigma + sigma_r - 2 (sigma sigma_r)^(1/2)). Rounding can leave it slightly below 0."""
    shift = generated.mu - reference.mu
    overlap = trace_of_root(reference.root @ generated.sigma @ reference.root)
    return float(shift @ shift + np.trace(generated.sigma) + np.trace(reference.sigma) - 2.0 * overlap)


@dataclass(frozen=True)
class _Sums:
    """Power sums of a block of rows: what moments are made of, and what can be taken away again."""

    n: int
    x: Array  # sum of x, [D]
    square: float  # sum of |x|^2
    y: Array  # sum of y = R x, [D]
    yy: Array  # sum of y y^T, [D, D]

    def without(self, block: _Sums) -> _Sums:
        return _Sums(
            self.n - block.n, self.x - block.x, self.square - block.square, self.y - block.y, self.yy - block.yy
        )


def _sums(x: Array, root: Array) -> _Sums:
    y = x @ root
    return _Sums(len(x), x.sum(axis=0), float(np.sum(x * x)), y.sum(axis=0), y.T @ y)


def _distance_of(sums: _Sums, reference_trace: float) -> float:
    mu, mu_y = sums.x / sums.n, sums.y / sums.n
    congruent = (sums.yy - sums.n * np.outer(mu_y, mu_y)) / (sums.n - 1)
    trace = (sums.square - sums.n * float(mu @ mu)) / (sums.n - 1)
    return float(mu @ mu) + trace + reference_trace - 2.0 * trace_of_root(congruent)


def fid_jackknife(rows: NDArray[np.floating], reference: Moments) -> Jackknife:
    """FID of feature rows [N, D] against a fixed reference, with each block of rows left out.

    The reference is fixed: its own sampling error is the same for every row set and cancels in every comparison.
    """
    # Around the reference's mean, so that sums of squares lose no digits to a common offset.
    x = rows.astype(np.float64) - reference.mu
    trace = float(np.trace(reference.sigma))
    everything = _sums(x, reference.root)

    def without(block: NDArray[np.int64]) -> float:
        return _distance_of(everything.without(_sums(x[block], reference.root)), trace)

    return Jackknife(_distance_of(everything, trace), tuple(without(block) for block in blocks_of(len(x))))
