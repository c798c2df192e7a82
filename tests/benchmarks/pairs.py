"""Ours and the peers in turn, A B A B, in one process: what else the machine does then falls on all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median

import torch

from tests.benchmarks.machine import wait
from tests.benchmarks.rows import Ratio

Block = Callable[[], object]
"""A fixed amount of work."""


def alternate(
    blocks: Mapping[str, Block], device: torch.device, *, rounds: int, at_most: float = 90.0
) -> dict[str, list[float]]:
    """Seconds of each block, one value a round; a first round is run and thrown away.

    No round but the first that counts is begun when `at_most` seconds have gone by since the one thrown away, which
    may compile: a slow machine has fewer pairs.
    """
    spent: dict[str, list[float]] = {name: [] for name in blocks}
    begun = time.perf_counter()
    for turn in range(rounds + 1):
        if turn == 1:
            begun = time.perf_counter()
        elif turn and time.perf_counter() - begun > at_most:
            break
        for name, block in blocks.items():
            wait(device)
            started = time.perf_counter()
            block()
            wait(device)
            if turn:
                spent[name].append(time.perf_counter() - started)
    return spent


def rate(work: float, seconds: list[float]) -> float:
    """Work a second, of the median block."""
    return work / median(seconds)


def ratio(ours: list[float], theirs: list[float]) -> Ratio:
    """Their time over ours, pair by pair."""
    return Ratio.of([their / our for our, their in zip(ours, theirs, strict=True)])
