"""The Frechet distance between Gaussians, and its jackknife. float64.

FID itself is torch-fidelity's (see fidelity.py). This second form is exact too, symmetric and fast, which is what
twenty leave-one-block-out values need; each score checks the two against each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sweep.scoring.jackknife import Jackknife, blocks_of

Array = NDArray[np.float64]

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Moments:
    """Mean [D] and unbiased covariance [D, D] of n feature rows, with the symmetric root of the covariance."""

    mu: Array
    sigma: Array
    root: Array
    n: int


def feature_moments(rows: NDArray[np.floating]) -> Moments:
    """Moments of feature rows; sums are float64.

    Args:
        rows: Feature rows, [N, D], N >= 2, any float dtype.
    """
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
def trace_of_root(congruent: Tensor) -> Tensor:
    """tr (R B R)^(1/2), a scalar, given R B R [D, D]."""
    values: Tensor = torch.linalg.eigvalsh(congruent)
    return values.clamp(min=0.0).sqrt().sum()


# Heusel et al. 2017, eq. 6 (Dowson & Landau 1982, eq. 4)
def frechet_distance(generated: Moments, reference: Moments) -> float:
    """|mu - mu_r|^2 + tr(sigma + sigma_r - 2 (sigma sigma_r)^(1/2)). Rounding can leave it slightly below 0.

    Args:
        generated: Moments of the generated images.
        reference: Moments of the reference images.
    """
    shift = generated.mu - reference.mu
    overlap = float(trace_of_root(torch.from_numpy(reference.root @ generated.sigma @ reference.root)))
    return float(shift @ shift + np.trace(generated.sigma) + np.trace(reference.sigma) - 2.0 * overlap)


@dataclass(frozen=True, eq=False)
class _Sums:
    """Power sums of a block of rows: what moments are made of, and what can be taken away again."""

    n: int
    x: Tensor  # sum of x, [D]
    square: Tensor  # sum of |x|^2, scalar
    y: Tensor  # sum of y = R x, [D]
    yy: Tensor  # sum of y y^T, [D, D]

    def without(self, block: _Sums) -> _Sums:
        return _Sums(
            self.n - block.n, self.x - block.x, self.square - block.square, self.y - block.y, self.yy - block.yy
        )


def _sums(x: Tensor, root: Tensor) -> _Sums:
    y = x @ root
    return _Sums(len(x), x.sum(0), x.square().sum(), y.sum(0), y.T @ y)


def _distance_of(sums: _Sums, reference_trace: float) -> Tensor:
    mu, mu_y = sums.x / sums.n, sums.y / sums.n
    congruent = (sums.yy - sums.n * torch.outer(mu_y, mu_y)) / (sums.n - 1)
    trace = (sums.square - sums.n * mu.dot(mu)) / (sums.n - 1)
    return mu.dot(mu) + trace + reference_trace - 2.0 * trace_of_root(congruent)


def fid_jackknife(rows: NDArray[np.floating], reference: Moments, *, device: torch.device = CPU) -> Jackknife:
    """FID of feature rows [N, D] against a fixed reference, with each block of rows left out.

    The reference is fixed: its own sampling error is the same for every row set and cancels in every comparison.

    Args:
        rows: Feature rows, [N, D].
        reference: Moments of the reference images.
        device: Where sums and eigenvalues are computed; the CPU is the reference for the others.
    """
    # Around the reference's mean, so that sums of squares lose no digits to a common offset.
    x = torch.from_numpy(rows.astype(np.float64) - reference.mu).to(device)
    root, trace = torch.from_numpy(reference.root).to(device), float(np.trace(reference.sigma))
    everything = _sums(x, root)
    parts = [everything.without(_sums(x[torch.from_numpy(block).to(device)], root)) for block in blocks_of(len(x))]
    value, *left_out = torch.stack([_distance_of(sums, trace) for sums in (everything, *parts)]).tolist()
    return Jackknife(value, tuple(left_out))
