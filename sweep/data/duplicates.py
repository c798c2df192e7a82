"""Images that are held out and also trained on, because the data set holds them twice."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from torch import Tensor

from sweep.data.dataset import Dataset
from sweep.quantities import quantity


@dataclass(frozen=True)
class Duplicates:
    """How many images of a split are already in another, equal in every pixel.

    Attributes:
        within_training: Training images that equal an earlier training image.
        validation: Validation images that equal a training image.
        test: Test images that equal a training image.
    """

    within_training: int
    validation: int
    test: int

    @property
    def remarks(self) -> tuple[str, ...]:
        """One sentence for each held-out split that shares images with the training split."""
        return tuple(
            f"{quantity(count, 'image')} of the {split} split {'are' if count > 1 else 'is'} also in the training "
            "split, pixel for pixel"
            for split, count in (("validation", self.validation), ("test", self.test))
            if count
        )


def count_duplicates(dataset: Dataset) -> Duplicates:
    """Compare all images of a data set.

    Args:
        dataset: The images.
    """
    train = _digests(dataset.train)
    trained = set(train)
    return Duplicates(
        within_training=len(train) - len(trained),
        validation=sum(digest in trained for digest in _digests(dataset.validation)),
        test=sum(digest in trained for digest in _digests(dataset.test)),
    )


def _digests(images: Tensor) -> list[bytes]:
    return [hashlib.blake2b(image.data, digest_size=16).digest() for image in images.contiguous().numpy()]
