from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sweep.data.listing import list_images
from sweep.errors import DataError


def put(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


@pytest.mark.parametrize(
    "name",
    [
        ".ipynb_checkpoints",
        ".git",
        "__MACOSX",
        "@eaDir",
        "#recycle",
        "$RECYCLE.BIN",
        "System Volume Information",
        "lost+found",
        "@Recycle",
        ".Trash-1000",
        "__pycache__",
    ],
)
def test_folders_of_systems_and_editors_are_no_classes(tmp_path: Path, name: str) -> None:
    put(tmp_path / "0" / "a.png", tmp_path / "1" / "a.png", tmp_path / name / "a.png", tmp_path / name / "b" / "c.png")
    listing = list_images(tmp_path)
    assert listing.classes == ("0", "1")
    assert [file.path.parent.name for file in listing.files] == ["0", "1"]
    assert listing.remarks == (f"left out: 2 files in hidden folders and those of systems and editors ({name} 2)",)


def test_files_of_systems_are_no_images_and_are_not_worth_a_word_unless_they_look_like_some(tmp_path: Path) -> None:
    put(*(tmp_path / name for name in ("a.png", ".DS_Store", "Thumbs.db", "desktop.ini")))
    assert list_images(tmp_path).remarks == ()
    put(tmp_path / "._a.png")
    listing = list_images(tmp_path)
    assert [file.path.name for file in listing.files] == ["a.png"]
    assert "1 file in hidden" in listing.remarks[0]


def test_every_usual_extension_is_read_in_either_case(tmp_path: Path) -> None:
    names = ["a.gif", "b.JPG", "c.Jpeg", "d.jfif", "e.WEBP", "f.TIF", "g.tiff", "h.bmp", "i.PNG"]
    put(*(tmp_path / name for name in names))
    assert [file.path.name for file in list_images(tmp_path).files] == names


def test_what_is_left_out_is_counted_with_the_reason(tmp_path: Path) -> None:
    put(*(tmp_path / "cat" / f"{i}.png" for i in range(3)), tmp_path / "dog" / "0.png")
    put(tmp_path / "cat" / "old" / "1.png", tmp_path / "cat" / "old" / "deeper" / "2.png")
    put(tmp_path / "cat" / "3.avif", tmp_path / "dog" / "4.avif", tmp_path / "labels.csv", tmp_path / "dog" / "README")
    (tmp_path / "dog" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(tmp_path / "dog" / "pipe.png")
    (tmp_path / "loop").symlink_to(tmp_path)
    listing = list_images(tmp_path)
    assert len(listing.files) == 4
    (remark,) = listing.remarks
    for part in (
        "4 files of other kinds (.avif 2, ",
        "2 files in deeper folders (cat/old 2)",
        "1 file behind broken links (dog/gone.png)",
        "1 file that only look like files (dog/pipe.png)",
    ):
        assert part in remark


def test_a_link_to_itself_is_a_broken_link(tmp_path: Path) -> None:
    put(tmp_path / "data" / "0" / "a.png", tmp_path / "data" / "1" / "a.png")
    (tmp_path / "data" / "0" / "b.png").symlink_to("b.png")
    (tmp_path / "data" / "2").symlink_to("2")
    listing = list_images(tmp_path / "data")
    assert listing.classes == ("0", "1")
    assert "1 file behind broken links (0/b.png)" in listing.remarks[0]


def test_a_class_may_be_a_link(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere" / "a.png", tmp_path / "data" / "0" / "a.png")
    (tmp_path / "data" / "1").symlink_to(tmp_path / "elsewhere")
    assert list_images(tmp_path / "data").classes == ("0", "1")


def test_a_folder_that_is_none_says_why_and_what_to_do(tmp_path: Path) -> None:
    put(tmp_path / "images.rar", tmp_path / "deep" / "train" / "cat" / "a.png", tmp_path / "text" / "a.txt")
    put(tmp_path / "deeper" / "v1" / "images" / "train" / "cat" / "a.png")
    expected = {
        "images.rar": ("is a file", "unpack"),
        "$HOME/images": (r"\$VARIABLES in a path are not replaced", "data.path"),
        "a\0b": ("no folder", "data.path"),
        "x" * 300: ("cannot be listed|no folder", "data.path"),
        "deep": ("in deeper folders", f"set data.path to {tmp_path / 'deep' / 'train'}"),
        "deeper": ("in deeper folders", f"set data.path to {tmp_path / 'deeper' / 'v1' / 'images' / 'train'}"),
        "text": (r"1 file of other kinds \(.txt\)", "data.path"),
    }
    for name, (text, following) in expected.items():
        with pytest.raises(DataError, match=text) as error:
            list_images(tmp_path / name)
        assert following in error.value.next


def test_names_that_a_terminal_or_a_database_would_not_bear_are_escaped(tmp_path: Path) -> None:
    put(tmp_path / "a.png", tmp_path / os.fsdecode(b"\xff.txt\x1b[31m"))
    put(tmp_path / "b" / os.fsdecode(b"\xff.c\x1b"))
    (tmp_path / os.fsdecode(b"\xff\x1b.png")).symlink_to("nowhere")
    (remark,) = list_images(tmp_path).remarks
    assert remark.isprintable()
    remark.encode()


def test_a_tree_without_end_is_not_searched_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweep.data.folder_survey.MAX_SEARCHED_FOLDERS", 3)
    put(tmp_path / "a.png", *(tmp_path / ".git" / str(i) / "a.png" for i in range(10)))
    (left,) = list_images(tmp_path).left_out
    assert left.count == 2


def test_an_image_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "a.png")
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("opened"))
    assert len(list_images(tmp_path).files) == 1
