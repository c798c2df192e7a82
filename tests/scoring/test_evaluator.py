from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from sweep.config.run import Protocol
from sweep.data.dataset import Dataset
from sweep.errors import ProtocolError
from sweep.scoring.classifier import RECIPES
from sweep.scoring.evaluator import Evaluator, open_evaluator, resolve_protocol
from sweep.scoring.reference import images_sha256


def test_a_protocol_is_the_same_wherever_the_file_is(digits: Dataset, extractors: Path, protocol: Protocol) -> None:
    assert resolve_protocol(digits, "classifier", n=500, noise_sets=(0, 1, 2), folder=extractors) == protocol
    assert protocol.label == f"FCD-{protocol.extractor_sha256[:8]}@500"
    assert protocol.reference_sha256 == images_sha256(digits, "train")
    against_test = resolve_protocol(digits, "classifier", reference="test", n=500, folder=extractors)
    assert against_test.reference_sha256 == images_sha256(digits, "test")


def test_a_yardstick_is_what_its_protocol_names(evaluator: Evaluator, protocol: Protocol) -> None:
    assert evaluator.protocol == protocol
    assert evaluator.extractor.sha256 == evaluator.reference.extractor_sha256 == protocol.extractor_sha256
    assert evaluator.reference.images_sha256 == protocol.reference_sha256
    assert evaluator.bounds.n == protocol.n
    assert evaluator.shape == (1, 8, 8)


def test_other_images_are_refused(digits: Dataset, extractors: Path, protocol: Protocol) -> None:
    flipped = dataclasses.replace(digits, train=digits.train.flip(-1))
    with pytest.raises(ProtocolError, match="not those of the protocol"):
        open_evaluator(protocol, flipped, folder=extractors)


def test_a_classifier_trained_elsewhere_must_be_brought_along(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweep.scoring.shipped_classifiers.SHIPPED", {})
    recipe = dataclasses.replace(RECIPES["digits"], epochs=2, least_accuracy=0.3)
    monkeypatch.setitem(RECIPES, "digits", recipe)
    there, here = tmp_path / "there", tmp_path / "here"
    protocol = resolve_protocol(digits, "classifier", n=64, folder=there)
    # Stands for a CPU that rounds otherwise: the same dataset, another file.
    monkeypatch.setitem(RECIPES, "digits", dataclasses.replace(recipe, epochs=1))
    with pytest.raises(ProtocolError, match="The protocol scores with digits-cnn") as caught:
        open_evaluator(protocol, digits, folder=here)
    assert caught.value.next.startswith(f"Copy {protocol.extractor}.pt")
    name = f"{protocol.extractor}.pt"
    (here / name).write_bytes((there / name).read_bytes())
    assert open_evaluator(protocol, digits, folder=here).extractor.sha256 == protocol.extractor_sha256


def test_a_shipped_classifier_needs_no_file(digits: Dataset, protocol: Protocol, tmp_path: Path) -> None:
    assert open_evaluator(protocol, digits, folder=tmp_path).extractor.sha256 == protocol.extractor_sha256
    assert not list(tmp_path.glob("*.pt"))


def test_a_file_with_the_right_name_and_other_weights_is_refused(
    digits: Dataset, extractors: Path, protocol: Protocol
) -> None:
    renamed = protocol.model_copy(update={"extractor_sha256": "0" * 64})
    with pytest.raises(ProtocolError, match="The protocol scores with"):
        open_evaluator(renamed, digits, folder=extractors)
