from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from sweep.config.run import TrainConfig
from sweep.data.dataset import Dataset
from sweep.scoring.evaluator import Evaluator
from sweep.scoring.features import Extractor
from sweep.scoring.frechet import feature_moments, frechet_distance
from sweep.scoring.kernel import mean_of_pairs
from sweep.scoring.reference import Bounds, held_out_images, images_sha256, load_bounds, load_reference
from sweep.training.batch import draw_batch


@pytest.fixture
def counting(evaluator: Evaluator) -> tuple[Extractor, list[int]]:
    """The extractor, and how many images it was shown."""
    seen: list[int] = []

    def net(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append(len(images))
        return evaluator.extractor.net(images)

    return dataclasses.replace(evaluator.extractor, net=net), seen


def test_moments_are_those_of_the_split(digits: Dataset, evaluator: Evaluator) -> None:
    reference = evaluator.reference
    rows = evaluator.extractor.extract(digits.train).penultimate.astype(np.float64)
    np.testing.assert_allclose(reference.moments.mu, rows.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(reference.moments.sigma, np.cov(rows, rowvar=False), atol=1e-5)
    root = reference.moments.root
    np.testing.assert_allclose(root @ root, reference.moments.sigma, atol=1e-10)
    np.testing.assert_allclose(root, root.T, atol=1e-14)
    assert reference.pairs == mean_of_pairs(reference.rows)


def test_second_time_comes_from_the_file(
    digits: Dataset, counting: tuple[Extractor, list[int]], tmp_path: Path
) -> None:
    extractor, seen = counting
    first = load_reference(digits, "train", extractor, folder=tmp_path)
    assert sum(seen) == len(digits.train)
    again = load_reference(digits, "train", extractor, folder=tmp_path)
    assert sum(seen) == len(digits.train)
    np.testing.assert_array_equal(first.rows, again.rows)
    np.testing.assert_array_equal(first.moments.root, again.moments.root)
    assert (first.pairs, first.images_sha256, first.moments.n) == (
        again.pairs,
        images_sha256(digits, "train"),
        again.moments.n,
    )


@pytest.mark.parametrize("damage", ["cut", "flip", "no note"])
def test_a_damaged_file_is_made_again(
    digits: Dataset, counting: tuple[Extractor, list[int]], tmp_path: Path, damage: str
) -> None:
    extractor, seen = counting
    first = load_reference(digits, "test", extractor, folder=tmp_path)
    path = next(tmp_path.glob("*.npz"))
    data = bytearray(path.read_bytes())
    if damage == "no note":
        path.with_suffix(".json").unlink()
    elif damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    else:
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    again = load_reference(digits, "test", extractor, folder=tmp_path)
    assert sum(seen) == 2 * len(digits.test)
    np.testing.assert_array_equal(first.rows, again.rows)


def test_changed_weights_or_images_are_another_reference(
    digits: Dataset, counting: tuple[Extractor, list[int]], tmp_path: Path
) -> None:
    # torch-fidelity's own cache, keyed by names, would return the old numbers here (its issue: stylegan3 174).
    extractor, _ = counting
    one = load_reference(digits, "test", extractor, folder=tmp_path)

    def doubled(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        penultimate, logits = extractor.net(images)
        return 2 * penultimate, 2 * logits

    retrained = dataclasses.replace(extractor, sha256="0" * 64, net=doubled)
    other = load_reference(digits, "test", retrained, folder=tmp_path)
    np.testing.assert_allclose(other.rows, 2 * one.rows)
    inverted = dataclasses.replace(digits, test=255 - digits.test)
    third = load_reference(inverted, "test", extractor, folder=tmp_path)
    assert third.images_sha256 != one.images_sha256
    assert not np.array_equal(third.rows, one.rows)


def test_held_out_images_are_not_in_the_reference(digits: Dataset) -> None:
    held = held_out_images(digits, "train")
    assert len(held) == len(digits.validation) + len(digits.test)
    assert len(held_out_images(digits, "test")) == len(digits.train) + len(digits.validation)


def test_mirrored_images_are_another_reference(digits: Dataset, evaluator: Evaluator, tmp_path: Path) -> None:
    """A peer takes its reference from the loader of the training, flips and all. Digits are not their mirror images."""
    mirrored = digits.train.clone()
    mirrored[::2] = mirrored[::2].flip(-1)
    wrong = load_reference(
        dataclasses.replace(digits, train=mirrored), "train", evaluator.extractor, folder=tmp_path
    ).moments
    real = feature_moments(evaluator.extractor.extract(digits.test).penultimate)
    right = frechet_distance(real, evaluator.reference.moments)
    assert frechet_distance(real, wrong) > 2 * right
    # What a run with flips trains on leaves the dataset, and so its reference, as it was.
    before = images_sha256(digits, "train")
    draw_batch(digits.train, 1, TrainConfig(net={"kind": "mlp"}, flip=True, batch=64, images=64), 0)
    assert images_sha256(digits, "train") == before == evaluator.protocol.reference_sha256
    assert not TrainConfig().flip


def test_bounds_are_kept_and_say_how_many_real_images_they_had(
    digits: Dataset, counting: tuple[Extractor, list[int]], tmp_path: Path
) -> None:
    extractor, seen = counting
    reference = load_reference(digits, "train", extractor, folder=tmp_path)
    bounds = load_bounds(digits, "train", extractor, reference, n=700, folder=tmp_path)
    assert (bounds.n, bounds.floor_n) == (700, 500)
    assert 0 < 20 * bounds.floor < bounds.ceiling
    shown = sum(seen)
    assert load_bounds(digits, "train", extractor, reference, n=700, folder=tmp_path) == bounds
    assert sum(seen) == shown


def test_suspicion_falls_on_what_is_too_good_or_too_bad_to_be_true() -> None:
    bounds = Bounds(n=500, floor=1.0, floor_n=500, ceiling=100.0)
    assert bounds.suspicion(0.9, 0.1) is None
    assert "below what real images reach" in str(bounds.suspicion(0.6, 0.1))
    assert "above uniform noise" in str(bounds.suspicion(101.0, 5.0))
    assert "no distance" in str(bounds.suspicion(float("nan"), 0.1))
    # With fewer real images than n the floor is too high to accuse anyone.
    assert dataclasses.replace(bounds, floor_n=400).suspicion(0.6, 0.1) is None
