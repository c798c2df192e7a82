from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sweep.data.dataset import Dataset
from sweep.errors import InfeasibleConfig
from sweep.training.batch import Labels, draw_batch, host_draws
from sweep.training.checkpoint import load_weights
from sweep.training.interfaces import RunContext
from sweep.training.loop import train
from sweep.training.snapshot_files import load_snapshot
from tests.helpers.tiny_training import TINY_MLP, TINY_UNET, tiny

SHAPE = (1297, 1, 8, 8)


def labels_of(digits: Dataset) -> Labels:
    return Labels(digits.class_of("train"), len(digits.classes))


def test_dropping_labels_moves_no_other_draw() -> None:
    plain = host_draws(5, tiny(contrastive_weight=1.0), 3, SHAPE)
    dropping = host_draws(5, tiny(contrastive_weight=1.0, conditional=True, label_dropout=0.3), 3, SHAPE)
    for name in ("index", "t", "mirrored", "second_i", "second_noise"):
        assert torch.equal(getattr(plain, name), getattr(dropping, name)), name
    assert plain.label_dropped is None
    assert dropping.label_dropped is not None


def test_each_image_is_shown_with_its_own_class_or_with_none(digits: Dataset) -> None:
    config, labels = tiny(batch=1000, conditional=True, label_dropout=0.25, flip=False), labels_of(digits)
    batch, draws = draw_batch(digits.train, 2, config, 0, labels=labels), host_draws(2, config, 0, SHAPE)
    assert batch.labels is not None
    assert digits.train_labels is not None
    dropped = batch.labels == 10
    assert torch.equal(batch.labels[~dropped], digits.train_labels[draws.index][~dropped])
    assert abs(float(dropped.float().mean()) - 0.25) < 0.05  # more than three standard errors
    always = draw_batch(digits.train, 2, tiny(batch=1000, conditional=True), 0, labels=labels)
    assert always.labels is not None
    assert bool((always.labels < 10).all())


@pytest.mark.parametrize("net", [TINY_UNET, TINY_MLP])
def test_a_conditional_training_learns_its_classes(digits: Dataset, tmp_path: Path, net: dict[str, object]) -> None:
    config = tiny(net=net, conditional=True, label_dropout=0.2, power_ema=(0.1,), power_ema_snapshots=4)
    result = train(config, digits, RunContext(folder=tmp_path, attempt="1"))
    weights = load_weights(result.weights.path, result.weights.sha256, decay=0.0)
    earlier = load_snapshot(result.weights.path, result.weights.sha256, until=6)
    embedding = weights["time_embedding.classes.weight"]
    assert embedding.shape[0] == 11
    moved = (embedding - earlier["time_embedding.classes.weight"]).abs().amax(dim=1)
    assert bool((moved > 0).all())


def test_images_without_classes_are_refused(digits: Dataset, tmp_path: Path) -> None:
    plain = Dataset(
        name="mine",
        train=digits.train,
        validation=digits.validation,
        test=digits.test,
        train_labels=None,
        validation_labels=None,
        test_labels=None,
    )
    with pytest.raises(InfeasibleConfig, match="have no classes"):
        train(tiny(conditional=True), plain, RunContext(folder=tmp_path, attempt="1"))


def test_other_classes_of_equal_images_are_other_data(digits: Dataset) -> None:
    assert digits.train_labels is not None
    other = Dataset(
        name=digits.name,
        train=digits.train,
        validation=digits.validation,
        test=digits.test,
        train_labels=digits.train_labels.roll(1),
        validation_labels=digits.validation_labels,
        test_labels=digits.test_labels,
    )
    assert other.content_sha256 == digits.content_sha256
    assert other.labelled_sha256 != digits.labelled_sha256
