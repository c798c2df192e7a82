"""`data: {name: cifar10, validation: 0}` trains on all published training images."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from sweep.config.data import WITH_OFFICIAL_TEST, DataConfig
from sweep.config.keys import train_key
from sweep.config.run import TrainConfig
from sweep.data.dataset import with_official_test
from sweep.data.facts import DATASET_FACTS
from sweep.training.validation import validation_points


def test_the_key_moves_only_where_it_is_written() -> None:
    usual = TrainConfig(data=DataConfig(name="cifar10"))
    assert "validation" not in usual.data.model_dump()
    assert train_key(TrainConfig(data=DataConfig(name="cifar10", validation=0))) != train_key(usual)


def test_only_data_sets_with_a_test_split_take_it() -> None:
    for name in DATASET_FACTS:
        if name in WITH_OFFICIAL_TEST:
            DataConfig(name=name, validation=0)
        else:
            with pytest.raises(ValidationError, match="mnist, fashion_mnist, cifar10"):
                DataConfig(name=name, validation=0)
    with pytest.raises(ValidationError):
        DataConfig(name="mnist", validation=60_000)


def test_published_counts() -> None:
    """50,000 images are in the training split of CIFAR-10 (Krizhevsky 2009), and Ho et al. 2020 train on all."""
    assert DATASET_FACTS["cifar10"].with_validation(0).train == 50_000
    assert DATASET_FACTS["mnist"].with_validation(0).train == 60_000
    assert DATASET_FACTS["mnist"].with_validation(None) == DATASET_FACTS["mnist"]


def test_all_images_are_trained_on_in_their_order_and_none_is_held_out() -> None:
    images = torch.arange(40, dtype=torch.uint8).reshape(10, 1, 2, 2)
    labels = torch.arange(10)
    dataset = with_official_test("mnist", (images, labels), (images, labels), validation=0)
    assert torch.equal(dataset.train, images)
    assert len(dataset.validation) == 0
    assert validation_points(20, images=1000, held_out=0) == 0
