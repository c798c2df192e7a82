from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from sweep.data import picture
from sweep.data.folder import read_folder
from sweep.data.image_file import Unreadable, file_on_disk
from sweep.data.picture import read_picture
from sweep.errors import DataError

GRAY = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8) * 4)


def read(file: Path, size: int = 8) -> np.ndarray:
    return read_picture(file_on_disk(file), size, nullcontext()).pixels


def why_not(file: Path, size: int = 8) -> Unreadable:
    with pytest.raises(Unreadable) as error:
        read_picture(file_on_disk(file), size, nullcontext())
    return error.value


def png(width: int, height: int) -> bytes:
    """A PNG in RGB that says it has this size, and ends there."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [header, b"IDAT" + zlib.compress(bytes(1000))]
    parts = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("suffix", ["png", "gif", "bmp", "tif"])
def test_an_indexed_image_of_grays_is_grayscale(tmp_path: Path, suffix: str) -> None:
    GRAY.convert("P").save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(read(tmp_path / f"a.{suffix}"), np.asarray(GRAY))


def test_a_palette_may_hold_colours_that_no_pixel_has(tmp_path: Path) -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([255, 0, 0, 9, 9, 9])
    image.save(tmp_path / "a.png")
    assert read(tmp_path / "a.png").tolist() == [[9] * 8] * 8
    image.putpixel((0, 0), 0)
    image.save(tmp_path / "a.png")
    assert read(tmp_path / "a.png").shape == (8, 8, 3)
    image.save(tmp_path / "a.png", transparency=0)  # red, but transparent: white
    assert read(tmp_path / "a.png")[0, 0] == 255


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif"])
def test_of_an_animation_the_first_frame_is_read_and_it_is_said(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "green", "blue")]
    kw = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:], **kw)
    found = read_folder(tmp_path, 8)
    assert found.images[0, :, 4, 4].tolist() == [255, 0, 0]
    assert found.remarks == ("1 file has several frames or pages: the first is read",)


@pytest.mark.parametrize(
    ("mode", "suffix"), [("I;16", "png"), ("I;16", "tif"), ("I", "tif"), ("F", "tif"), ("I;16B", "tif")]
)
def test_more_than_eight_bits_are_refused_with_what_to_do(tmp_path: Path, mode: str, suffix: str) -> None:
    Image.new(mode, (8, 8), 3).save(tmp_path / f"a.{suffix}")
    error = why_not(tmp_path / f"a.{suffix}")
    assert "8 bits" in str(error)
    assert "magick" in error.next


def test_no_format_beyond_ours_is_opened_whatever_the_name_says(tmp_path: Path) -> None:
    """Pillow starts Ghostscript for EPS."""
    GRAY.convert("RGB").save(tmp_path / "a.eps")
    (tmp_path / "a.eps").rename(tmp_path / "a.png")
    assert "none of PNG" in str(why_not(tmp_path / "a.png"))
    GRAY.save(tmp_path / "b.jpg")
    (tmp_path / "b.jpg").rename(tmp_path / "b.png")
    assert read(tmp_path / "b.png").shape == (8, 8)


def test_errors_of_pillow_name_the_file_and_a_command(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "a" * 3_000_000, zip=True)
    for name in "abc":
        GRAY.save(tmp_path / f"{name} of.png")
    GRAY.save(tmp_path / "b of.png", pnginfo=info)
    (tmp_path / "c of.png").write_bytes((tmp_path / "c of.png").read_bytes()[:45])
    with pytest.raises(DataError) as error:
        read_folder(tmp_path, 8)
    assert error.value.what == f"cannot read the image {tmp_path / 'b of.png'}, nor 1 more"
    assert "too large" in error.value.why
    assert f"mv '{tmp_path / 'b of.png'}'" in error.value.next


def test_empty_files_and_pointers_say_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    assert "empty" in str(why_not(tmp_path / "a.png"))
    (tmp_path / "a.png").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n")
    error = why_not(tmp_path / "a.png")
    assert "Git LFS" in str(error)
    assert "lfs pull" in error.next


@pytest.mark.parametrize(("width", "height"), [(13_000, 13_000), (60_000, 60_000), (2**31 - 1, 1), (6_000, 5_000)])
def test_a_picture_that_expands_to_gigabytes_is_refused_before_it_is_decoded(
    tmp_path: Path, width: int, height: int
) -> None:
    (tmp_path / "a.png").write_bytes(png(width, height))
    assert "pixels" in str(why_not(tmp_path / "a.png"))


def test_a_large_jpeg_is_decoded_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.linspace(0, 255, 400).astype(np.uint8)
    Image.fromarray(np.stack([np.tile(rows, (400, 1))] * 3, axis=2)).save(tmp_path / "a.jpg", quality=95)
    whole = read(tmp_path / "a.jpg").astype(int)
    monkeypatch.setattr(picture, "MAX_DECODED_BYTES", 50_000)
    reduced = read(tmp_path / "a.jpg").astype(int)
    assert np.abs(whole - reduced).max() <= 2
    assert "pixels" in str(why_not(tmp_path / "a.jpg", size=128))  # a quarter of it has 100
    monkeypatch.setattr(picture, "MAX_DECODED_BYTES", 5_000)
    assert "pixels" in str(why_not(tmp_path / "a.jpg"))


def test_a_progressive_jpeg_is_bounded_by_its_coefficients_and_scans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    GRAY.resize((200, 200)).convert("RGB").save(tmp_path / "a.jpg", progressive=True)
    assert read(tmp_path / "a.jpg").shape == (8, 8, 3)
    monkeypatch.setattr(picture, "MAX_JPEG_SCANS", 5)
    assert "scans" in str(why_not(tmp_path / "a.jpg"))
    monkeypatch.undo()
    monkeypatch.setattr(picture, "MAX_DECODED_BYTES", 100_000)
    assert "pixels" in str(why_not(tmp_path / "a.jpg"))


def test_tiles_larger_than_the_picture_are_refused(tmp_path: Path) -> None:
    data = zlib.compress(bytes(1000))
    tags = {256: 8, 257: 8, 258: 8, 259: 8, 262: 1, 277: 1, 322: 40_000, 323: 40_000, 324: 200, 325: len(data)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    file = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    (tmp_path / "a.tif").write_bytes(file.ljust(200, b"\0") + data)
    assert "tiles" in str(why_not(tmp_path / "a.tif"))


def test_a_file_too_large_to_be_an_image_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(10 * 2**30)
    assert "MiB" in str(why_not(tmp_path / "a.png"))


def test_many_large_pictures_take_the_memory_of_one(tmp_path: Path) -> None:
    """With transparency and an orientation: the longest way through the decoder."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for index in range(4):
        Image.new("RGBA", (2500, 2000), (index, 2, 3, 99)).save(tmp_path / f"{index}.png", exif=exif, compress_level=1)
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from sweep.data.folder import read_folder\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "before = peak()\n"
        f"read_folder(Path({str(tmp_path)!r}), 8)\n"
        "print(peak() - before, 'torch' in sys.modules)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert int(out[0]) < 70  # MiB; one takes 19, two copies 38, four at once would take 150
    assert out[1] == "False"
