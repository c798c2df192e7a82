"""A folder of images: squared, resized and split, in an order that no file system decides."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from sweep.errors import DataError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})
# Pillow names a pixel format by its mode; these hold more than 8 bits a channel, which a conversion would clip.
DEEP_MODES = frozenset({"I", "I;16", "I;16B", "I;16L", "F"})
GRAY_MODES = frozenset({"1", "L", "LA"})


def read_folder(path: Path, size: int) -> tuple[Tensor, Tensor | None]:
    """Every image under a folder, as [N, C, size, size] uint8, with labels where there are class folders.

    A flat folder has no labels. A folder of folders is one class a folder, numbered in the order of their names. Files
    are taken in the order of their names (by code point, class by class). One channel if all files are grayscale, else
    three. Orientation tags are obeyed; transparency is laid over white; the largest centred square is cut out and
    resized by Pillow's bicubic filter, which averages over all source pixels when it shrinks.

    The bytes of a JPEG depend on the decoder, so its content hash may differ between machines; that of a PNG does not.

    Raises:
        DataError: The folder is missing, empty or both flat and in classes, or an image cannot be read.
    """
    files, labels = _list_images(path)
    gray = all(_mode(file) in GRAY_MODES for file in files)
    images = torch.empty(len(files), 1 if gray else 3, size, size, dtype=torch.uint8)
    with ThreadPoolExecutor() as pool:
        for index, pixels in enumerate(pool.map(lambda file: _read_square(file, size, gray), files)):
            images[index] = pixels
    return images, None if labels is None else torch.tensor(labels)


def _list_images(path: Path) -> tuple[list[Path], list[int] | None]:
    if not path.is_dir():
        raise DataError(
            f"there is no folder {path}", why="image_folder reads a folder of images", next="check data.path"
        )
    flat = list(_images_in(path))
    classes = [(folder, list(_images_in(folder))) for folder in _by_name(p for p in path.iterdir() if p.is_dir())]
    classes = [(folder, files) for folder, files in classes if files]
    if flat and classes:
        raise DataError(
            f"{path} holds images and folders of images",
            why=f"is {flat[0].name} an image without a class, and {classes[0][0].name} a class?",
            next="move the images into class folders, or the folders elsewhere",
        )
    if not flat and not classes:
        raise DataError(
            f"{path} holds no image",
            why=f"looked for {' '.join(sorted(SUFFIXES))} there and one folder below",
            next="check data.path",
        )
    if flat:
        return flat, None
    files = [file for _, members in classes for file in members]
    return files, [label for label, (_, members) in enumerate(classes) for _ in members]


def _images_in(folder: Path) -> Iterator[Path]:
    yield from _by_name(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())


def _by_name(paths: Iterator[Path]) -> list[Path]:
    return sorted(paths, key=lambda p: p.name)


def _mode(file: Path) -> str:
    try:
        with Image.open(file) as image:
            return image.mode
    except (OSError, UnidentifiedImageError) as error:
        raise _unreadable(file, error) from error


def _read_square(file: Path, size: int, gray: bool) -> Tensor:
    try:
        with Image.open(file) as image:
            if image.mode in DEEP_MODES:
                raise OSError(f"mode {image.mode} has more than 8 bits a channel")
            upright = _over_white(ImageOps.exif_transpose(image))
            pixels = np.asarray(_square(upright.convert("L" if gray else "RGB"), size))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _unreadable(file, error) from error
    return torch.tensor(pixels).reshape(size, size, -1).permute(2, 0, 1)


def _over_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))


def _square(image: Image.Image, size: int) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.resize((size, size), Image.Resampling.BICUBIC, (left, top, left + side, top + side))


def _unreadable(file: Path, error: Exception) -> DataError:
    return DataError(
        f"cannot read the image {file}", why=str(error) or type(error).__name__, next="repair or remove that file"
    )
