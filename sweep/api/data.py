"""What a data set holds, before anyone trains on it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from sweep.api.outputs import output_errors
from sweep.errors import UnknownName, UsageError
from sweep.files.atomic import write_atomically

__all__ = ["DataReport", "describe"]


@dataclass(frozen=True, kw_only=True)
class DataReport:
    """What a data set holds.

    Attributes:
        source: Name of the data set, or the path.
        images: Number of images of each split: train, validation, test.
        channels: 1 or 3.
        size: Height and width as a training would see them, pixels.
        classes: Name and number of images of each split for each class; empty without classes.
        original_sizes: Width, height and number of files, the most frequent first; empty for a published data set.
        measured: How many files `original_sizes` counts, of `files`.
        files: How many files there are; 0 for a published data set.
        duplicates: Images that equal a training image in every pixel: within_training, validation, test.
        content_sha256: Hash of the images and of where the splits are cut, which is in the key of every run.
        remarks: What was left out and which split was made, one sentence each.
        sheet: Picture of the first training images of each class; None if none was asked for.
    """

    source: str
    images: dict[str, int]
    channels: int
    size: int
    classes: tuple[dict[str, str | int], ...]
    original_sizes: tuple[tuple[int, int, int], ...]
    measured: int
    files: int
    duplicates: dict[str, int]
    content_sha256: str
    remarks: tuple[str, ...]
    sheet: Path | None


def describe(
    source: str | os.PathLike[str],
    *,
    size: int | None = None,
    sheet: str | os.PathLike[str] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> DataReport:
    """What a data set holds: splits, classes, sizes, duplicates and its hash.

    Args:
        source: Name of a published data set, such as `digits`, or a folder or file of images.
        size: Height and width to resize images of your own to, pixels; None for the most frequent shorter side.
        sheet: PNG to write with the first training images of each class; None for none.
        on_progress: Called with how much is read, and of how much.

    Returns:
        What it holds.

    Raises:
        DataError: It cannot be read.
        UnknownName: It is neither.
        UsageError: A size was given for a published data set, which has its own.

    Example:
        >>> describe("digits").images
        {'train': 1297, 'validation': 200, 'test': 300}
    """
    from sweep.data.description import describe_data_set, describe_images, sheet_images  # torch is slow to import
    from sweep.data.facts import DATASET_FACTS
    from sweep.data.folder import ignore_reading
    from sweep.scoring.image_files import enlarged
    from sweep.scoring.pictures import png_of, tiled

    name, on_read = os.fspath(source), on_progress or ignore_reading
    if name in DATASET_FACTS:
        if size is not None:
            raise UsageError(f"{name} takes no size", why="it is used as published", next=f"Type: sweep data {name}")
        description = describe_data_set(name, on_read=on_read)
    else:
        path = Path(name).expanduser()
        if not path.exists() and path.name == name and not path.suffix:
            raise UnknownName(
                "data set", name, sorted(DATASET_FACTS), next="or give the path of images: sweep data DIR"
            )
        description = describe_images(path, size, on_read=on_read)
    dataset = description.dataset
    if sheet is not None:
        with output_errors(Path(sheet)):
            write_atomically(Path(sheet), png_of(tiled(enlarged(sheet_images(dataset)))))
    return DataReport(
        source=name,
        images={"train": dataset.sizes.train, "validation": dataset.sizes.validation, "test": dataset.sizes.test},
        channels=dataset.channels,
        size=dataset.size,
        classes=tuple(asdict(each) for each in description.classes),
        original_sizes=description.original_sizes,
        measured=description.measured,
        files=description.files,
        duplicates=asdict(description.duplicates),
        content_sha256=dataset.content_sha256,
        remarks=dataset.remarks,
        sheet=None if sheet is None else Path(sheet),
    )
