"""A folder of images is refused before anything is trained, wherever its study's scores could not be made."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sweep.config.study import Study
from sweep.errors import DataError
from sweep.search.images import check_images
from tests.helpers.image_folders import empty_images, study_text


def study(path: Path, *, extractor: str = "inception", reference: str = "train", baseline: str = "") -> Study:
    read = yaml.safe_load(study_text("s", path, extractor=extractor, baseline=baseline))
    read["protocol"]["reference"] = reference
    return Study.model_validate(read)


def test_the_classifier_needs_classes(tmp_path: Path) -> None:
    flat = empty_images(tmp_path / "flat", 100)
    (flat / "labels.csv").touch()
    with pytest.raises(DataError, match="no classes") as error:
        check_images(study(flat, extractor="classifier"))
    assert "100 images without classes: 80 for training, 10 for validation, 10 for testing" in error.value.why
    assert ".csv" in error.value.why
    assert "inception" in error.value.next
    empty_images(tmp_path / "one" / "cat", 100)
    (tmp_path / "one" / "dog").mkdir()
    with pytest.raises(DataError, match="one class only"):
        check_images(study(tmp_path / "one", extractor="classifier"))
    for path in (flat, tmp_path / "one"):
        assert check_images(study(path)) is not None
    empty_images(tmp_path / "one" / "dog", 2)
    found = check_images(study(tmp_path / "one", extractor="classifier"))
    assert found is not None
    assert found.sizes.classes == 2


@pytest.mark.parametrize(
    ("count", "asked", "needed"),
    [
        (9, {}, "10 images or more"),
        (19, {"extractor": "classifier"}, "needs 2"),
        (59, {"reference": "test"}, "needs 6"),
        (59, {"baseline": ", fid_test: true"}, "needs 6"),
    ],
)
def test_too_few_images_for_a_statistic_are_refused(
    tmp_path: Path, count: int, asked: dict[str, str], needed: str
) -> None:
    empty_images(tmp_path / "a", count - 5)
    empty_images(tmp_path / "b", 5)
    with pytest.raises(DataError) as error:
        check_images(study(tmp_path, **asked))
    assert needed in str(error.value)
    empty_images(tmp_path / "b", 6)
    assert check_images(study(tmp_path, **asked)) is not None


def test_a_published_data_set_is_known_without_looking() -> None:
    assert check_images(Study.model_validate({"name": "s", "question": "?"})) is None
