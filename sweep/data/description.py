"""What a data set holds, for people who have not trained on it yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mode

import torch
from PIL import Image
from torch import Tensor

from sweep.data.dataset import Dataset
from sweep.data.duplicates import Duplicates, count_duplicates
from sweep.data.folder import OnRead, ignore_reading
from sweep.data.image_file import ImageFile
from sweep.data.listing import list_images
from sweep.data.sources import load_dataset
from sweep.limits import MAX_IMAGE_SIZE

MAX_MEASURED = 5_000
"""Files whose width and height are read, evenly over all."""
MAX_SIZES = 5
MAX_SHEET_CLASSES = 20
SHEET_COLUMNS = 12


@dataclass(frozen=True, kw_only=True)
class ClassCounts:
    """How many images of a class each split has.

    Attributes:
        name: Its name; its number where there are no names.
    """

    name: str
    train: int
    validation: int
    test: int


@dataclass(frozen=True, kw_only=True)
class DataDescription:
    """What a data set holds.

    Attributes:
        dataset: The images, resized.
        classes: The classes, in the order of their numbers; empty without classes.
        original_sizes: Width, height and number of files, the most frequent first; empty for a published data set.
        measured: How many files `original_sizes` counts.
        files: How many files there are.
        duplicates: Images that occur twice.
    """

    dataset: Dataset
    classes: tuple[ClassCounts, ...]
    original_sizes: tuple[tuple[int, int, int], ...]
    measured: int
    files: int
    duplicates: Duplicates


def describe_data_set(name: str, *, on_read: OnRead = ignore_reading) -> DataDescription:
    """What a published data set holds.

    Args:
        name: Its name, as a study file has it.
        on_read: Hears of the progress of a download.

    Raises:
        UnknownName: There is no such data set.
        DataError: It is missing and cannot be downloaded, or is damaged.
    """
    dataset = load_dataset(name, on_read=on_read)
    return DataDescription(
        dataset=dataset,
        classes=_class_counts(dataset, ()),
        original_sizes=(),
        measured=0,
        files=0,
        duplicates=count_duplicates(dataset),
    )


def describe_images(path: Path, size: int | None, *, on_read: OnRead = ignore_reading) -> DataDescription:
    """What a folder or a file of images holds.

    Args:
        path: The images; `sweep.data.listing.list_images` says in which forms.
        size: Height and width to resize to, pixels. None: the most frequent shorter side, which is what is left of
            most images when they are cut square.
        on_read: Hears how many of how many files are read.

    Raises:
        DataError: They cannot be read.
    """
    listing = list_images(path)
    sizes = _original_sizes(listing.files)
    if size is None:
        shorter = [min(width, height) for width, height in sizes.elements()]
        size = max(4, min(MAX_IMAGE_SIZE, mode(shorter) if shorter else 32))
    dataset = load_dataset("image_folder", path=path, size=size, on_read=on_read)
    return DataDescription(
        dataset=dataset,
        classes=_class_counts(dataset, listing.classes),
        original_sizes=tuple((width, height, count) for (width, height), count in sizes.most_common(MAX_SIZES)),
        measured=sizes.total(),
        files=len(listing.files),
        duplicates=count_duplicates(dataset),
    )


def sheet_images(dataset: Dataset) -> Tensor:
    """The first training images: a row for each class, or a square where there are no classes.

    Args:
        dataset: The images.

    Returns:
        uint8 [rows, columns, C, size, size]; cells without an image are white.
    """
    if dataset.train_labels is None:
        chosen = [list(range(row, min(row + SHEET_COLUMNS, len(dataset.train)))) for row in range(0, 96, SHEET_COLUMNS)]
    else:
        classes = torch.unique(dataset.train_labels)[:MAX_SHEET_CLASSES]
        chosen = [torch.nonzero(dataset.train_labels == label).flatten()[:SHEET_COLUMNS].tolist() for label in classes]
    rows = [row for row in chosen if row]
    shape = (len(rows), SHEET_COLUMNS, dataset.channels, dataset.size, dataset.size)
    sheet = torch.full(shape, 255, dtype=torch.uint8)
    for index, row in enumerate(rows):
        sheet[index, : len(row)] = dataset.train[row]
    return sheet


def _class_counts(dataset: Dataset, names: Sequence[str]) -> tuple[ClassCounts, ...]:
    splits = (dataset.train_labels, dataset.validation_labels, dataset.test_labels)
    counts = [Counter(labels.tolist()) for labels in splits if labels is not None]
    if not counts:
        return ()
    numbers = sorted(set().union(*counts))
    return tuple(
        ClassCounts(
            name=names[number] if number < len(names) else str(number),
            train=counts[0][number],
            validation=counts[1][number],
            test=counts[2][number],
        )
        for number in numbers
    )


def _original_sizes(files: Sequence[ImageFile]) -> Counter[tuple[int, int]]:
    step = max(1, -(-len(files) // MAX_MEASURED))
    sizes = Counter[tuple[int, int]]()
    for file in files[::step]:
        try:
            with file.open() as stream, Image.open(stream) as image:
                sizes[image.size] += 1
        # Reading all of them follows, and names what cannot be read.
        except Exception:  # noqa: S112 - decoders of damaged files raise nearly everything
            continue
    return sizes
