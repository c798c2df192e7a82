from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sweep.data.dataset import Dataset
from sweep.data.pixels import to_model_range
from sweep.errors import ProtocolError, UsageError
from sweep.nets.random_features import RandomFeatures
from sweep.scoring.classifier import Classifier
from sweep.scoring.evaluator import Evaluator
from sweep.scoring.features import EXTRACTORS, Extractor, load_extractor
from sweep.scoring.reference import uniform_noise

CPU = torch.device("cpu")


def test_batch_size_moves_features_by_rounding_only(digits: Dataset, evaluator: Evaluator) -> None:
    whole = evaluator.extractor.extract(digits.test)
    assert whole.penultimate.shape == (300, evaluator.extractor.dim)
    assert {whole.penultimate.dtype.name, whole.logits.dtype.name} == {"float32"}
    for batch in (1, 7, 299):
        parts = evaluator.extractor.extract(digits.test, batch=batch)
        np.testing.assert_allclose(parts.penultimate, whole.penultimate, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(parts.logits, whole.logits, rtol=1e-4, atol=1e-4)


# More threads for an operator would move its last bits, and with them every score.
@pytest.mark.parametrize("parallel", [2, 5])
def test_batches_that_are_computed_at_once_give_the_same_bits(
    digits: Dataset, evaluator: Evaluator, parallel: int
) -> None:
    told: list[tuple[int, int]] = []
    noise = uniform_noise((90, 3, 32, 32))
    net = Classifier(3, 32, 10, 32)
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.05, generator=torch.Generator().manual_seed(parameter.ndim))
    wide = Extractor(name="wide", sha256="0", dim=net.dim, batch=16, net=net.requires_grad_(False), device=CPU)
    for extractor, images in ((evaluator.extractor, digits.test), (wide, noise)):
        alone = extractor.extract(images, batch=16)
        at_once = replace(extractor, parallel=parallel).extract(
            images, batch=16, on_progress=lambda *now: told.append(now)
        )
        assert np.array_equal(at_once.penultimate, alone.penultimate)
        assert np.array_equal(at_once.logits, alone.logits)
        assert told[-1] == (len(images), len(images))


def test_row_k_is_image_k(digits: Dataset, evaluator: Evaluator) -> None:
    order = torch.arange(299, -1, -1)
    turned = evaluator.extractor.extract(digits.test[order]).penultimate
    np.testing.assert_allclose(turned[::-1], evaluator.extractor.extract(digits.test).penultimate, atol=1e-5)


def test_logits_are_logits_and_features_are_features(digits: Dataset, evaluator: Evaluator) -> None:
    # An extractor that mixes up its two outputs gives a wrong score without an error.
    seen = evaluator.extractor.extract(digits.test)
    assert digits.test_labels is not None
    assert np.mean(seen.logits.argmax(axis=1) == digits.test_labels.numpy()) > 0.95
    assert seen.penultimate.min() == 0


def test_refuses_what_is_not_uint8_images(digits: Dataset, evaluator: Evaluator) -> None:
    for images in (to_model_range(digits.test), digits.test / 255, digits.test[0], digits.test.int()):
        with pytest.raises(ProtocolError, match="takes uint8 images"):
            evaluator.extractor.extract(images)


def test_tells_its_progress(digits: Dataset, evaluator: Evaluator) -> None:
    told: list[tuple[int, int]] = []
    evaluator.extractor.extract(digits.test, batch=200, on_progress=lambda *now: told.append(now))
    assert told == [(200, 300), (300, 300)]


def test_extractors_have_names(digits: Dataset, tmp_path: Path) -> None:
    assert set(EXTRACTORS) == {"inception", "classifier"}
    with pytest.raises(UsageError, match="no feature extractor named 'vgg'"):
        load_extractor("vgg", digits, folder=tmp_path, device=CPU)


class ThroughTheLoss(nn.Module):
    """What a score must not be: features of the perceptual term, in whatever wrapping."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(RandomFeatures(1))

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = self.inner(images.float())[-1].flatten(1)
        return features, features


def test_the_perceptual_network_is_never_an_extractor(
    digits: Dataset, evaluator: Evaluator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = list(RandomFeatures(1).parameters())
    for theirs in evaluator.extractor.net.parameters():
        assert not any(ours.shape == theirs.shape and torch.equal(ours, theirs) for ours in frozen)
    wrapped = Extractor(name="mine", sha256="0", dim=512, batch=8, net=ThroughTheLoss(), device=CPU)
    monkeypatch.setitem(EXTRACTORS, "mine", lambda *_a, **_k: wrapped)
    with pytest.raises(ProtocolError, match="scored by what it was trained on") as caught:
        load_extractor("mine", digits, folder=tmp_path, device=CPU)
    assert caught.value.next == "Use one of: inception, classifier."
