"""How many workers a device is worth: by what fits into its memory, and by what was measured. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from sweep.store.queue.device_load import Speed

# Points of one worker's curve before a number of workers counts as measured.
ENOUGH = 4
# One more worker is worth its memory only if the device then does so much more. Points of a curve scatter by less.
RISE = 1.05
# Of a device's memory, left alone: peaks are of what was seen so far.
MARGIN = 0.1
# What a worker takes beside the peak that it tells: on a GPU a context with its libraries, else its parent process.
CONTEXT_BYTES: Mapping[str, int] = {"cuda": 2**30, "cpu": 2**28}


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """Bytes of a device, by whomever they are held."""

    free: int
    total: int


def most_that_fit(memory: DeviceMemory, *, live: int, peak_bytes: int, device: str) -> int:
    """How many workers a device has memory for, a tenth of it left free.

    Args:
        memory: Now, with the workers that are there.
        live: Workers of ours that are there, each of which may take its peak at any time.
        peak_bytes: Of one worker, over what the study has done on that kind of device.
        device: `cpu`, or the name of a CUDA device.

    Returns:
        At least `live`, and at least 1: what runs is not ended for its memory.
    """
    each = peak_bytes + CONTEXT_BYTES["cpu" if device == "cpu" else "cuda"]
    in_all = int(memory.total * (1 - MARGIN)) // each
    # Strangers may hold some of it; those of ours may hold less now than at their peak.
    more = int(memory.free - memory.total * MARGIN) // each
    return max(live, 1, min(in_all, live + max(0, more)))


def worth(speeds: Sequence[Speed], *, most: int) -> int:
    """How many workers a device is worth: one more as long as that was seen to pay, or was not tried yet.

    With n workers on it, a device does n times what one of them does: v_n = n * (median images/s of a point that was
    measured beside n). Going up from n = 1, n + 1 pays where v_{n+1} >= 1.05 v_n. Only equal work compares: the gain is
    the median over those kinds of work (net, batch, precision) that were measured at both n and n + 1.

    Where v rises all the way, the answer is one more than the most that was tried; where it saturates or falls, it is
    the number before. A number is measured once some kind of work has 4 points at it; until then the answer stays.

    Args:
        speeds: Points of single workers, in any order.
        most: What memory and cores allow, at least 1.
    """
    totals = _totals(speeds)
    for n in range(1, most):
        gain = _gain(totals[n], totals[n + 1])
        if not totals[n]:
            return n
        if gain is None:
            return n + 1
        if gain < RISE:
            return n
    return most


def _totals(speeds: Sequence[Speed]) -> Mapping[int, Mapping[str, float]]:
    """{workers: {kind: images/s of the device}}, of what was measured often enough."""
    found: dict[tuple[int, str], list[float]] = defaultdict(list)
    for speed in speeds:
        found[speed.workers, speed.kind].append(speed.images_per_second)
    totals: dict[int, dict[str, float]] = defaultdict(dict)
    for (workers, kind), values in found.items():
        if len(values) >= ENOUGH:
            totals[workers][kind] = workers * median(values)
    return totals


def _gain(before: Mapping[str, float], after: Mapping[str, float]) -> float | None:
    both = before.keys() & after.keys()
    return median(after[kind] / before[kind] for kind in both) if both else None
