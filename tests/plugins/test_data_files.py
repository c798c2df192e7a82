"""A data set of a plugin that reads a file: the content of the file is in the train key, and its path is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from sweep.config.data import DataConfig
from sweep.config.keys import train_key
from sweep.config.study import Study
from sweep.config.study_file import load_study
from sweep.data.sources import load_dataset
from sweep.errors import DataError, ImagesUnavailable, StudyFileError
from sweep.planning.plan import located, read_study_plan
from sweep.plugins.loading import load_source
from sweep.worker.preparation import dataset_of
from tests.helpers.parquet import write_digits

FOLDER = Path(__file__).parents[2] / "studies/plugins"


def study_at(folder: Path, *, count: int = 60, brighter: int = 0) -> Study:
    """The shipped study with a file of images beside it."""
    folder.mkdir(exist_ok=True)
    for name in ("own-parquet.yaml", "parquet_images.py"):
        shutil.copy(FOLDER / name, folder)
    write_digits(folder / "images.parquet", count, brighter=brighter)
    study = load_study(folder / "own-parquet.yaml")
    load_source(study.plugin_sources[0])
    return study


def key(study: Study) -> str:
    return train_key(located(study).baseline.train_config(seed=0, ema_decays=()))


def data(study: Study) -> DataConfig:
    return located(study).baseline.data


def test_the_images_are_those_of_the_file(tmp_path):
    dataset, digits = dataset_of(data(study_at(tmp_path))), load_dataset("digits")
    mine = torch.cat([dataset.train, dataset.validation, dataset.test])
    assert sorted(map(tuple, mine.flatten(1).tolist())) == sorted(map(tuple, digits.train[:60].flatten(1).tolist()))
    assert dataset.train_labels is not None


def test_the_content_of_the_file_is_in_the_train_key_and_its_path_is_not(tmp_path):
    study = study_at(tmp_path / "a")
    assert key(study_at(tmp_path / "b")) == key(study)
    assert key(study_at(tmp_path / "c", brighter=1)) != key(study)
    stored = Study.model_validate(located(study).model_dump(mode="json"))
    assert key(stored) == key(study)


def test_the_path_begins_in_the_folder_of_the_study(tmp_path, monkeypatch):
    study_at(tmp_path / "a")
    monkeypatch.chdir(tmp_path)
    file = read_study_plan(Path("a/own-parquet.yaml")).study.baseline.data.part.settings["file"]
    assert file["path"] == str(tmp_path / "a/images.parquet")


def test_a_file_that_has_changed_since_the_launch_is_refused(tmp_path):
    launched = data(study_at(tmp_path))
    write_digits(tmp_path / "images.parquet", 61)
    with pytest.raises(ImagesUnavailable, match=r"images.parquet is another file than the study was launched with"):
        dataset_of(launched)


def test_a_missing_file_is_named(tmp_path):
    study = study_at(tmp_path)
    (tmp_path / "images.parquet").unlink()
    with pytest.raises(DataError, match=r"images.parquet: cannot read this file of a data set\nNo such file"):
        located(study)


def test_a_number_is_no_file(tmp_path):
    study_at(tmp_path)
    file = tmp_path / "own-parquet.yaml"
    file.write_text(file.read_text().replace("file: images.parquet", "file: 3"))
    with pytest.raises(StudyFileError, match=r"line 9: .*found 3; the path of a file is expected"):
        load_study(file)


def test_only_a_data_set_reads_files(tmp_path):
    study_at(tmp_path)
    text = (
        "from sweep.plugins import File, schedule\n@schedule('tabled')\ndef tabled(T, *, file: File = 'a'):\n    pass\n"
    )
    (tmp_path / "parquet_images.py").write_text(text)
    with pytest.raises(StudyFileError, match="must be typed int, float, bool, str or Literal"):
        load_study(tmp_path / "own-parquet.yaml")
