"""`sweep data` shows what a training would see."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from sweep.cli.app import app
from sweep.data.sources import load_dataset
from sweep.errors import DataError, UnknownName, UsageError
from tests.helpers.image_folders import digits_folder


def typed(*words: str) -> str:
    result = CliRunner().invoke(app, ["data", *words])
    if result.exit_code:
        assert result.exception is not None
        raise result.exception
    return result.stdout


def test_a_published_data_set(tmp_path: Path) -> None:
    lines = typed("digits", "-o", str(tmp_path / "a.png")).splitlines()
    assert lines[:3] == [
        "digits: 1,797 images, 8 x 8, 1 channel",
        "splits: train 1,297, validation 200, test 300",
        "classes: 10",
    ]
    assert f"content: sha256 {load_dataset('digits').content_sha256}" in lines
    with Image.open(tmp_path / "a.png") as sheet:
        assert sheet.size == (12 * 64, 10 * 64)


def test_images_of_your_own_with_splits_duplicates_and_sizes(tmp_path: Path) -> None:
    digits_folder(tmp_path / "train", 40)
    digits_folder(tmp_path / "test", 20)
    Image.fromarray(np.zeros((8, 11), np.uint8)).save(tmp_path / "train" / "0" / "wide.png")
    report = json.loads(typed(str(tmp_path), "--json"))
    assert report["images"] == {"train": 37, "validation": 4, "test": 20}
    assert report["original_sizes"] == [[8, 8, 60], [11, 8, 1]]
    # All twenty are among the forty, of which four are held out for validation.
    assert report["duplicates"]["test"] + report["duplicates"]["validation"] >= 16
    assert report["size"] == 8
    lines = typed(str(tmp_path), "--size", "4")
    assert "4 x 4, 1 channel" in lines
    assert "sizes of the files, width x height: 8 x 8: 60, 11 x 8: 1" in lines
    assert "also in the training split, pixel for pixel" in lines


def test_what_is_no_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="digts"):
        typed("digts")
    with pytest.raises(DataError, match="no folder"):
        typed(str(tmp_path / "absent"))
    with pytest.raises(UsageError, match="takes no size"):
        typed("digits", "--size", "16")
