"""One image file: decoded in bounded memory, upright, over white, cut square and resized."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from os import SEEK_END

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from sweep.data.image_file import MAX_FILE_BYTES, ImageFile, Unreadable

# Pillow would open any format it knows, whatever the name says, and starts Ghostscript for EPS.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
# Pillow names a pixel format by its mode. These hold one channel of 8 bits or less, with or without alpha.
GRAY_MODES = frozenset({"1", "L", "LA", "La"})
INDEXED_MODES = frozenset({"P", "PA"})
# Bytes that a decoded image may take. Two of that size are alive at most: as decoded, and turned or over white.
MAX_DECODED_BYTES = 100 * 2**20
LARGE_BYTES = 4 * 2**20
JPEG_REDUCTIONS = (1, 2, 4, 8)
# A progressive JPEG keeps its coefficients, two bytes each of up to three channels, until its last scan.
COEFFICIENT_BYTES = 6
# Usual encoders write a dozen; each scan of a picture takes as long as decoding it.
MAX_JPEG_SCANS = 100
TILE_WIDTH, TILE_LENGTH = 322, 323
STRIP_ROWS = 256


@dataclass(frozen=True, eq=False)
class DecodedImage:
    """A decoded file.

    Attributes:
        pixels: uint8 [size, size] for grayscale, else [size, size, 3].
        has_more_frames: It is animated, or has several pages; these are of the first.
    """

    pixels: NDArray[np.uint8]
    has_more_frames: bool


def read_picture(file: ImageFile, size: int, large: AbstractContextManager[object]) -> DecodedImage:
    """Decode a file.

    Orientation tags are obeyed; transparency is laid over white; the largest centred square is cut out and resized by
    Pillow's bicubic filter, which averages over all source pixels when it shrinks. Of an indexed image the colours
    decide whether it is grayscale. A JPEG that would take too much memory is decoded at a half, quarter or eighth.

    Args:
        file: A file in one of `FORMATS`.
        size: Wanted height and width, pixels.
        large: Held while a large picture is decoded: a lock, so that of many threads one does so at a time.

    Raises:
        Unreadable: It is none, is damaged, has more than 8 bits a channel, or would take too much memory.
    """
    try:
        _check_file(file)
        with file.open() as stream, Image.open(stream, formats=FORMATS) as image:
            _bound(image, file, size)
            with large if _decoded_bytes(image) > LARGE_BYTES else nullcontext():
                ImageOps.exif_transpose(image, in_place=True)
                return DecodedImage(np.asarray(_square(_flat(image), size)), _has_more_frames(image))
    except Unreadable:
        raise
    except UnidentifiedImageError:
        raise Unreadable(f"its content is none of {', '.join(FORMATS)}") from None
    except Image.DecompressionBombError as error:
        raise Unreadable(_first_line(error)) from error
    # Decoders of damaged files raise nearly everything: OSError, SyntaxError, ValueError, struct.error, KeyError, ...
    except Exception as error:
        raise Unreadable(_first_line(error)) from error


def picture_size(file: ImageFile) -> tuple[int, int]:
    """Width and height of an image as its header states them, pixels; nothing is decoded.

    Args:
        file: A file in one of `FORMATS`.

    Raises:
        Unreadable: It is none.
    """
    try:
        _check_file(file)
        with file.open() as stream, Image.open(stream, formats=FORMATS) as image:
            return image.size
    except Unreadable:
        raise
    except UnidentifiedImageError:
        raise Unreadable(f"its content is none of {', '.join(FORMATS)}") from None
    except Exception as error:  # as in `read_picture`
        raise Unreadable(_first_line(error)) from error


def _check_file(file: ImageFile) -> None:
    with file.open() as stream:
        begin, size = stream.read(24), stream.seek(0, SEEK_END)
    if size == 0:
        raise Unreadable("the file is empty")
    if size > MAX_FILE_BYTES:
        raise Unreadable(f"the file has {size / 2**20:,.0f} MiB; {MAX_FILE_BYTES // 2**20} are read at most")
    if begin == b"version https://git-lfs.":
        raise Unreadable("it is a pointer of Git LFS, not the image", next=f"git -C {file.path.parent} lfs pull")


def _bound(image: Image.Image, file: ImageFile, size: int) -> None:
    """Refuse what cannot be decoded in bounded memory, or choose a reduction of a JPEG that can."""
    if image.mode.startswith(("I", "F")):
        raise Unreadable(
            f"mode {image.mode} has more than 8 bits a channel, and which of them count only you know",
            next="convert all images with one range: magick mogrify -depth 8 FILES divides by 257; "
            "put -level 0,4095 before -depth where 12 bits are used",
        )
    if isinstance(image, JpegImageFile):
        _reduce(image, file, size)
    tiles = getattr(image, "tag_v2", {})
    if int(tiles.get(TILE_WIDTH, 0)) * int(tiles.get(TILE_LENGTH, 0)) * 4 > MAX_DECODED_BYTES:
        raise Unreadable(f"each of its tiles takes more than {MAX_DECODED_BYTES // 2**20} MiB")
    if _decoded_bytes(image) > MAX_DECODED_BYTES:
        raise _too_large(image)


def _reduce(image: JpegImageFile, file: ImageFile, size: int) -> None:
    progressive = "progressive" in image.info
    if progressive and _count(file, b"\xff\xda") > MAX_JPEG_SCANS:
        raise Unreadable(f"it is a progressive JPEG of more than {MAX_JPEG_SCANS} scans")
    if progressive and image.width * image.height * COEFFICIENT_BYTES > 2 * MAX_DECODED_BYTES:
        raise _too_large(image)
    bytes_whole = _decoded_bytes(image)
    by = next((by for by in JPEG_REDUCTIONS if bytes_whole <= by * by * MAX_DECODED_BYTES), None)
    if by is None or (by > 1 and min(image.size) // by < size):
        raise _too_large(image)
    if by > 1:
        image.draft(None, (image.width // by, image.height // by))


def _count(file: ImageFile, mark: bytes) -> int:
    with file.open() as stream:
        return stream.read().count(mark)


def _decoded_bytes(image: Image.Image) -> int:
    single = image.mode in {"1", "L"} and not image.has_transparency_data
    copies = 2 if image.format == "WEBP" else 1  # its decoder keeps a canvas of its own
    return image.width * image.height * copies * (1 if single else 4)


def _too_large(image: Image.Image) -> Unreadable:
    return Unreadable(
        f"{image.width:,} x {image.height:,} pixels take more than the {MAX_DECODED_BYTES // 2**20} MiB that are "
        "decoded at once",
        next="shrink it, for example to twice data.size: magick mogrify -resize 1024x1024^ FILE",
    )


def _flat(image: Image.Image) -> Image.Image:
    """As `L` where the image is grayscale, else as `RGB`, transparency laid over white."""
    gray = image.mode in GRAY_MODES
    if not image.has_transparency_data and gray:
        return image if image.mode == "L" else image.convert("L")
    indexed = image.mode in INDEXED_MODES
    flat = _over_white(image) if image.has_transparency_data else _as_rgb(image)
    if gray or (indexed and _is_gray(flat)):
        return flat.getchannel("R")
    return flat


def _as_rgb(image: Image.Image) -> Image.Image:
    return image if image.mode == "RGB" else image.convert("RGB")


def _over_white(image: Image.Image) -> Image.Image:
    flat = Image.new("RGB", image.size)
    for top in range(0, image.height, STRIP_ROWS):  # the whole at once would take three more copies
        part = image.crop((0, top, image.width, min(top + STRIP_ROWS, image.height))).convert("RGBA")
        flat.paste(Image.alpha_composite(Image.new("RGBA", part.size, "white"), part).convert("RGB"), (0, top))
    return flat


def _is_gray(image: Image.Image) -> bool:
    red, green, blue = image.split()
    return ImageChops.difference(red, green).getbbox() is None and ImageChops.difference(red, blue).getbbox() is None


def _square(image: Image.Image, size: int) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.resize((size, size), Image.Resampling.BICUBIC, (left, top, left + side, top + side))


def _has_more_frames(image: Image.Image) -> bool:
    # Asked for last: counting frames reads the whole file, and moving to the second one changes the image.
    if isinstance(image, JpegImageFile):
        return False  # cameras put previews and depth maps behind the picture
    try:
        image.seek(1)
    except EOFError:
        return False
    except Exception:
        return True  # there is a second one; that it is damaged does not matter to the first
    return True


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
