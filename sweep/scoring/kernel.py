"""The kernel distance (KID) by all pairs, and its jackknife. numpy only, float64.

KID itself is torch-fidelity's mean over random subsets (see fid.py). All pairs have the same expectation over those
subsets, and their block sums give every leave-one-block-out value at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sweep.scoring.jackknife import Jackknife, blocks_of

Array = NDArray[np.float64]

CHUNK = 1000


# Binkowski et al. 2018, sec. 4: the cubic polynomial kernel
def cubic_kernel(x: Array, y: Array) -> Array:
    """(x . y / D + 1)^3 for all pairs of rows, [len(x), len(y)]."""
    return np.asarray((x @ y.T / x.shape[1] + 1.0) ** 3, dtype=np.float64)


def mean_of_pairs(rows: NDArray[np.floating]) -> float:
    """Mean of k(x_i, x_j) over i != j: the reference's constant share of every KID."""
    x = rows.astype(np.float64)
    total = sum(_kernel_sum(x[i : i + CHUNK], x) for i in range(0, len(x), CHUNK))
    return (total - _diagonal_sum(x)) / (len(x) * (len(x) - 1))


# Gretton et al. 2012, eq. 3: the unbiased estimate of the squared maximum mean discrepancy
def kid_jackknife(
    rows: NDArray[np.floating], reference_rows: NDArray[np.floating], reference_pairs: float
) -> Jackknife:
    """KID of feature rows [N, D] against fixed reference rows [M, D], with each block of rows left out.

    Args:
        reference_pairs: `mean_of_pairs(reference_rows)`, the same for every set of rows.
    """
    x, y = rows.astype(np.float64), reference_rows.astype(np.float64)
    blocks = blocks_of(len(x))
    sizes = np.asarray([len(block) for block in blocks])
    within = np.asarray([[_kernel_sum(x[a], x[b]) for b in blocks] for a in blocks])
    diagonal = np.asarray([_diagonal_sum(x[a]) for a in blocks])
    across = np.asarray([_kernel_sum(x[a], y) for a in blocks])

    def value(kept: NDArray[np.bool_]) -> float:
        n = int(sizes[kept].sum())
        pairs = (within[np.ix_(kept, kept)].sum() - diagonal[kept].sum()) / (n * (n - 1))
        return float(pairs - 2.0 * across[kept].sum() / (n * len(y)) + reference_pairs)

    everything = np.ones(len(blocks), dtype=bool)
    left_out = tuple(value(np.arange(len(blocks)) != k) for k in range(len(blocks)))
    return Jackknife(value(everything), left_out)


def _kernel_sum(x: Array, y: Array) -> float:
    return float(sum(cubic_kernel(x, y[j : j + CHUNK]).sum() for j in range(0, len(y), CHUNK)))


def _diagonal_sum(x: Array) -> float:
    return float(np.sum((np.sum(x * x, axis=1) / x.shape[1] + 1.0) ** 3))
