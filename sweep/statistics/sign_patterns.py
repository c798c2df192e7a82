"""Signs of paired differences: all of them for few seeds, drawn ones for many."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

EXACT_PAIRS = 16
"""Up to here all 2^n sign patterns are counted; beyond, 65,536 drawn ones stand for them."""
BLOCK = 4096
"""Patterns at a time: a thousand pairs would take half a gigabyte at once."""


def sign_patterns(n: int) -> Iterator[Array]:
    """Signs of n differences: all patterns, or a fixed random choice of 2^16 where there are more.

    Args:
        n: Number of differences.

    Yields:
        [at most BLOCK, n] of -1 and 1; 2^n rows in all, 2^16 at most.
    """
    drawn = np.random.default_rng(0)
    for start in range(0, 2 ** min(n, EXACT_PAIRS), BLOCK):
        rows = np.arange(start, min(start + BLOCK, 2 ** min(n, EXACT_PAIRS)))
        bits = rows[:, None] >> np.arange(n) & 1 if n <= EXACT_PAIRS else drawn.integers(0, 2, size=(len(rows), n))
        yield (2.0 * bits - 1.0).astype(np.float64)
