"""Images that somebody else has made: read as they are, or refused with the reason."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sweep.config.given import GivenItem
from sweep.data.given_images import read_given_images
from sweep.data.given_items import archive_item, archived_images, pinned_item
from sweep.errors import DataError, ImagesUnavailable
from sweep.files.file_store import FileStore
from tests.helpers.given_items import noisy_digits, write_array, write_folder


def test_a_folder_and_an_array_of_equal_images_are_the_same_item(tmp_path):
    images = noisy_digits(20, sd=10)
    folder, array = write_folder(tmp_path / "a", images), write_array(tmp_path / "a.npz", images)
    np.testing.assert_array_equal(read_given_images(folder)[:, 0], images)
    np.testing.assert_array_equal(read_given_images(array)[:, 0], images)
    colours = write_array(tmp_path / "rgb.npz", np.repeat(images[..., None], 3, axis=3))
    items = [pinned_item(GivenItem(path=str(path)), images=20, size=8, channels=1) for path in (folder, array, colours)]
    assert len({item.sha256 for item in items}) == 1


def test_one_pixel_or_another_order_is_another_item(tmp_path):
    images = noisy_digits(20, sd=10)
    changed = images.copy()
    changed[3, 0, 0] ^= 1
    paths = [
        write_array(tmp_path / f"{k}.npz", each) for k, each in enumerate((images, changed, images[::-1], images[:-1]))
    ]
    items = [pinned_item(GivenItem(path=str(path)), images=10, size=8, channels=1) for path in paths]
    assert len({item.sha256 for item in items}) == 4


def test_labels_beside_the_images_are_ignored(tmp_path):
    images = noisy_digits(5, sd=10)[..., None]
    np.savez(tmp_path / "a.npz", images, np.arange(5))
    assert len(read_given_images(tmp_path / "a.npz")) == 5


ARRAYS = {
    "floats": (np.zeros((4, 8, 8, 1), dtype=np.float32), "float32, not uint8"),
    "not a number": (np.full((4, 8, 8, 1), np.nan), "float64, not uint8"),
    "channels first": (np.zeros((4, 3, 8, 8), dtype=np.uint8), r"looks like \[N, C, H, W\]"),
    "one image": (np.zeros((8, 8, 3), dtype=np.uint8), r"shape \[8, 8, 3\]"),
    "no image": (np.zeros((0, 8, 8, 3), dtype=np.uint8), "holds no image"),
    "not square": (np.zeros((4, 8, 9, 3), dtype=np.uint8), "9 x 8 pixels"),
}


@pytest.mark.parametrize(("array", "says"), ARRAYS.values(), ids=ARRAYS)
def test_arrays_that_cannot_be_scored_are_refused(tmp_path, array, says):
    np.savez(tmp_path / "a.npz", array)
    with pytest.raises(DataError, match=says):
        read_given_images(tmp_path / "a.npz")


class Pickled:
    """Would create a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.path,)  # type: ignore[return-value] # what a hostile file says


def test_a_pickled_array_is_refused_and_not_unpickled(tmp_path):
    np.savez(tmp_path / "a.npz", np.array([Pickled(tmp_path / "touched")], dtype=object))
    with pytest.raises(DataError, match="holds Python objects"):
        read_given_images(tmp_path / "a.npz")
    assert not (tmp_path / "touched").exists()


def npz_of(path: Path, content: bytes, name: str = "arr_0.npy") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return path


def header_of(shape: tuple[int, ...]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def test_a_file_that_unpacks_to_more_than_fits_is_refused_before_it_is_unpacked(tmp_path):
    honest = npz_of(tmp_path / "honest.npz", header_of((200_000, 512, 512, 3)))
    with pytest.raises(DataError, match="8 GiB are the most"):
        read_given_images(honest)
    bomb = npz_of(tmp_path / "bomb.npz", header_of((1, 8, 8, 1)) + bytes(50_000_000))
    assert bomb.stat().st_size < 100_000
    with pytest.raises(DataError, match="another size than its header says"):
        read_given_images(bomb)


FILES = {
    "cut short": (lambda path: path.write_bytes(b"PK\x03\x04 and no more"), "cannot be read"),
    "text": (lambda path: path.write_text("no images"), "cannot be read"),
    "another name": (lambda path: npz_of(path, b"", "images.npy"), "no array arr_0"),
    "not an array": (lambda path: npz_of(path, b"no numpy"), "cannot be read"),
}


@pytest.mark.parametrize(("write", "says"), FILES.values(), ids=FILES)
def test_damaged_files_are_refused(tmp_path, write, says):
    write(tmp_path / "a.npz")
    with pytest.raises(DataError, match=says):
        read_given_images(tmp_path / "a.npz")


def test_damaged_content_is_refused(tmp_path):
    path = write_array(tmp_path / "a.npz", noisy_digits(50, sd=10))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    with pytest.raises(DataError, match="cannot be read"):
        read_given_images(path)


def test_folders_that_cannot_be_scored_are_refused(tmp_path):
    with pytest.raises(DataError, match="there is nothing at"):
        read_given_images(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no image"):
        read_given_images(tmp_path / "empty")
    folder = write_folder(tmp_path / "mixed", noisy_digits(3, sd=10))
    Image.new("L", (9, 9)).save(folder / "00001.png")
    with pytest.raises(DataError, match=r"different sizes[\s\S]*00001.png 9 x 9"):
        read_given_images(folder)
    (folder / "00001.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"cannot read the image .*00001.png"):
        read_given_images(folder)
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(DataError, match="holds no images"):
        read_given_images(tmp_path / "a.txt")


def test_items_that_do_not_fit_the_real_images_are_refused(tmp_path):
    images = noisy_digits(20, sd=10)
    path = write_array(tmp_path / "a.npz", images)
    with pytest.raises(DataError, match="8 x 8 pixels"):
        pinned_item(GivenItem(path=str(path)), images=20, size=28, channels=1)
    with pytest.raises(DataError, match="holds 20 images; a score takes 21"):
        pinned_item(GivenItem(path=str(path)), images=21, size=8, channels=1)
    with pytest.raises(DataError, match="other images than the study says"):
        pinned_item(GivenItem(path=str(path), sha256="0" * 64), images=20, size=8, channels=1)
    colours = np.stack([images, images, images.T.reshape(images.shape)], axis=3)
    with pytest.raises(DataError, match="have colours"):
        pinned_item(GivenItem(path=str(write_array(tmp_path / "c.npz", colours))), images=20, size=8, channels=1)


def test_a_worker_refuses_other_content_than_was_launched(tmp_path):
    path = write_array(tmp_path / "a.npz", noisy_digits(20, sd=10))
    item = pinned_item(GivenItem(path=str(path)), images=20, size=8, channels=1)
    files = FileStore(tmp_path / "files")
    with pytest.raises(ImagesUnavailable, match="are not in the files at"):
        archived_images(files, item)
    archive_item(files, item)
    archive_item(files, item)
    np.testing.assert_array_equal(archived_images(files, item), read_given_images(path))
    archived = tmp_path / "files" / "given" / f"{item.sha256}.npy"
    np.save(archived, read_given_images(path)[::-1])
    with pytest.raises(ImagesUnavailable, match="or were deleted or altered"):
        archived_images(files, item)
    archive_item(files, item)  # a launch mends it
    assert len(archived_images(files, item)) == 20


def test_an_item_that_changes_between_plan_and_archive_is_refused(tmp_path):
    path = write_array(tmp_path / "a.npz", noisy_digits(20, sd=10))
    item = pinned_item(GivenItem(path=str(path)), images=20, size=8, channels=1)
    write_array(path, noisy_digits(20, sd=20))
    with pytest.raises(DataError, match="was changed while it was read"):
        archive_item(FileStore(tmp_path / "files"), item)
