"""Whether a classifier has learned enough for distances between its features to mean something."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from sweep.data.dataset import Dataset
from sweep.data.pixels import to_model_range, to_uint8
from sweep.errors import DataError
from sweep.scoring.classifier import SEED, Classifier, features_and_logits, recipe_of
from sweep.scoring.frechet import feature_moments, frechet_distance

# Standard deviations of added noise, in [-1, 1] units; all well above the sampling error of a distance.
CORRUPTIONS = (0.0, 0.1, 0.2, 0.4, 0.8)
MAX_CHANCE = 0.01
PERMUTATIONS = 999


@dataclass(frozen=True, kw_only=True)
class Recognition:
    """How well a classifier tells the test images apart.

    Attributes:
        accuracy: Share of the test images that are classified correctly.
        balanced_accuracy: Mean of `recalls`. A constant answer reaches 1 / (number of classes), however many of the
            images are of one class.
        recalls: For each class among the test images, the share of its images that are classified correctly.
        majority: Share of the most frequent class among the test images: the accuracy of the best constant answer.
        chance: Probability that as many answers are correct when the same answers are dealt to the test images at
            random (permutation test). It is 1 for a constant answer.
    """

    accuracy: float
    balanced_accuracy: float
    recalls: dict[int, float]
    majority: float
    chance: float


def check_gate(net: Classifier, dataset: Dataset) -> dict[str, object]:
    """Refuse a classifier that does not recognise the classes, or that does not see noise.

    Three conditions hold together. The first two are such that no constant answer passes them:

    - The balanced accuracy on the test images is at least the recipe's `least_accuracy`.
    - The answers agree with the labels more often than they would by chance (p < 0.01).
    - The distance of the test images to the training images grows with every step of added noise.

    Args:
        net: The trained classifier, on the device to use.
        dataset: The labelled images that it was trained on.

    Returns:
        The measured values, for the record.

    Raises:
        DataError: One of the conditions does not hold.
    """
    assert dataset.test_labels is not None
    answers = features_and_logits(net, dataset.test)[1].argmax(dim=1)
    recognition = recognise(answers, dataset.test_labels)
    least = recipe_of(dataset.name).least_accuracy
    if recognition.balanced_accuracy < least:
        raise DataError(
            f"The classifier of {dataset.name} recognises {recognition.balanced_accuracy:.1%} of the test images of a "
            f"class, on average over the classes; {least:.0%} are needed.",
            why=_evidence(recognition, dataset),
            next="Check that images and labels belong together, add images of the weak classes, "
            "or use extractor: inception.",
        )
    if recognition.chance >= MAX_CHANCE:
        raise DataError(
            f"The test images do not show that the classifier of {dataset.name} knows the classes: chance does as well "
            f"with probability {recognition.chance:.2g}.",
            why=_evidence(recognition, dataset),
            next="Use more images, of every class, or use extractor: inception.",
        )
    distances = _corruption_distances(net, dataset)
    if not all(a < b for a, b in pairwise(distances)):
        raise DataError(
            f"The classifier of {dataset.name} sees no growing distance under growing noise: {distances}.",
            why=" ".join(("Its distances would not rank images by quality.", _counts(dataset))),
            next="Use extractor: inception.",
        )
    return asdict(recognition) | {"corruptions": list(CORRUPTIONS), "distances": distances}


def recognise(answers: Tensor, labels: Tensor) -> Recognition:
    """Compare a classifier's answers with the labels of the test images.

    Args:
        answers: Predicted classes, int64 [N], N >= 1.
        labels: True classes, int64 [N].

    Returns:
        The rates that the gate judges. The permutation test draws from a random stream of its own.
    """
    guesses, truth = answers.numpy(), labels.numpy()
    right = guesses == truth
    present, counts = np.unique(truth, return_counts=True)
    recalls = {int(label): float(right[truth == label].mean()) for label in present}
    draw = np.random.default_rng(SEED)
    as_good = sum(int((draw.permutation(guesses) == truth).sum()) >= int(right.sum()) for _ in range(PERMUTATIONS))
    return Recognition(
        accuracy=float(right.mean()),
        balanced_accuracy=float(np.mean(list(recalls.values()))),
        recalls=recalls,
        majority=float(counts.max() / len(truth)),
        chance=(1 + as_good) / (1 + PERMUTATIONS),
    )


def _evidence(recognition: Recognition, dataset: Dataset) -> str:
    assert dataset.train_labels is not None
    assert dataset.test_labels is not None
    classes = len(np.unique(dataset.train_labels.numpy()))
    worst = min(recognition.recalls, key=lambda label: recognition.recalls[label])
    shown = int((dataset.test_labels == worst).sum())
    return (
        f"It learned from {len(dataset.train):,} images of {classes} classes and was tested on {len(dataset.test):,} "
        f"images of {len(recognition.recalls)} of them: {recognition.accuracy:.1%} of its answers are correct, and "
        f"{recognition.majority:.1%} would be if it always named the most frequent class. It recognises "
        f"{recognition.recalls[worst]:.0%} of the {shown} test images of class {worst}, the weakest. {_counts(dataset)}"
    )


def _counts(dataset: Dataset) -> str:
    return "; ".join((f"There are {dataset.sizes}", *dataset.remarks)) + "."


def _corruption_distances(net: Classifier, dataset: Dataset) -> list[float]:
    noise = torch.randn(dataset.test.shape, generator=torch.Generator().manual_seed(SEED))
    reference = feature_moments(features_and_logits(net, dataset.train[:10_000])[0].numpy())
    noisy = (to_uint8(to_model_range(dataset.test) + sd * noise) for sd in CORRUPTIONS)
    return [
        frechet_distance(feature_moments(features_and_logits(net, images)[0].numpy()), reference) for images in noisy
    ]
