"""Which images are held out: a pure function of the count, the labels and a constant; no random generator."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Literal, get_args

Split = Literal["train", "validation", "test"]
"""What images are for."""
SPLITS: tuple[Split, ...] = get_args(Split)

# Part of the identity of every split: changing it changes the content hash of every data set.
SPLIT_SEED = 0
# An image folder has no official split: a tenth each is held out, but not more than this.
FOLDER_HOLDOUT_LIMIT = 5_000


@dataclass(frozen=True, kw_only=True)
class SplitSizes:
    """How many images each split has, and how many classes there are: 0 without labels."""

    train: int
    validation: int
    test: int
    classes: int

    def __str__(self) -> str:
        total = self.train + self.validation + self.test
        classes = f" in {self.classes:,} class{'es' * (self.classes != 1)}" if self.classes else " without classes"
        return (
            f"{total:,} images{classes}: {self.train:,} for training, {self.validation:,} for validation, "
            f"{self.test:,} for testing"
        )


def folder_sizes(count: int, *, classes: int) -> SplitSizes:
    """How a folder of `count` images is split.

    Args:
        count: Number of images.
        classes: Number of classes; 0 without labels.
    """
    held = min(FOLDER_HOLDOUT_LIMIT, count // 10)
    return SplitSizes(train=count - 2 * held, validation=held, test=held, classes=classes)


def completed_sizes(*, train: int, validation: int, test: int, classes: int) -> SplitSizes:
    """How images are split that come in splits of their own.

    Without a test split, the validation split is the test split, as people use that of ImageNet. Without a validation
    split, a tenth of the training images is held out for it.

    Args:
        train: Number of training images.
        validation: Number of validation images; 0 where there is no such split.
        test: Number of test images; 0 where there is no such split.
        classes: Number of classes; 0 without labels.
    """
    if test == 0:
        validation, test = 0, validation
    held = validation or min(FOLDER_HOLDOUT_LIMIT, train // 10)
    return SplitSizes(train=train if validation else train - held, validation=held, test=test, classes=classes)


def holdout_order(count: int, labels: Sequence[int] | None) -> list[int]:
    """All indices 0 .. count - 1, in an order of which every prefix is a fair sample.

    Without labels: by the SHA-256 of "seed:index", which no library version or machine can change. With labels: as
    even as possible over the classes in proportion to their sizes, and by that hash within a class.

    Being prefixes, a smaller hold-out is part of a larger one.

    Args:
        count: Number of images.
        labels: Class of each image; None without labels.
    """
    key = [hashlib.sha256(f"{SPLIT_SEED}:{index}".encode()).digest() for index in range(count)]
    shuffled = sorted(range(count), key=key.__getitem__)
    if labels is None:
        return shuffled
    members: dict[int, list[int]] = defaultdict(list)
    for index in shuffled:
        members[labels[index]].append(index)
    # The r-th of n members stands at the middle of the r-th of n equal parts of its class.
    quantile = {index: (rank + 0.5) / len(group) for group in members.values() for rank, index in enumerate(group)}
    return sorted(shuffled, key=quantile.__getitem__)


def split_indices(count: int, sizes: Sequence[int], labels: Sequence[int] | None) -> list[list[int]]:
    """What remains, then one hold-out for each of `sizes`: disjoint lists of indices, each ascending.

    Args:
        count: Number of images.
        sizes: Number of images of each hold-out.
        labels: Class of each image; None without labels.

    Example:
        >>> train, validation = split_indices(10, [3], None)
        >>> len(train), len(validation)
        (7, 3)
    """
    assert sum(sizes) <= count, f"cannot hold out {sum(sizes)} of {count}"
    order = holdout_order(count, labels)
    cuts = [0, *accumulate(sizes)]
    held = [sorted(order[start:stop]) for start, stop in pairwise(cuts)]
    return [sorted(order[cuts[-1] :]), *held]
