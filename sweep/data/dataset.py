"""A data set in memory: uint8 tensors, three splits, and a hash of exactly these."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from sweep.data.splits import SplitSizes, split_indices


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
        labels = [part for part in (self.train_labels, self.validation_labels, self.test_labels) if part is not None]
        return SplitSizes(
            train=len(self.train),
            validation=len(self.validation),
            test=len(self.test),
            classes=len(torch.unique(torch.cat(labels))) if labels else 0,
        )

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
        training run, and a classifier that uses them has a hash of its own.
        """
        digest = hashlib.sha256()
        for images in (self.train, self.validation, self.test):
            digest.update(repr(tuple(images.shape)).encode())
            digest.update(images.contiguous().numpy().data)
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
    split_labels = [None if labels is None else labels[part] for part in index]
    return Dataset(
        name=name,
        train=images[index[0]],
        validation=images[index[1]],
        test=images[index[2]],
        train_labels=split_labels[0],
        validation_labels=split_labels[1],
        test_labels=split_labels[2],
    )
