"""How many workers a device should have, from its memory and from measured speeds. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from sweep.store.queue.device_load import Speed

# With so many points of one worker's curve, a number of workers counts as measured.
MIN_POINTS = 4
# One more worker is useful only if the device is then faster by this factor. Points of a curve scatter by less.
MIN_SPEEDUP = 1.05
# Share of a device's memory that stays free, because a peak so far may be exceeded.
FREE_SHARE = 0.1
# Memory of a worker beside the peak that it reports: on a GPU the context with its libraries, else its parent process.
CONTEXT_BYTES: Mapping[str, int] = {"cuda": 2**30, "cpu": 2**28}


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """Memory of a device, of all its users together.

    Attributes:
        free: Bytes that nobody uses.
        total: Bytes in all.
    """

    free: int
    total: int


def max_that_fit(memory: DeviceMemory, *, live: int, peak_bytes: int, device: str) -> int:
    """How many workers a device has memory for, while a tenth of it stays free.

    Args:
        memory: Memory of the device now, with the running workers.
        live: Number of running workers of this launch; each may reach its peak at any time.
        peak_bytes: Peak memory of one worker, over all work of the study on this kind of device.
        device: `cpu`, or the name of a CUDA device.

    Returns:
        At least `live`, and at least 1: no running worker is ended because of its memory.
    """
    per_worker = peak_bytes + CONTEXT_BYTES["cpu" if device == "cpu" else "cuda"]
    by_total = int(memory.total * (1 - FREE_SHARE)) // per_worker
    # Other processes may use some of the memory; our workers may use less now than at their peak.
    by_free = int(memory.free - memory.total * FREE_SHARE) // per_worker
    return max(live, 1, min(by_total, live + max(0, by_free)))


def useful_workers(speeds: Sequence[Speed], *, max_workers: int) -> int:
    """How many workers a device should have: one more, as long as that made it faster or was not tried yet.

    The speed of a device with n workers is v_n = n * (median images/s of one of the n workers). From n = 1 on, one more
    worker is useful where v_{n+1} >= 1.05 v_n. Only equal work is compared: the gain is the median over those kinds of
    work (net, batch, precision) that were measured at both n and n + 1.

    Where v rises for all measured n, the answer is one more than the largest of them. Where v saturates or falls, it is
    the number before. A number of workers is measured once some kind of work has 4 points at it; until then the answer
    is that number.

    Args:
        speeds: Points of single workers, in any order.
        max_workers: The most workers that memory and cores allow, at least 1.
    """
    totals = _totals(speeds)
    for n in range(1, max_workers):
        gain = _gain(totals[n], totals[n + 1])
        if not totals[n]:
            return n
        if gain is None:
            return n + 1
        if gain < MIN_SPEEDUP:
            return n
    return max_workers


def _totals(speeds: Sequence[Speed]) -> Mapping[int, Mapping[str, float]]:
    """{workers: {kind of work: images/s of the device}}, for what has enough points."""
    by_kind: dict[tuple[int, str], list[float]] = defaultdict(list)
    for speed in speeds:
        by_kind[speed.workers, speed.kind].append(speed.images_per_second)
    totals: dict[int, dict[str, float]] = defaultdict(dict)
    for (workers, kind), values in by_kind.items():
        if len(values) >= MIN_POINTS:
            totals[workers][kind] = workers * median(values)
    return totals


def _gain(before: Mapping[str, float], after: Mapping[str, float]) -> float | None:
    both = before.keys() & after.keys()
    return median(after[kind] / before[kind] for kind in both) if both else None
