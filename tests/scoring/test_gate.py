"""No classifier that knows nothing passes the gate, however the classes are distributed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sweep.data.dataset import Dataset, without_official_test
from sweep.errors import DataError
from sweep.scoring.classifier import RECIPES
from sweep.scoring.classifier_file import find_classifier
from sweep.scoring.gate import MAX_CHANCE, recognise


def labels_of(*counts: int) -> Tensor:
    return torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))


@pytest.mark.parametrize("counts", [(57, 3), (95, 5), (99, 1), (10, 10), (900, 50, 50), (30,), (3, 1), (1, 1), (1,)])
def test_no_constant_answer_is_recognition(counts: tuple[int, ...]) -> None:
    labels = labels_of(*counts)
    for answer in range(len(counts) + 1):
        found = recognise(torch.full_like(labels, answer), labels)
        assert found.chance == 1
        assert found.balanced_accuracy == pytest.approx(1 / len(counts) if answer < len(counts) else 0)


@pytest.mark.parametrize("counts", [(2, 2), (3, 1), (2,), (9, 1)])
def test_too_few_test_images_show_nothing_even_if_every_answer_is_correct(counts: tuple[int, ...]) -> None:
    labels = labels_of(*counts)
    assert recognise(labels, labels).chance >= MAX_CHANCE


@pytest.mark.parametrize("counts", [(57, 3), (5, 5), (1,) * 10, (900, 50, 50)])
def test_correct_answers_are_recognition_in_small_and_in_uneven_classes(counts: tuple[int, ...]) -> None:
    labels = labels_of(*counts)
    found = recognise(labels, labels)
    assert found.chance < MAX_CHANCE
    assert found.accuracy == found.balanced_accuracy == 1


def test_every_class_counts_alike() -> None:
    labels = labels_of(90, 10)
    answers = labels.clone()
    answers[90:95] = 0
    found = recognise(answers, labels)
    assert found.recalls == {0: 1.0, 1: 0.5}
    assert (found.accuracy, found.balanced_accuracy, found.majority) == (0.95, 0.75, 0.9)


def random_classes(digits: Dataset, images: int, share: float) -> Dataset:
    """Digits in two classes that have nothing to do with the images."""
    pictures = torch.cat([digits.train, digits.validation, digits.test])[:images]
    labels = (torch.rand(images, generator=torch.Generator().manual_seed(0)) < share).long()
    return without_official_test("image_folder", pictures, labels, validation=images // 10, test=images // 10)


@pytest.mark.parametrize(("images", "share"), [(600, 0.05), (600, 0.25), (40, 0.1)])
def test_a_classifier_of_meaningless_labels_is_refused(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, images: int, share: float
) -> None:
    monkeypatch.setitem(RECIPES, "image_folder", dataclasses.replace(RECIPES["image_folder"], epochs=4, width=8))
    dataset = random_classes(digits, images, share)
    with pytest.raises(DataError) as caught:
        find_classifier(dataset, folder=tmp_path)
    # The numbers that a reader needs to see what is wrong.
    assert f"{len(dataset.train):,} images of 2 classes" in caught.value.why
    assert f"{len(dataset.test):,} images of" in caught.value.why
    assert "most frequent class" in caught.value.why
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]
