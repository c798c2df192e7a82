"""Images that somebody else has made, in a folder or in an array: read as they are, never resized or cropped."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from sweep.data.folder import read_folder
from sweep.data.image_file import ImageFile, Unreadable
from sweep.data.left_out import escaped
from sweep.data.listing import list_images
from sweep.data.picture import picture_size
from sweep.errors import DataError
from sweep.limits import MAX_GIVEN_BYTES
from sweep.quantities import quantity

ARRAY = "arr_0"
"""Name of the array, as the evaluator of guided-diffusion reads it."""
_EXPECTED = f"an .npz with the array {ARRAY}, uint8 of shape [N, H, W, C], is expected"
_HEADER_BYTES = 4096


def read_given_images(path: Path) -> NDArray[np.uint8]:
    """The images at a path.

    Args:
        path: A folder of images of one size, in the order of their names; or an .npz with `arr_0`, uint8
            [N, H, W, C], as the evaluator of guided-diffusion reads it. Nothing in the array is unpickled.

    Returns:
        uint8 [N, C, H, W], H = W. C is 1 where all images are gray, else 3.

    Raises:
        DataError: There is nothing, or nothing that can be scored; it names the first file that is wrong.
    """
    if path.is_dir():
        images = _read_folder(path)
    elif path.suffix == ".npz" and path.is_file():
        images = _read_array(path)
    elif path.exists():
        raise DataError(
            f"{escaped(path)} holds no images",
            why=f"A folder of images, or {_EXPECTED}.",
            next="Name one of these.",
        )
    else:
        raise DataError(f"there is nothing at {escaped(path)}", why="It was moved or misspelt.", next="Check the path.")
    if images.shape[1] == 3 and bool((images == images[:, :1]).all()):
        return np.ascontiguousarray(images[:, :1])
    return images


def _read_folder(path: Path) -> NDArray[np.uint8]:
    files = list_images(path).files
    try:
        sizes = [picture_size(file) for file in files]
    except Unreadable as error:
        bad = next(file for file in files if not _is_readable(file))
        raise DataError(
            f"cannot read the image {escaped(bad.path)}", why=escaped(str(error)), next="Repair or remove that file."
        ) from None
    width, height = sizes[0]
    other = next((k for k, size in enumerate(sizes) if size != sizes[0]), None)
    if other is not None:
        raise DataError(
            f"{escaped(path)} holds images of different sizes",
            why=f"{_named(files[0], sizes[0])}, {_named(files[other], sizes[other])} pixels.",
            next="Write them with one size. They are not resized here, because that would change the score.",
        )
    _check_square(path, height, width)
    _check_bytes(path, (len(files), 3, height, width))
    return read_folder(path, width).images


def _named(file: ImageFile, size: tuple[int, int]) -> str:
    return f"{escaped(file.path.name)} {_size(size)}"


def _is_readable(file: ImageFile) -> bool:
    try:
        picture_size(file)
    except Unreadable:
        return False
    return True


def _read_array(path: Path) -> NDArray[np.uint8]:
    try:
        with ZipFile(path) as archive:
            return _array_in(path, archive)
    except (BadZipFile, OSError, EOFError, ValueError, NotImplementedError, zipfile.LargeZipFile) as error:
        raise DataError(
            f"{escaped(path)} cannot be read",
            why=f"{_first_line(error)}; {_EXPECTED}.",
            next="Write it again: numpy.savez(FILE, images)",
        ) from None


def _array_in(path: Path, archive: ZipFile) -> NDArray[np.uint8]:
    names = {info.filename: info for info in archive.infolist()}
    info = names.get(f"{ARRAY}.npy")
    if info is None:
        held = ", ".join(sorted(Path(name).stem for name in names)[:3]) or "nothing"
        raise DataError(
            f"{escaped(path)} has no array {ARRAY}",
            why=f"It holds {escaped(held)}; {_EXPECTED}.",
            next="Write it as numpy.savez(FILE, images)",
        )
    # The header is read, and its claim compared with the size of the entry, before anything large is unpacked.
    with archive.open(info) as stream:
        shape, dtype = _header(stream)
    _check_array(path, shape, dtype)
    count, height, width, channels = shape
    _check_square(path, height, width)
    _check_bytes(path, (count, channels, height, width))
    if not 0 < info.file_size - count * height * width * channels <= _HEADER_BYTES:
        raise ValueError(f"the array has another size than its header says ({info.file_size:,} bytes)")
    with archive.open(info) as stream:
        images = np.lib.format.read_array(stream, allow_pickle=False)
    return np.ascontiguousarray(np.asarray(images, dtype=np.uint8).transpose(0, 3, 1, 2))


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    return shape, dtype


def _check_array(path: Path, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> None:
    if dtype.hasobject:
        raise DataError(
            f"{escaped(path)} holds Python objects",
            why="To read them is to run what they say, so they are not read.",
            next=f"Write the images as numbers: {_EXPECTED}.",
        )
    if dtype != np.uint8:
        raise DataError(
            f"{escaped(path)} holds {dtype}, not uint8",
            why="Scores are of images as files hold them: whole levels from 0 to 255. How to round is yours to say.",
            next="For images in [-1, 1]: ((x + 1) * 127.5).round().clip(0, 255).astype('uint8')",
        )
    if len(shape) != 4 or shape[3] not in (1, 3):
        order = " It looks like [N, C, H, W]: transpose(0, 2, 3, 1)." if len(shape) == 4 and shape[1] in (1, 3) else ""
        raise DataError(
            f"{escaped(path)} has an array of shape {list(shape)}",
            why=f"[N, H, W, C] with 1 or 3 channels is expected.{order}",
            next="Write it with that shape.",
        )
    if shape[0] == 0:
        raise DataError(f"{escaped(path)} holds no image", why="Its array is empty.", next="Write images into it.")


def _check_square(path: Path, height: int, width: int) -> None:
    if height != width:
        raise DataError(
            f"the images in {escaped(path)} have {_size((width, height))} pixels",
            why="Only square images are scored, as the data sets here have.",
            next="Name other images.",
        )


def _check_bytes(path: Path, shape: tuple[int, ...]) -> None:
    total = int(np.prod([int(each) for each in shape], dtype=object))
    if total > MAX_GIVEN_BYTES:
        raise DataError(
            f"{escaped(path)} holds {quantity(shape[0], 'image')} of {total / 2**30:,.1f} GiB",
            why=f"All are held in memory, and {MAX_GIVEN_BYTES // 2**30} GiB are the most.",
            next="Use fewer images.",
        )


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
