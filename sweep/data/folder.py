"""Images of your own: listed, decoded and put into one array, in an order that no file system decides."""

from __future__ import annotations

import shlex
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from os import cpu_count
from pathlib import Path, PurePath
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from sweep.data.image_file import ImageFile, Unreadable
from sweep.data.left_out import escaped
from sweep.data.listing import Listing, list_images
from sweep.data.picture import DecodedImage, read_picture
from sweep.data.splits import SplitSizes, completed_sizes, folder_sizes
from sweep.errors import DataError
from sweep.quantities import quantity

MAX_THREADS = 8

OnRead = Callable[[int, int], None]
"""Called with how many of how many files were read."""


def ignore_reading(_done: int, _total: int) -> None:
    """For those who need not know."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FolderImages:
    """The images of a folder or of a file of images.

    Attributes:
        listing: Where they come from.
        images: uint8 [N, C, size, size]; one channel if all files are grayscale, else three.
        labels: int64 [N]; None without classes.
        remarks: What was left out, and how animated files were read; one sentence each.
    """

    listing: Listing
    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    remarks: tuple[str, ...]


def read_folder(path: Path, size: int, *, on_read: OnRead = ignore_reading) -> FolderImages:
    """Every image of a path (`list_images` says which), each as `read_picture` makes it.

    The bytes of a JPEG depend on the decoder, so its content hash may differ between machines; that of a PNG does not.

    Args:
        path: A folder or a file of images.
        size: Wanted height and width, pixels.
        on_read: Hears of the progress.

    Raises:
        DataError: As `list_images`, or images that cannot be read; names the first.
    """
    listing = list_images(path)
    images = np.empty((len(listing.files), 1, size, size), dtype=np.uint8)
    frames, failed = 0, list[tuple[PurePath, Unreadable]]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of files that it reads all the same
        for index, (file, decoded) in enumerate(_pictures(listing, size)):
            on_read(index + 1, len(listing.files))
            if isinstance(decoded, Unreadable):
                failed.append((file.path, decoded))
                continue
            if decoded.pixels.ndim == 3 and images.shape[1] == 1:
                images = np.repeat(images, 3, axis=1)
            images[index] = decoded.pixels if decoded.pixels.ndim == 2 else decoded.pixels.transpose(2, 0, 1)
            frames += decoded.has_more_frames
    if failed:
        raise _cannot_read(*failed[0], others=len(failed) - 1)
    labels = None if listing.labels is None else np.asarray(listing.labels, dtype=np.int64)
    remarks = (*listing.remarks, *_first_frames(frames))
    return FolderImages(listing=listing, images=images, labels=labels, remarks=remarks)


def split_sizes(listing: Listing) -> SplitSizes:
    """How the images of a folder are split.

    Raises:
        DataError: There are too few for three splits.
    """
    classes = len(listing.classes)
    if listing.splits is None:
        sizes = folder_sizes(len(listing.files), classes=classes)
    else:
        counts = Counter(listing.splits)
        sizes = completed_sizes(
            train=counts["train"],
            validation=counts["validation"],
            test=counts["test"],
            classes=classes,
        )
    if sizes.test == 0 or sizes.validation == 0:
        raise DataError(
            f"{escaped(listing.path)} holds only {quantity(len(listing.files), 'image')}",
            why="; ".join(("a tenth each is held out for validation and test", *listing.remarks)),
            next="use a folder of 10 images or more",
        )
    return sizes


def _pictures(listing: Listing, size: int) -> Iterator[tuple[ImageFile, DecodedImage | Unreadable]]:
    read = partial(_read, size=size, large=Lock())
    with ThreadPoolExecutor(min(MAX_THREADS, cpu_count() or 1)) as pool:
        yield from zip(listing.files, pool.map(read, listing.files), strict=True)


def _read(file: ImageFile, *, size: int, large: Lock) -> DecodedImage | Unreadable:
    try:
        return read_picture(file, size, large)
    except Unreadable as error:
        return error


def _first_frames(count: int) -> tuple[str, ...]:
    if count == 0:
        return ()
    return (f"{count:,} file{'s have' if count > 1 else ' has'} several frames or pages: the first is read",)


def _cannot_read(file: PurePath, error: Unreadable, *, others: int) -> DataError:
    more = f", nor {others:,} more" if others else ""
    name = shlex.quote(escaped(file))
    return DataError(
        f"cannot read the image {escaped(file)}{more}",
        why=escaped(str(error)),
        next=error.next or f"repair that file, or have it left out: mv {name} {name}.unreadable",
    )
