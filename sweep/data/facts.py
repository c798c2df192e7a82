"""What is known of a data set before it is read: enough to plan a study on a machine without torch or data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class DatasetFacts:
    """Shape and split of one published data set."""

    channels: int
    """1 or 3."""
    size: int
    """Height and width, pixels."""
    train: int
    """Training images, after the validation images are set aside."""
    validation: int
    """Images set aside from the official training split, or from all images where there is no official split."""
    test: int
    """Images of the official test split, or set aside where there is none."""
    classes: int
    """Number of labels."""
    flip: bool
    """Whether a mirrored image is as likely as the image: the default for random horizontal flips in training."""

    def with_validation(self, validation: int | None) -> DatasetFacts:
        """The same with another number of images held out for validation.

        Args:
            validation: How many; None for the usual number.
        """
        if validation is None:
            return self
        return replace(self, train=self.train + self.validation - validation, validation=validation)


# `image_folder` is not here: only its files know.
DATASET_FACTS: Mapping[str, DatasetFacts] = {
    "digits": DatasetFacts(channels=1, size=8, train=1_297, validation=200, test=300, classes=10, flip=False),
    "mnist": DatasetFacts(channels=1, size=28, train=55_000, validation=5_000, test=10_000, classes=10, flip=False),
    # Shoes all point left.
    "fashion_mnist": DatasetFacts(
        channels=1, size=28, train=55_000, validation=5_000, test=10_000, classes=10, flip=False
    ),
    # Ho et al. 2020, appendix B: random horizontal flips on CIFAR-10.
    "cifar10": DatasetFacts(channels=3, size=32, train=45_000, validation=5_000, test=10_000, classes=10, flip=True),
}
