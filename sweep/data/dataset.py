"""A data set in memory: uint8 tensors, three splits, and a hash of exactly these."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from sweep.data.splits import SPLITS, Split, SplitSizes, split_indices
from sweep.errors import InfeasibleConfig


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """Images are uint8 [N, C, size, size] on the CPU; labels int64 [N], or None for all three splits."""

    name: str
    train: Tensor
    validation: Tensor
    """Never trained on: for choosing hyperparameters."""
    test: Tensor
    """Never trained on: for the final figures."""
    train_labels: Tensor | None
    validation_labels: Tensor | None
    test_labels: Tensor | None
    remarks: tuple[str, ...] = ()
    """What was left out of an image folder, and how animated files were read; one sentence each."""

    @property
    def sizes(self) -> SplitSizes:
        """How many images and classes there are."""
        return SplitSizes(
            train=len(self.train), validation=len(self.validation), test=len(self.test), classes=len(self.classes)
        )

    @cached_property
    def classes(self) -> tuple[int, ...]:
        """The labels that occur in any split, ascending; none without labels. A net's class is a position here."""
        parts = (self.train_labels, self.validation_labels, self.test_labels)
        labels = [part for part in parts if part is not None]
        return tuple(torch.unique(torch.cat(labels)).tolist()) if labels else ()

    def class_of(self, split: Split) -> Tensor:
        """Class of each image of a split, int64 [N] in 0..len(classes) - 1.

        Args:
            split: Name of the split.

        Raises:
            InfeasibleConfig: The images have no classes.
        """
        labels = {"train": self.train_labels, "validation": self.validation_labels, "test": self.test_labels}[split]
        if labels is None:
            raise InfeasibleConfig(
                f"the images of {self.name} have no classes, so no net can be conditional on them",
                why="A folder of images has classes where each has a folder of its own.",
                next="Set conditional: false, or sort the images into one folder for each class.",
            )
        return torch.searchsorted(torch.tensor(self.classes), labels)

    @property
    def channels(self) -> int:
        return self.train.shape[1]

    @property
    def size(self) -> int:
        """Height and width, pixels."""
        return self.train.shape[2]

    @cached_property
    def content_sha256(self) -> str:
        """Hex SHA-256 over the shape and the bytes of train, validation and test images, in this order.

        Sensitive to the order of the images and to where the splits are cut. Labels are left out: they change no
        training of a net that sees none, and a classifier that uses them has a hash of its own.
        """
        digest = hashlib.sha256()
        for images in (self.train, self.validation, self.test):
            digest.update(repr(tuple(images.shape)).encode())
            digest.update(images.contiguous().numpy().data)
        return digest.hexdigest()

    @cached_property
    def labelled_sha256(self) -> str:
        """Hex SHA-256 over `content_sha256` and the class of every image: what a conditional training depends on.

        Raises:
            InfeasibleConfig: The images have no classes.
        """
        digest = hashlib.sha256(self.content_sha256.encode())
        for split in SPLITS:
            digest.update(self.class_of(split).contiguous().numpy().data)
        return digest.hexdigest()


def with_official_test(
    name: str, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], *, validation: int
) -> Dataset:
    """Keep the official test split; hold `validation` images out of the training split, stratified.

    Args:
        name: The data set's name.
        train: Official training images and labels.
        test: Official test images and labels.
        validation: How many images to hold out.
    """
    images, labels = train
    rest, held = split_indices(len(images), [validation], labels.tolist())
    return Dataset(
        name=name,
        train=images[rest],
        validation=images[held],
        test=test[0],
        train_labels=labels[rest],
        validation_labels=labels[held],
        test_labels=test[1],
    )


def without_official_test(name: str, images: Tensor, labels: Tensor | None, *, validation: int, test: int) -> Dataset:
    """Hold images out of all, stratified where there are labels.

    Args:
        name: Name of the data set.
        images: All images, uint8 [N, C, size, size].
        labels: Their classes, int64 [N]; None where there are none.
        validation: How many images to hold out for validation.
        test: How many images to hold out for testing.
    """
    index = split_indices(len(images), [validation, test], None if labels is None else labels.tolist())
    return _split(name, images, labels, index)


def with_own_splits(
    name: str, images: Tensor, labels: Tensor | None, splits: Sequence[Split], sizes: SplitSizes
) -> Dataset:
    """Keep the splits that images come in; `completed_sizes` says what is done about one that is missing.

    Args:
        name: Name of the data set.
        images: All images, uint8 [N, C, size, size].
        labels: Their classes, int64 [N]; None where there are none.
        splits: The split of each image.
        sizes: How many images each split of the data set has.
    """
    rows = {split: [row for row, each in enumerate(splits) if each == split] for split in SPLITS}
    if not rows["test"]:
        rows["validation"], rows["test"] = [], rows["validation"]
    if not rows["validation"]:
        train = rows["train"]
        of_train = None if labels is None else labels[train].tolist()
        rest, held = split_indices(len(train), [sizes.validation], of_train)
        rows["train"], rows["validation"] = [train[i] for i in rest], [train[i] for i in held]
    return _split(name, images, labels, [rows[split] for split in SPLITS])


def _split(name: str, images: Tensor, labels: Tensor | None, rows: Sequence[Sequence[int]]) -> Dataset:
    """The data set whose splits, in the order of `SPLITS`, have these rows."""
    train, validation, test = (images[list(part)] for part in rows)
    of_split = [None if labels is None else labels[list(part)] for part in rows]
    return Dataset(
        name=name,
        train=train,
        validation=validation,
        test=test,
        train_labels=of_split[0],
        validation_labels=of_split[1],
        test_labels=of_split[2],
    )
