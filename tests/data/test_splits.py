from __future__ import annotations

import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.data.splits import holdout_order, split_indices


@given(labels=st.lists(st.integers(0, 4), max_size=60), stratify=st.booleans(), data=st.data())
def test_parts_are_disjoint_ascending_and_complete(labels: list[int], stratify: bool, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(labels)))
    second = data.draw(st.integers(0, len(labels) - first))
    parts = split_indices(len(labels), [first, second], labels if stratify else None)
    assert [len(part) for part in parts] == [len(labels) - first - second, first, second]
    assert sorted(index for part in parts for index in part) == list(range(len(labels)))
    assert all(part == sorted(part) for part in parts)


def test_order_without_labels_is_that_of_the_documented_hash() -> None:
    expected = sorted(range(50), key=lambda index: hashlib.sha256(f"0:{index}".encode()).hexdigest())
    assert holdout_order(50, None) == expected


@pytest.mark.parametrize("size", [10, 37, 100, 250])
def test_every_prefix_is_proportional(size: int) -> None:
    labels = [0] * 100 + [1] * 300 + [2] * 600
    counts = Counter(labels[index] for index in holdout_order(1000, labels)[:size])
    for label, share in ((0, 0.1), (1, 0.3), (2, 0.6)):
        assert abs(counts[label] - share * size) <= 1


def test_a_class_of_one_does_not_stop_the_split() -> None:
    assert sorted(holdout_order(4, [0, 0, 0, 1])) == [0, 1, 2, 3]


def test_a_smaller_holdout_is_part_of_a_larger_one() -> None:
    small, large = split_indices(500, [50], None)[1], split_indices(500, [80], None)[1]
    assert set(small) < set(large)


def test_membership_is_scattered_over_the_file_order() -> None:
    held = split_indices(10_000, [1_000], None)[1]
    # Mean index of a random thousand of ten thousand: 5000, standard error 87.
    assert abs(sum(held) / 1_000 - 5_000) < 350
    assert held != list(range(1_000))
