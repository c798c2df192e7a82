"""The classifiers that are part of the package: equal names everywhere, and scores of the scale of a trained one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from sweep.data.dataset import Dataset
from sweep.data.pixels import to_model_range, to_uint8
from sweep.errors import DataError
from sweep.files.hashes import sha256_of_bytes
from sweep.scoring import shipped_classifiers
from sweep.scoring.classifier import RECIPES, features_and_logits, train_net
from sweep.scoring.classifier_file import find_classifier, hash_of_labelled, load_classifier
from sweep.scoring.frechet import feature_moments, frechet_distance
from sweep.scoring.gate import CORRUPTIONS, check_gate
from sweep.scoring.shipped_classifiers import FOLDER, SHIPPED, shipped_classifier

CPU = torch.device("cpu")


def test_each_file_has_the_hash_of_the_source() -> None:
    files = {path.stem: sha256_of_bytes(path.read_bytes()) for path in FOLDER.glob("*.safetensors")}
    assert files == {f"{dataset}-cnn-{sha256[:8]}": sha256 for dataset, sha256 in SHIPPED.items()}
    assert all(path.stat().st_size < 500_000 for path in FOLDER.glob("*.safetensors"))


def test_it_is_used_at_once_and_nothing_is_written(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweep.scoring.classifier_file.train_net", None)
    path = find_classifier(digits, folder=tmp_path)
    name, sha256, net = load_classifier(path, CPU)
    assert (name, sha256) == (f"digits-cnn-{SHIPPED['digits'][:8]}", SHIPPED["digits"])
    assert list(tmp_path.iterdir()) == []
    check_gate(net, digits)


def test_its_distances_are_those_of_one_that_is_trained_here(digits: Dataset, tmp_path: Path) -> None:
    """On the kind of CPU that made it they are equal; another rounds otherwise, and 20 epochs make more of that."""
    assert digits.train_labels is not None
    trained = train_net(digits, digits.train_labels)
    _, _, shipped = load_classifier(find_classifier(digits, folder=tmp_path), CPU)
    noise = torch.randn(digits.test.shape, generator=torch.Generator().manual_seed(1))
    for sd in CORRUPTIONS[1:]:
        images = to_uint8(to_model_range(digits.test) + sd * noise)
        distances = [
            frechet_distance(*(feature_moments(features_and_logits(net, x)[0].numpy()) for x in (images, digits.train)))
            for net in (trained, shipped)
        ]
        assert np.log(distances[0] / distances[1]) == pytest.approx(0, abs=0.5)


def test_a_store_goes_on_with_the_classifier_that_it_has(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(shipped_classifiers, "SHIPPED", {})
        trained = find_classifier(digits, folder=tmp_path)
    assert trained.parent == tmp_path
    assert find_classifier(digits, folder=tmp_path) == trained
    assert find_classifier(digits, folder=tmp_path / "new").parent == FOLDER


def test_other_images_labels_or_recipes_have_none(digits: Dataset) -> None:
    labels = digits.train_labels
    assert labels is not None
    recipe = RECIPES["digits"]
    usual = hash_of_labelled(digits, labels)
    inverted = dataclasses.replace(digits, train=255 - digits.train)
    assert shipped_classifier("digits", recipe, usual) is not None
    assert shipped_classifier("digits", recipe, hash_of_labelled(digits, labels.flip(0))) is None
    assert shipped_classifier("digits", recipe, hash_of_labelled(inverted, labels)) is None
    assert shipped_classifier("digits", dataclasses.replace(recipe, epochs=1), usual) is None
    assert shipped_classifier("mnist", RECIPES["mnist"], usual) is None


def test_a_damaged_installation_is_said(digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped_classifiers, "FOLDER", tmp_path)
    (tmp_path / f"digits-cnn-{SHIPPED['digits'][:8]}.safetensors").write_bytes(b"torn")
    with pytest.raises(DataError, match="damaged") as caught:
        find_classifier(digits, folder=tmp_path / "files")
    assert "Install" in caught.value.next


def test_it_is_the_one_of_the_data_set_whatever_is_held_out_for_validation(digits: Dataset, tmp_path: Path) -> None:
    assert digits.train_labels is not None
    assert digits.validation_labels is not None
    whole = dataclasses.replace(
        digits,
        train=torch.cat([digits.train, digits.validation]),
        train_labels=torch.cat([digits.train_labels, digits.validation_labels]),
        validation=digits.validation[:0],
        validation_labels=digits.validation_labels[:0],
    )
    assert find_classifier(whole, folder=tmp_path) == find_classifier(digits, folder=tmp_path)
