"""The kernel distance (KID): over torch-fidelity's random subsets, and by all pairs with its jackknife. float64.

All pairs have the same expectation as the mean over subsets, and their block sums give every leave-one-block-out value
at once. Rows come from the CPU; the pairs are made on `device`.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sweep.scoring.frechet import CPU
from sweep.scoring.jackknife import Jackknife, blocks_of

Rows = NDArray[np.floating]

CHUNK = 1000
SUBSETS_SEED = 2020
"""torch-fidelity's, so that the subsets are."""
WHOLE = 2**24
"""Pairs that are all made at once, 128 MB, where that is less work than those of every subset."""


# Binkowski et al. 2018, sec. 4: the cubic polynomial kernel
def cubic_kernel(x: Tensor, y: Tensor) -> Tensor:
    """(x . y / D + 1)^3 for all pairs of rows, [len(x), len(y)].

    Args:
        x: Rows, [N, D].
        y: Rows, [M, D].
    """
    k = torch.addmm(x.new_ones(1), x, y.T, alpha=1.0 / x.shape[1])
    return k * k * k  # ten times as fast as a power


def mean_of_pairs(rows: Rows) -> float:
    """Mean of k(x_i, x_j) over i != j: the reference's constant share of every KID."""
    x = _on_device(rows, CPU)
    total = float(sum(_kernel_sum(x[i : i + CHUNK], x) for i in range(0, len(x), CHUNK)))
    return (total - float(_diagonal(x).sum())) / (len(x) * (len(x) - 1))


# Gretton et al. 2012, eq. 3: the unbiased estimate of the squared maximum mean discrepancy
def kid_of_subsets(
    rows: Rows, reference_rows: Rows, *, subsets: int, size: int, device: torch.device = CPU
) -> NDArray[np.float64]:
    """KID of random subsets, [subsets]: those of torch-fidelity, and to rounding its values.

    Args:
        rows: [N, D].
        reference_rows: [M, D].
        subsets: How many.
        size: Rows of each on both sides, 2..min(N, M).
        device: Where the pairs are made.
    """
    x, y = _on_device(rows, device), _on_device(reference_rows, device)
    draws = np.random.RandomState(SUBSETS_SEED)
    # In turn, as torch-fidelity draws them.
    chosen = [[draws.choice(len(side), size, replace=False) for side in (x, y)] for _ in range(subsets)]
    of_x, of_y = (torch.from_numpy(np.stack(side)).to(device) for side in zip(*chosen, strict=True))
    if (len(x) + len(y)) ** 2 <= min(WHOLE, 3 * subsets * size**2):
        within_x, within_y, across = _sums_of_whole(x, y, of_x, of_y)
    else:
        within_x, within_y, across = _sums_of_each(x, y, of_x, of_y)
    diagonals = _diagonal(x)[of_x].sum(1) + _diagonal(y)[of_y].sum(1)
    kid = (within_x + within_y - diagonals) / (size * (size - 1)) - 2 * across / size**2
    return np.asarray(kid.cpu().numpy(), dtype=np.float64)


def _sums_of_whole(x: Tensor, y: Tensor, of_x: Tensor, of_y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Kernel sums of each subset by quadratic forms of the whole kernel: a^T K b of what is in (1) and what not (0)."""
    in_x = x.new_zeros(len(of_x), len(x)).scatter_(1, of_x, 1.0)
    in_y = y.new_zeros(len(of_y), len(y)).scatter_(1, of_y, 1.0)

    def form(a: Tensor, kernel: Tensor, b: Tensor) -> Tensor:
        return ((a @ kernel) * b).sum(1)

    return (
        form(in_x, cubic_kernel(x, x), in_x),
        form(in_y, cubic_kernel(y, y), in_y),
        form(in_x, cubic_kernel(x, y), in_y),
    )


def _sums_of_each(x: Tensor, y: Tensor, of_x: Tensor, of_y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same, subset by subset: of many rows, most pairs are in none."""
    sums = []
    for rows_x, rows_y in zip(of_x, of_y, strict=True):
        a, b = x[rows_x], y[rows_y]
        sums.append(torch.stack([cubic_kernel(a, a).sum(), cubic_kernel(b, b).sum(), cubic_kernel(a, b).sum()]))
    within_x, within_y, across = torch.stack(sums, dim=1)
    return within_x, within_y, across


# Gretton et al. 2012, eq. 3
def kid_jackknife(rows: Rows, reference_rows: Rows, reference_pairs: float, *, device: torch.device = CPU) -> Jackknife:
    """KID of feature rows [N, D] against fixed reference rows [M, D], with each block of rows left out.

    Args:
        rows: Feature rows, [N, D].
        reference_rows: Feature rows of the reference, [M, D].
        reference_pairs: `mean_of_pairs(reference_rows)`, the same for every set of rows.
        device: Where the pairs are made.
    """
    x, y = _on_device(rows, device), _on_device(reference_rows, device)
    parts = [x[torch.from_numpy(block).to(device)] for block in blocks_of(len(x))]
    sizes = np.asarray([len(part) for part in parts])
    within = _to_numpy([_kernel_sum(a, b) for a in parts for b in parts]).reshape(len(parts), len(parts))
    diagonal = _to_numpy([_diagonal(a).sum() for a in parts])
    across = _to_numpy([_kernel_sum(a, y) for a in parts])

    def value(chosen: NDArray[np.bool_]) -> float:
        n = int(sizes[chosen].sum())
        pairs = (within[np.ix_(chosen, chosen)].sum() - diagonal[chosen].sum()) / (n * (n - 1))
        return float(pairs - 2.0 * across[chosen].sum() / (n * len(y)) + reference_pairs)

    everything = np.ones(len(parts), dtype=bool)
    left_out = tuple(value(np.arange(len(parts)) != k) for k in range(len(parts)))
    return Jackknife(value(everything), left_out)


def _on_device(rows: Rows, device: torch.device) -> Tensor:
    return torch.from_numpy(rows.astype(np.float64)).to(device)


def _to_numpy(values: list[Tensor]) -> NDArray[np.float64]:
    return np.asarray(torch.stack(values).cpu().numpy(), dtype=np.float64)


def _kernel_sum(x: Tensor, y: Tensor) -> Tensor:
    return torch.stack([cubic_kernel(x, y[j : j + CHUNK]).sum() for j in range(0, len(y), CHUNK)]).sum()


def _diagonal(x: Tensor) -> Tensor:
    k = x.square().sum(1) / x.shape[1] + 1.0
    return k * k * k
