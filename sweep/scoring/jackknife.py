"""Delete-block jackknife: the standard error of a statistic of N generated images, and of a difference of two.

A percentile bootstrap must not be used for FID: every resample adds the bias c/N a second time, and the interval
misses the truth always. The jackknife only ever makes N a little smaller.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweep.errors import ProtocolError

BLOCKS = 20


@dataclass(frozen=True)
class Jackknife:
    """A statistic, and its value with each block of images left out."""

    value: float
    left_out: tuple[float, ...]

    # Efron & Tibshirani 1993, ch. 11, with blocks for points
    @property
    def standard_error(self) -> float:
        g, without = len(self.left_out), np.asarray(self.left_out)
        return float(np.sqrt((g - 1) / g * np.sum((without - without.mean()) ** 2)))

    # Efron & Tibshirani 1993, ch. 11: exact where the bias is c/N, and FID's nearly is (Chong & Forsyth 2020)
    @property
    def extrapolated(self) -> float:
        """The value at N = infinity."""
        g = len(self.left_out)
        return g * self.value - (g - 1) * float(np.mean(self.left_out))

    @property
    def largest_influence(self) -> float:
        """How far leaving out one block moves the value, at most: rare bad images show here."""
        return float(np.max(np.abs(np.asarray(self.left_out) - self.value)))


def difference(a: Jackknife, b: Jackknife) -> Jackknife:
    """a - b of two sets of images that share their noise: what the shared noise does to both cancels.

    Image k of both must come from the same noise, and both must hold equally many images; then equal blocks hold
    equal k.

    Args:
        a: Statistic of the first set of images.
        b: Statistic of the second set, of the same noise.

    Raises:
        ProtocolError: They were not cut into the same number of blocks.
    """
    if len(a.left_out) != len(b.left_out):
        raise ProtocolError(
            f"Blocks of {len(a.left_out)} and {len(b.left_out)} do not pair.",
            why="A paired standard error leaves the same images out of both sides.",
            next="Score both under one protocol.",
        )
    left_out = tuple(x - y for x, y in zip(a.left_out, b.left_out, strict=True))
    return Jackknife(a.value - b.value, left_out)


def blocks_of(n: int, blocks: int = BLOCKS) -> list[NDArray[np.int64]]:
    """Indices 0..n-1 in consecutive blocks of nearly equal size. Fewer than `blocks` only if n is less than twice it.

    Consecutive is as good as shuffled: image k depends on its own noise alone, so the order carries nothing.

    Args:
        n: Number of images.
        blocks: Number of blocks.

    Example:
        >>> [block.tolist() for block in blocks_of(5, 2)]
        [[0, 1, 2], [3, 4]]
    """
    return list(np.array_split(np.arange(n), min(blocks, max(2, n // 2))))
