"""How many images and classes a score needs, known without torch: too few are refused before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sweep.config.protocol_request import ProtocolRequest
from sweep.config.run import EvalConfig
from sweep.data.splits import SplitSizes
from sweep.errors import DataError
from sweep.quantities import quantity

NEIGHBOURS = 3  # Kynkaanniemi et al. 2019, sec. 3.1
DENSITY_NEIGHBOURS = 5  # Naeem et al. 2020, sec. 4
MIN_REFERENCE = DENSITY_NEIGHBOURS + 1
"""Each reference image has so many neighbours beside itself."""
MIN_TEST_OF_CLASSIFIER = 2
"""Its gate takes covariances of test images."""


@dataclass(frozen=True)
class Data:
    """What is known of the images of a study.

    Attributes:
        name: What messages call them: a name or a folder.
        remarks: What was left out of a folder; one sentence each.
    """

    name: str
    sizes: SplitSizes
    remarks: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}: {self.sizes}"


def check_needs(data: Data, protocol: ProtocolRequest, evaluations: Iterable[EvalConfig]) -> None:
    """Whether the scores of a study can be made of its images.

    Args:
        data: What is known of the images.
        protocol: Extractor and reference of the study.
        evaluations: Evaluations of the study.

    Raises:
        DataError: Too few images or classes, with how many there are and what was left out.
    """
    sizes = data.sizes
    if protocol.extractor == "classifier":
        _check_classes(data)
        _check_count(data, "test", sizes.test, MIN_TEST_OF_CLASSIFIER, "extractor: classifier")
    reference = {"train": sizes.train, "test": sizes.test}[protocol.reference]
    _check_count(data, protocol.reference, reference, MIN_REFERENCE, f"reference: {protocol.reference}")
    if any(evaluation.fid_test for evaluation in evaluations):
        _check_count(data, "test", sizes.test, MIN_REFERENCE, "fid_test")


def _check_classes(data: Data) -> None:
    if data.sizes.classes > 1:
        return
    classes = "one class only" if data.sizes.classes == 1 else "no classes"
    raise DataError(
        f"{data.name} has {classes}, and extractor: classifier learns to tell classes apart",
        why=_summary(data),
        next="Set protocol: {extractor: inception, ...}, or sort the images into one folder for each class.",
    )


def _check_count(data: Data, split: str, count: int, least: int, what: str) -> None:
    if count < least:
        raise DataError(
            f"{data.name} has {quantity(count, f'{split} image')}; {what} needs {least}",
            why=_summary(data),
            next="Use more images, a tenth of which are held out for testing" + _instead(what),
        )


def _instead(what: str) -> str:
    if what == "extractor: classifier":
        return "; or protocol: {extractor: inception, ...}."
    return "; or protocol: {reference: train, ...}." if what == "reference: test" else f"; or leave {what} out."


def _summary(data: Data) -> str:
    return "; ".join((str(data.sizes), *data.remarks))
