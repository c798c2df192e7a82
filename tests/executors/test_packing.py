"""How many workers a device is worth: decided from observations alone."""

from __future__ import annotations

import pytest

from sweep.executors.packing import CONTEXT_BYTES, MIN_POINTS, DeviceMemory, max_that_fit, useful_workers
from sweep.store.queue.device_load import Speed

GIB = 2**30


def seen(*of_one: float, kind: str = "unet", times: int = MIN_POINTS) -> list[Speed]:
    """Speeds of a single worker beside 1, 2, ... at once."""
    return [Speed(kind, n, speed) for n, speed in enumerate(of_one, start=1) for _ in range(times)]


def test_the_first_worker_is_alone_until_it_was_measured() -> None:
    assert useful_workers([], max_workers=8) == 1
    assert useful_workers(seen(100.0, times=MIN_POINTS - 1), max_workers=8) == 1
    assert useful_workers(seen(100.0), max_workers=8) == 2
    assert useful_workers(seen(100.0), max_workers=1) == 1


def test_while_the_device_does_more_there_is_one_more() -> None:
    assert useful_workers(seen(100.0, 90.0), max_workers=8) == 3
    assert useful_workers(seen(100.0, 90.0, 80.0), max_workers=8) == 4
    assert useful_workers(seen(100.0, 90.0, 80.0), max_workers=3) == 3


def test_a_number_that_is_still_watched_stays() -> None:
    assert useful_workers([*seen(100.0), Speed("unet", 2, 50.0)], max_workers=8) == 2


def test_where_it_saturates_or_falls_it_is_the_number_before() -> None:
    # 100, 180, 183: within five hundredths. 100, 180, 120: worse than one fewer.
    assert useful_workers(seen(100.0, 90.0, 61.0), max_workers=8) == 2
    assert useful_workers(seen(100.0, 90.0, 40.0), max_workers=8) == 2
    assert useful_workers(seen(100.0, 50.0), max_workers=8) == 1
    # What more workers did once the device was full does not count.
    assert useful_workers(seen(100.0, 50.0, 60.0), max_workers=8) == 1


def test_only_equal_work_compares() -> None:
    # A small net beside a small net is faster than a large one alone, which says nothing about two.
    large, small = seen(10.0, kind="large"), [Speed("small", 2, 100.0)] * MIN_POINTS
    assert useful_workers([*large, *small], max_workers=8) == 2
    assert useful_workers([*seen(10.0, 5.0, kind="large"), *small], max_workers=8) == 1


def test_one_slow_point_decides_nothing() -> None:
    points = [*seen(100.0, 90.0, times=2 * MIN_POINTS), Speed("unet", 2, 1.0), Speed("unet", 1, 900.0)]
    assert useful_workers(points, max_workers=8) == 3


@pytest.mark.parametrize(
    ("free", "live", "fits"),
    [
        (80, 0, 8),  # of 80 GiB, eight are left alone: 72 // 9
        (79, 1, 8),  # not the one that is there and the eight for which there is room now
        (40, 1, 4),  # a stranger holds the rest: (40 - 8) // 9 more
        (5, 1, 1),
        (0, 3, 3),  # those that run stay
    ],
)
def test_memory_is_counted_at_the_peak_of_all(free: int, live: int, fits: int) -> None:
    memory = DeviceMemory(free * GIB, 80 * GIB)
    assert max_that_fit(memory, live=live, peak_bytes=9 * GIB - CONTEXT_BYTES["cuda"], device="cuda:0") == fits


def test_a_run_larger_than_the_device_still_has_its_one_worker() -> None:
    assert max_that_fit(DeviceMemory(0, GIB), live=0, peak_bytes=9 * GIB, device="cpu") == 1
