from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import pytest
import torch

from sweep.config.part_names import DataName
from sweep.data.dataset import Dataset
from sweep.errors import DataError
from sweep.scoring import classifier_file
from sweep.scoring.classifier import RECIPES, Classifier
from sweep.scoring.classifier_file import find_classifier, load_classifier
from sweep.scoring.gate import check_gate
from sweep.scoring.reference import uniform_noise

CPU = torch.device("cpu")

TRAIN_ELSEWHERE = """
import sys, torch
from pathlib import Path
from sweep.data.sources import load_dataset
from sweep.scoring import shipped_classifiers
from sweep.scoring.classifier_file import find_classifier
shipped_classifiers.SHIPPED = {}
torch.set_num_threads(2)
torch.manual_seed(int(sys.argv[2]))
state = torch.get_rng_state()
print(find_classifier(load_dataset("digits"), folder=Path(sys.argv[1])))
assert torch.equal(torch.get_rng_state(), state)
assert torch.get_num_threads() == 2
"""


@pytest.fixture(scope="module", autouse=True)
def none_shipped() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sweep.scoring.shipped_classifiers.SHIPPED", {})
        yield


@pytest.fixture(scope="module")
def weights(digits: Dataset, tmp_path_factory: pytest.TempPathFactory, none_shipped: None) -> Path:
    return find_classifier(digits, folder=tmp_path_factory.mktemp("trained"))


def test_there_is_a_recipe_for_every_dataset() -> None:
    assert set(RECIPES) == set(get_args(DataName))


def test_another_process_makes_the_same_file(weights: Path, tmp_path: Path) -> None:
    # Two threads where the other had one, another hash seed, another global random state.
    finished = subprocess.run(
        [sys.executable, "-c", TRAIN_ELSEWHERE, str(tmp_path), "1"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=100,
        env={**os.environ, "PYTHONHASHSEED": "1"},
    )
    assert finished.stdout.strip() == str(tmp_path / weights.name)
    assert (tmp_path / weights.name).read_bytes() == weights.read_bytes()


def test_of_callers_at_once_one_trains(digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "digits", dataclasses.replace(RECIPES["digits"], epochs=1, least_accuracy=0.3))
    trainings: list[int] = []
    gate = classifier_file.check_gate

    def counted(net: Classifier, dataset: Dataset) -> dict[str, object]:
        trainings.append(1)
        return gate(net, dataset)

    monkeypatch.setattr(classifier_file, "check_gate", counted)
    with ThreadPoolExecutor(3) as pool:
        paths = list(pool.map(lambda _: find_classifier(digits, folder=tmp_path), range(3)))
    assert len(set(paths)) == 1
    assert trainings == [1]


def test_the_file_is_found_again_and_its_gate_is_on_record(digits: Dataset, weights: Path) -> None:
    written = weights.stat().st_mtime_ns
    assert find_classifier(digits, folder=weights.parent) == weights
    assert weights.stat().st_mtime_ns == written
    notes = [json.loads(path.read_text()) for path in weights.parent.glob("digits-cnn-*.json")]
    (note,) = [note for note in notes if note["file"] == weights.name]
    assert note["accuracy"] >= 0.95
    assert note["distances"] == sorted(note["distances"])


def test_other_labels_are_another_classifier(digits: Dataset, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Equal images, so equal content_sha256: a file found by that alone would be the wrong one.
    assert digits.train_labels is not None
    assert digits.test_labels is not None
    renamed = dataclasses.replace(digits, train_labels=9 - digits.train_labels, test_labels=9 - digits.test_labels)
    monkeypatch.setitem(RECIPES, "digits", dataclasses.replace(RECIPES["digits"], epochs=1, least_accuracy=0.3))
    assert find_classifier(renamed, folder=weights.parent) != weights


def test_name_says_dataset_and_hash(weights: Path) -> None:
    name, sha256, net = load_classifier(weights, CPU)
    assert name == f"digits-cnn-{sha256[:8]}" == weights.stem
    assert not any(parameter.requires_grad for parameter in net.parameters())


def test_features_have_a_mean_square_of_one_over_the_training_images(digits: Dataset, weights: Path) -> None:
    _, _, net = load_classifier(weights, CPU)
    features, logits = net(digits.train)
    assert features.shape == (len(digits.train), 64)
    assert features.min() == 0
    assert float(features.square().mean()) == pytest.approx(1, rel=1e-4)
    assert logits.shape == (len(digits.train), 10)


def test_an_altered_file_is_not_used_and_is_made_again(
    digits: Dataset, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = next(path for path in weights.parent.glob("digits-cnn-*.json") if weights.name in path.read_text())
    (tmp_path / note.name).write_bytes(note.read_bytes())
    (tmp_path / weights.name).write_bytes(weights.read_bytes()[:-1] + b"x")
    monkeypatch.setitem(RECIPES, "digits", dataclasses.replace(RECIPES["digits"], epochs=1, least_accuracy=0.3))
    again = find_classifier(digits, folder=tmp_path)
    assert again.name != weights.name
    load_classifier(again, CPU)


def test_images_without_labels_send_to_inception(digits: Dataset, tmp_path: Path) -> None:
    unlabelled = dataclasses.replace(
        digits, name="image_folder", train_labels=None, validation_labels=None, test_labels=None
    )
    with pytest.raises(DataError, match="no labels") as caught:
        find_classifier(unlabelled, folder=tmp_path)
    assert "inception" in caught.value.next


def test_a_poor_classifier_is_refused_and_not_kept(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, "digits", dataclasses.replace(RECIPES["digits"], epochs=1))
    with pytest.raises(DataError, match="95% are needed"):
        find_classifier(digits, folder=tmp_path)
    assert list(tmp_path.glob("*.pt")) == []


def test_a_classifier_for_which_noise_is_nearer_is_refused(digits: Dataset, weights: Path) -> None:
    _, _, net = load_classifier(weights, CPU)
    check_gate(net, digits)
    upside_down = dataclasses.replace(digits, train=uniform_noise(tuple(digits.train.shape)))
    with pytest.raises(DataError, match="no growing distance"):
        check_gate(net, upside_down)


def test_only_a_file_of_plain_weights_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No classifier"):
        load_classifier(tmp_path / "missing.pt", CPU)
    contents: tuple[object, ...] = ({"weights": {}}, {"sizes": [1, 8, 10, 16], "weights": {}}, Path("pickled"))
    for content in contents:
        torch.save(content, tmp_path / "bad.pt")
        with pytest.raises(DataError, match="holds no classifier"):
            load_classifier(tmp_path / "bad.pt", CPU)


@pytest.mark.parametrize(("channels", "size"), [(1, 8), (1, 28), (3, 32), (3, 64), (3, 100)])
def test_fits_images_of_every_size(channels: int, size: int) -> None:
    torch.manual_seed(0)
    state = torch.get_rng_state()
    net = Classifier(channels, size, 7, 4)
    assert torch.equal(torch.get_rng_state(), state)
    for parameter in net.parameters():
        torch.nn.init.zeros_(parameter)
    features, logits = net(torch.zeros(2, channels, size, size, dtype=torch.uint8))
    assert features.shape == (2, 64)
    assert logits.shape == (2, 7)
