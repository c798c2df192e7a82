"""The same images as a folder, an archive, a table and an array are the same data set."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from sweep.data.dataset import Dataset
from sweep.data.listing import list_images
from sweep.data.sources import load_dataset
from sweep.errors import DataError


@dataclass(frozen=True)
class Picture:
    label: int
    name: str
    pixels: np.ndarray

    @property
    def png(self) -> bytes:
        stream = io.BytesIO()
        Image.fromarray(self.pixels).save(stream, "png")
        return stream.getvalue()


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    digits = load_digits()
    pixels = np.round(digits.images * 255 / 16).astype(np.uint8)
    return [Picture(int(digits.target[i]), f"{i:03}", pixels[i]) for i in range(60)]


def write_folder(root: Path, pictures: Sequence[Picture]) -> Path:
    for each in pictures:
        file = root / str(each.label) / f"{each.name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(each.png)
    return root


def write_zip(root: Path, pictures: Sequence[Picture]) -> Path:
    """As an archiver packs a folder: below one folder, with the hidden files of the system."""
    with zipfile.ZipFile(root.with_suffix(".zip"), "w") as archive:
        archive.writestr("__MACOSX/images/0/._000.png", b"resource fork")
        for each in reversed(pictures):
            archive.writestr(f"images/{each.label}/{each.name}.png", each.png)
    return root.with_suffix(".zip")


def write_edm(root: Path, pictures: Sequence[Picture]) -> Path:
    """As EDM's dataset_tool packs: numbered folders that are no classes, and labels in a document."""
    names = [f"{index // 7:05}/{each.name}.png" for index, each in enumerate(pictures)]
    with zipfile.ZipFile(root.with_suffix(".zip"), "w") as archive:
        for name, each in zip(names, pictures, strict=True):
            archive.writestr(name, each.png)
        labels = [[name, each.label] for name, each in zip(names, pictures, strict=True)]
        archive.writestr("dataset.json", json.dumps({"labels": labels}))
    return root.with_suffix(".zip")


def write_edm_folder(root: Path, pictures: Sequence[Picture]) -> Path:
    with zipfile.ZipFile(write_edm(root, pictures)) as archive:
        archive.extractall(root)
    return root


def write_npz(root: Path, pictures: Sequence[Picture]) -> Path:
    images = np.stack([each.pixels for each in pictures])[..., None]
    np.savez(root.with_suffix(".npz"), arr_0=images, arr_1=[each.label for each in pictures])
    return root.with_suffix(".npz")


def write_parquet(root: Path, pictures: Sequence[Picture]) -> Path:
    """As Hugging Face datasets write: image structs of bytes and path, several files, here in a folder."""
    root.mkdir()
    for part, rows in enumerate((pictures[:25], pictures[25:])):
        images = [{"bytes": each.png, "path": f"{each.name}.png"} for each in rows]
        table = pa.table({"image": images, "label": pa.array([each.label for each in rows], pa.int64())})
        pq.write_table(table, root / f"train-{part:05}-of-00002.parquet", row_group_size=10)
    return root


def write_shards(root: Path, pictures: Sequence[Picture]) -> Path:
    """As WebDataset writes: a.png beside a.cls, several shards."""
    root.mkdir()
    for part, rows in enumerate((pictures[:31], pictures[31:])):
        with tarfile.open(root / f"shard-{part:06}.tar", "w") as archive:
            for each in rows:
                for suffix, data in ((".png", each.png), (".cls", str(each.label).encode())):
                    info = tarfile.TarInfo(each.name + suffix)
                    info.size = len(data)
                    archive.addfile(info, io.BytesIO(data))
    return root


FORMS: dict[str, Callable[[Path, Sequence[Picture]], Path]] = {
    "zip": write_zip,
    "edm": write_edm,
    "edm folder": write_edm_folder,
    "npz": write_npz,
    "parquet": write_parquet,
    "shards": write_shards,
}


def read(path: Path) -> Dataset:
    return load_dataset("image_folder", path=path, size=8)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_data_set_as_folders_of_classes(
    tmp_path: Path, pictures: list[Picture], form: str
) -> None:
    expected = read(write_folder(tmp_path / "folder", pictures))
    assert expected.sizes.classes == 10
    dataset = read(FORMS[form](tmp_path / "form", pictures))
    assert dataset.content_sha256 == expected.content_sha256
    for ours, theirs in (("train_labels", "train_labels"), ("test_labels", "test_labels")):
        np.testing.assert_array_equal(getattr(dataset, ours), getattr(expected, theirs))


def lay_out_as_splits(root: Path, whole: Dataset, names: tuple[str, str, str]) -> Path:
    parts = [
        (whole.train, whole.train_labels),
        (whole.validation, whole.validation_labels),
        (whole.test, whole.test_labels),
    ]
    for name, (images, labels) in zip(names, parts, strict=True):
        assert labels is not None
        rows = [
            Picture(int(label), f"{row:03}", image[0].numpy())
            for row, (image, label) in enumerate(zip(images, labels, strict=True))
        ]
        write_folder(root / name, rows)
    return root


def test_folders_of_splits_are_splits_and_no_classes(tmp_path: Path, pictures: list[Picture]) -> None:
    whole = read(write_folder(tmp_path / "whole", pictures))
    split = read(lay_out_as_splits(tmp_path / "split", whole, ("train", "val", "test")))
    assert split.content_sha256 == whole.content_sha256
    assert split.remarks == ()
    # The wrong reading, of which no image was trained on that is tested with: three classes, pooled and split anew.
    assert whole.sizes.test != 0
    assert split.sizes == whole.sizes


def test_a_folder_of_train_and_test_never_trains_on_test(tmp_path: Path, pictures: list[Picture]) -> None:
    write_folder(tmp_path / "Train", pictures[:40])
    write_folder(tmp_path / "test", pictures[40:])
    dataset = read(tmp_path)
    tested = {each.pixels.tobytes() for each in pictures[40:]}
    assert {image.numpy().tobytes() for image in dataset.test} == tested
    assert not tested & {image.numpy().tobytes() for image in dataset.train}
    assert (dataset.sizes.train, dataset.sizes.validation) == (36, 4)
    assert "a tenth of the training images is held out for validation" in dataset.remarks[0]


def test_without_a_test_split_the_validation_split_takes_its_place(tmp_path: Path, pictures: list[Picture]) -> None:
    write_folder(tmp_path / "training", pictures[:40])
    write_folder(tmp_path / "valid", pictures[40:])
    dataset = read(tmp_path)
    assert dataset.sizes.test == 20
    assert dataset.remarks == (
        "there is no test split: the validation split takes its place, and a tenth of the training images is held out "
        "for validation",
    )


def test_splits_may_be_flat_and_lie_in_a_zip(tmp_path: Path, pictures: list[Picture]) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for index, each in enumerate(pictures):
            archive.writestr(f"{'train' if index < 40 else 'test'}/{each.name}.png", each.png)
    dataset = read(tmp_path / "a.zip")
    assert dataset.train_labels is None
    assert dataset.sizes.test == 20


def test_parquet_files_state_their_split_in_their_names(tmp_path: Path, pictures: list[Picture]) -> None:
    (tmp_path / "data").mkdir()
    for split, rows in (("train", pictures[:40]), ("test", pictures[40:])):
        table = pa.table({"img": [each.png for each in rows], "label": [each.label for each in rows]})
        pq.write_table(table, tmp_path / "data" / f"{split}-00000-of-00001.parquet")
    dataset = read(tmp_path)
    assert (dataset.sizes.train, dataset.sizes.validation, dataset.sizes.test) == (36, 4, 20)


def test_images_in_two_splits_are_reported(tmp_path: Path, pictures: list[Picture]) -> None:
    write_folder(tmp_path / "train", pictures[:40])
    write_folder(tmp_path / "test", pictures[37:])
    assert read(tmp_path).remarks[-1] == "3 images of the test split are also in the training split, pixel for pixel"


def test_what_may_be_a_split_or_a_class_is_asked(tmp_path: Path, pictures: list[Picture]) -> None:
    write_folder(tmp_path / "a" / "train", pictures[:20])
    write_folder(tmp_path / "a" / "test", pictures[20:40])
    write_folder(tmp_path / "a" / "extra", pictures[40:])
    write_folder(tmp_path / "b" / "val", pictures[:20])
    write_folder(tmp_path / "b" / "test", pictures[20:40])
    write_folder(tmp_path / "c" / "train", pictures[:20])
    (tmp_path / "c" / "test").mkdir()
    (tmp_path / "c" / "test" / "1.png").write_bytes(pictures[0].png)
    write_folder(tmp_path / "d" / "train", pictures[:20])
    write_folder(tmp_path / "d" / "val", pictures[:20])
    write_folder(tmp_path / "d" / "validation", pictures[20:40])
    write_folder(tmp_path / "e" / "train", pictures[:20])
    (tmp_path / "e" / "unlabelled").mkdir()
    (tmp_path / "e" / "unlabelled" / "1.png").write_bytes(pictures[0].png)
    for name, words in {
        "a": "beside them extra",
        "b": "no folder of training images",
        "c": "images without one",
        "d": "val/ and validation/",
        "e": "beside them unlabelled",
    }.items():
        with pytest.raises(DataError, match=words):
            list_images(tmp_path / name)


def test_a_class_may_be_called_train(tmp_path: Path, pictures: list[Picture]) -> None:
    """CIFAR-100 and ImageNet have a class of trains."""
    for name, rows in (("car", pictures[:20]), ("train", pictures[20:40]), ("plane", pictures[40:])):
        (tmp_path / name).mkdir()
        for each in rows:
            (tmp_path / name / f"{each.name}.png").write_bytes(each.png)
    assert list_images(tmp_path).classes == ("car", "plane", "train")


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def _parquet(path: Path, columns: dict[str, object]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, pictures: list[Picture]) -> None:
    png = pictures[0].png
    (tmp_path / "torn.zip").write_bytes(b"PK\x03\x04 and no more")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    (tmp_path / "torn.npz").write_bytes(b"PK")
    (tmp_path / "torn.tar").write_bytes(b"x" * 700)
    _zip(tmp_path / "labels.zip", {"a.png": png, "dataset.json": b'{"labels": [["a.png", [0, 1]]]}'})
    _zip(tmp_path / "silent.zip", {"a.png": png, "b.png": png, "dataset.json": b'{"labels": [["a.png", 0]]}'})
    _zip(tmp_path / "nothing.zip", {"readme.md": b"none"})
    _parquet(tmp_path / "words.parquet", {"text": ["a"]})
    _parquet(tmp_path / "unknown.parquet", {"image": [png, png], "label": [-1, 0]})
    np.savez(tmp_path / "floats.npz", arr_0=np.zeros((4, 8, 8, 3)))
    np.savez(tmp_path / "objects.npz", arr_0=np.array([{}], dtype=object))
    np.savez(tmp_path / "other.npz", mu=np.zeros(4))
    for name, words in {
        "torn.zip": "not a zip file",
        "torn.parquet": "Parquet",
        "torn.npz": "cannot be read",
        "torn.tar": "cannot be read",
        "labels.zip": "whole numbers",
        "silent.zip": "says nothing of b.png",
        "nothing.zip": "holds no image",
        "words.parquet": "no column of images",
        "unknown.parquet": "has no class, but -1",
        "floats.npz": "uint8",
        "objects.npz": "allow_pickle",
        "other.npz": "it holds mu",
    }.items():
        with pytest.raises(DataError) as error:
            list_images(tmp_path / name)
        assert words in f"{error.value.what} {error.value.why}", name
        assert error.value.next


def test_a_damaged_image_of_an_archive_is_named(tmp_path: Path, pictures: list[Picture]) -> None:
    path = _zip(tmp_path / "a.zip", {"0/a.png": pictures[0].png, "0/b.png": pictures[1].png[:60]})
    with pytest.raises(DataError, match=r"a\.zip/0/b\.png"):
        read(path)
