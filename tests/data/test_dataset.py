from __future__ import annotations

import dataclasses

import pytest
import torch

from sweep.data.dataset import Dataset, with_official_test, without_official_test


def images(count: int, start: int = 0) -> torch.Tensor:
    return (torch.arange(count * 4) + start).to(torch.uint8).reshape(count, 1, 2, 2)


def dataset(**changes: torch.Tensor) -> Dataset:
    parts = {"train": images(6), "validation": images(2, 24), "test": images(2, 32)}
    return Dataset(name="x", **{**parts, **changes}, train_labels=None, validation_labels=None, test_labels=None)


def test_shape_is_that_of_the_training_images() -> None:
    assert (dataset().channels, dataset().size) == (1, 2)


def test_hash_is_stable_and_ignores_name_and_memory_layout() -> None:
    reference = dataset().content_sha256
    assert reference == dataset().content_sha256
    assert dataclasses.replace(dataset(), name="y").content_sha256 == reference
    strided = torch.stack([images(6), images(6)], dim=-1)[..., 0]
    assert not strided.is_contiguous()
    assert dataset(train=strided).content_sha256 == reference


@pytest.mark.parametrize(
    "changes",
    [
        {"train": images(6).flip(0)},
        {"train": images(6).reshape(6, 1, 1, 4)},
        {"train": images(6).reshape(6, 4, 1, 1)},
        {"test": images(2, 33)},
        # The same bytes in the same order, cut elsewhere.
        {"train": images(5), "validation": images(3, 20)},
        {"validation": images(2, 32), "test": images(2, 24)},
    ],
    ids=["order", "shape", "channels", "one-byte", "cut", "splits-swapped"],
)
def test_hash_feels_every_change_of_content(changes: dict[str, torch.Tensor]) -> None:
    assert dataset(**changes).content_sha256 != dataset().content_sha256


def numbered(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Image k has all pixels k and label k mod 2."""
    k = torch.arange(count)
    return k.to(torch.uint8).reshape(-1, 1, 1, 1).expand(-1, 1, 2, 2).contiguous(), k % 2


def test_labels_follow_their_images_into_every_split() -> None:
    pictures, labels = numbered(40)
    data = without_official_test("x", pictures, labels, validation=4, test=6)
    parts = [(data.train, data.train_labels), (data.validation, data.validation_labels), (data.test, data.test_labels)]
    for split, split_labels in parts:
        assert split_labels is not None
        assert torch.equal(split[:, 0, 0, 0] % 2, split_labels.to(torch.uint8))
        assert torch.equal(torch.bincount(split_labels), torch.full((2,), len(split) // 2))
    assert [len(split) for split, _ in parts] == [30, 4, 6]


def test_official_test_images_stay_as_they_are() -> None:
    test = (images(3, 100), torch.tensor([1, 0, 1]))
    data = with_official_test("x", numbered(20), test, validation=4)
    assert torch.equal(data.test, test[0])
    assert data.test_labels is test[1]
    assert data.train_labels is not None
    assert data.validation_labels is not None
    assert torch.equal(data.train[:, 0, 0, 0] % 2, data.train_labels.to(torch.uint8))
    assert torch.equal(data.validation[:, 0, 0, 0] % 2, data.validation_labels.to(torch.uint8))
    kept = torch.cat([data.train, data.validation])[:, 0, 0, 0]
    assert sorted(kept.tolist()) == list(range(20))
