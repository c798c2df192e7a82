"""Given items: pixels where a study names them, known by their content, and archived with the files of runs."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sweep.config.given import GivenItem
from sweep.data.given_images import read_given_images
from sweep.data.left_out import escaped
from sweep.errors import DataError, ImagesUnavailable
from sweep.files.array_hashes import sha256_of_array
from sweep.files.atomic import write_atomically
from sweep.files.file_store import FileStore

GIVEN = "given"
"""Folder of the file store."""


def pinned_item(item: GivenItem, *, images: int, size: int | None, channels: int | None) -> GivenItem:
    """An item with the hash of its content, and a path that every process understands alike.

    Args:
        item: As the study file names it; a relative path begins in the folder of this process.
        images: How many images a score takes.
        size: Height and width of the real images, pixels; None where they are not known.
        channels: Channels of the real images; None where they are not known.

    Raises:
        DataError: There is no such item, it has other content than the hash says, or it cannot be scored.
    """
    path = Path(item.path)
    with suppress(RuntimeError):  # no such user
        path = path.expanduser()
    path = path.absolute()
    pixels = read_given_images(path)
    sha256 = sha256_of_array(pixels)
    if item.sha256 not in (None, sha256):
        raise DataError(
            f"{escaped(path)} holds other images than the study says",
            why=f"Their sha256 is {sha256[:16]}..., not {str(item.sha256)[:16]}...",
            next="Bring the images back, or remove the hash from the study.",
        )
    if size is not None and pixels.shape[2] != size:
        raise DataError(
            f"the images in {escaped(path)} have {pixels.shape[3]} x {pixels.shape[2]} pixels",
            why=f"They are compared with real images of {size} x {size} pixels, and resizing would change the score.",
            next="Name images of that size, or set baseline.data to the real images that belong to these.",
        )
    if channels == 1 and pixels.shape[1] == 3:
        raise DataError(
            f"the images in {escaped(path)} have colours",
            why="They are compared with gray images.",
            next="Convert them to gray, or set baseline.data to the real images that belong to these.",
        )
    if len(pixels) < images:
        raise DataError(
            f"{escaped(path)} holds {len(pixels):,} images; a score takes {images:,}",
            why="Each noise set of the protocol takes n images, and none is taken twice.",
            next="Lower protocol.n or protocol.noise_sets: distances of different n do not compare.",
        )
    return item.model_copy(update={"path": str(path), "sha256": sha256})


def archive_item(files: FileStore, item: GivenItem) -> None:
    """Put the images of an item into the file store, under their hash, unless they are there.

    Args:
        files: The file store.
        item: The item, pinned.

    Raises:
        DataError: The images have changed since they were pinned.
        FileStoreError: The store refuses them, or does not answer.
    """
    name = _archived(item)
    with suppress(ImagesUnavailable):
        archived_images(files, item)
        return
    images = read_given_images(Path(item.path))
    if sha256_of_array(images) != item.sha256:
        raise DataError(
            f"{escaped(item.path)} was changed while it was read", why="Its hash is another.", next="Try again."
        )
    buffer = BytesIO()
    np.save(buffer, images, allow_pickle=False)
    write_atomically(files.path(name), buffer.getvalue())
    files.put(name)


def archived_images(files: FileStore, item: GivenItem) -> NDArray[np.uint8]:
    """The images of an item from the file store, checked by their hash.

    Args:
        files: The file store.
        item: The item, pinned.

    Returns:
        uint8 [N, C, H, W].

    Raises:
        ImagesUnavailable: They are not there, or are others.
        FileStoreError: The store does not answer.
    """
    name = _archived(item)
    files.pull(GIVEN, lambda other: other == Path(name).name)
    try:
        images: NDArray[np.uint8] = np.load(files.path(name), allow_pickle=False)
    except (OSError, EOFError, ValueError):
        images = np.empty(0, dtype=np.uint8)
    if sha256_of_array(images) != item.sha256:
        raise ImagesUnavailable(
            f"the images of {escaped(item.path)} with hash {str(item.sha256)[:16]} are not in the files at {files}",
            why="A launch archives them there; the files are others, or were deleted or altered.",
            next="Give the files of the launch: --files, or SWEEP_FILES; or launch the study again.",
        )
    return images


def _archived(item: GivenItem) -> str:
    return f"{GIVEN}/{item.sha256}.npy"
