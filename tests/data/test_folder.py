from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from sweep.data.folder import read_folder
from sweep.data.sources import load_dataset
from sweep.errors import DataError, InfeasibleConfig


def save(path: Path, pixels: np.ndarray, mode: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(path)


@pytest.fixture(scope="module")
def digit_pixels() -> np.ndarray:
    return np.round(load_digits().images * 255 / 16).astype(np.uint8)


def test_flat_folder_gives_the_pixels_back_in_the_order_of_names(tmp_path: Path, digit_pixels: np.ndarray) -> None:
    for index in reversed(range(12)):
        save(tmp_path / f"{index:03}.png", digit_pixels[index])
    (tmp_path / "notes.txt").write_text("not an image")
    found = read_folder(tmp_path, 8)
    images, labels = found.images, found.labels
    assert labels is None
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images[:, 0], digit_pixels[:12])


def test_order_is_by_code_point_not_by_number_or_locale(tmp_path: Path) -> None:
    names = ["B.png", "a.png", "10.png", "9.png", "ä.png"]
    for value, name in enumerate(names):
        save(tmp_path / name, np.full((2, 2), value, np.uint8))
    images = read_folder(tmp_path, 2).images
    assert [names[v] for v in images[:, 0, 0, 0]] == ["10.png", "9.png", "B.png", "a.png", "ä.png"]


def test_class_folders_become_labels_in_the_order_of_their_names(tmp_path: Path, digit_pixels: np.ndarray) -> None:
    for index in range(30):
        save(tmp_path / str(index % 3) / f"{index:03}.png", digit_pixels[index])
    (tmp_path / "empty").mkdir()
    found = read_folder(tmp_path, 8)
    images, labels = found.images, found.labels
    assert labels is not None
    assert labels.tolist() == [0] * 10 + [1] * 10 + [2] * 10
    np.testing.assert_array_equal(images[10:20, 0], digit_pixels[1:30:3])


def test_one_colour_image_makes_all_of_them_three_channels(tmp_path: Path) -> None:
    save(tmp_path / "a.png", np.full((4, 4), 7, np.uint8))
    save(tmp_path / "b.png", np.full((4, 4, 3), (1, 2, 3), np.uint8))
    images = read_folder(tmp_path, 4).images
    assert images.shape == (2, 3, 4, 4)
    assert images[0, :, 0, 0].tolist() == [7, 7, 7]
    assert images[1, :, 0, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize("shape", [(4, 10), (10, 4)])
def test_the_centre_is_cut_out(tmp_path: Path, shape: tuple[int, int]) -> None:
    pixels = np.zeros(shape, np.uint8)
    pixels[tuple(slice((n - 4) // 2, (n - 4) // 2 + 4) for n in shape)] = 200
    save(tmp_path / "a.png", pixels)
    images = read_folder(tmp_path, 4).images
    assert (images == 200).all()


def test_shrinking_averages_and_does_not_pick_pixels(tmp_path: Path) -> None:
    """A fine checkerboard is grey from afar; a filter of fixed width returns stripes of 0 and 255."""
    board = (255 * (np.indices((64, 64)).sum(0) % 2)).astype(np.uint8)
    save(tmp_path / "a.png", board)
    images = read_folder(tmp_path, 8).images
    inner = images[0, 0, 1:-1, 1:-1].astype(float)
    assert (np.abs(inner - 127.5) < 3).all()
    picked = np.asarray(Image.fromarray(board).resize((8, 8), Image.Resampling.NEAREST))
    assert set(picked.ravel()) <= {0, 255}


def test_transparency_is_laid_over_white(tmp_path: Path) -> None:
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0, :] = (10, 20, 30, 255)
    save(tmp_path / "a.png", pixels)
    images = read_folder(tmp_path, 2).images
    assert images[0, :, 0, 0].tolist() == [10, 20, 30]
    assert images[0, :, 1, 0].tolist() == [255, 255, 255]


def test_orientation_tags_are_obeyed(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 0], [255, 255]], np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    image.save(tmp_path / "a.png", exif=exif)
    images = read_folder(tmp_path, 2).images
    assert images[0, 0].tolist() == [[255, 255], [0, 0]]


@pytest.mark.parametrize("keep", [0, 20, 60])
def test_an_unreadable_image_is_named(tmp_path: Path, digit_pixels: np.ndarray, keep: int) -> None:
    save(tmp_path / "good.png", digit_pixels[0])
    whole = (tmp_path / "good.png").read_bytes()
    (tmp_path / "torn.png").write_bytes(whole[:keep])
    with pytest.raises(DataError) as error:
        read_folder(tmp_path, 8)
    assert str(tmp_path / "torn.png") in error.value.what
    assert error.value.why
    assert error.value.next


def test_sixteen_bits_are_refused_rather_than_clipped(tmp_path: Path) -> None:
    save(tmp_path / "deep.png", np.full((2, 2), 40_000, np.uint16))
    with pytest.raises(DataError, match=r"deep\.png"):
        read_folder(tmp_path, 2)


def test_missing_empty_and_ambiguous_folders_say_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        read_folder(tmp_path / "absent", 8)
    with pytest.raises(DataError, match="no image"):
        read_folder(tmp_path, 8)
    save(tmp_path / "a.png", np.zeros((2, 2), np.uint8))
    save(tmp_path / "cats" / "b.png", np.zeros((2, 2), np.uint8))
    with pytest.raises(DataError, match="folders of images"):
        read_folder(tmp_path, 2)


def test_load_holds_out_a_tenth_twice(tmp_path: Path, digit_pixels: np.ndarray) -> None:
    for index in range(100):
        save(tmp_path / f"{index:03}.png", digit_pixels[index])
    data = load_dataset("image_folder", path=tmp_path, size=8)
    assert (len(data.train), len(data.validation), len(data.test)) == (80, 10, 10)
    assert data.train_labels is data.validation_labels is data.test_labels is None
    assert data.content_sha256 == load_dataset("image_folder", path=tmp_path, size=8).content_sha256
    (tmp_path / "000.png").rename(tmp_path / "zzz.png")
    assert data.content_sha256 != load_dataset("image_folder", path=tmp_path, size=8).content_sha256


def test_load_refuses_too_few_images_and_missing_options(tmp_path: Path) -> None:
    save(tmp_path / "a.png", np.zeros((2, 2), np.uint8))
    with pytest.raises(DataError, match="only 1 image\n"):
        load_dataset("image_folder", path=tmp_path, size=2)
    with pytest.raises(InfeasibleConfig, match="a path and a size"):
        load_dataset("image_folder", path=tmp_path)
    with pytest.raises(InfeasibleConfig, match="a path and a size"):
        load_dataset("image_folder", size=8)
