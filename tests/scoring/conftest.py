from __future__ import annotations

from pathlib import Path

import pytest

from sweep.config.run import Protocol
from sweep.data.dataset import Dataset
from sweep.data.sources import load_dataset
from sweep.diffusion.process import Diffusion
from sweep.diffusion.schedules import beta_schedule
from sweep.nets.mlp import MLP
from sweep.nets.unet import UNet
from sweep.scoring.evaluator import Evaluator, open_evaluator, resolve_protocol
from tests.helpers.tiny_net import tiny_unet


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load_dataset("digits")


@pytest.fixture(scope="session")
def extractors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder in which the digits classifier and its references live for all tests."""
    return tmp_path_factory.mktemp("extractors")


@pytest.fixture(scope="session")
def protocol(digits: Dataset, extractors: Path) -> Protocol:
    return resolve_protocol(digits, "classifier", n=500, noise_sets=(0, 1, 2), folder=extractors)


@pytest.fixture(scope="session")
def evaluator(digits: Dataset, extractors: Path, protocol: Protocol) -> Evaluator:
    return open_evaluator(protocol, digits, folder=extractors)


@pytest.fixture(scope="session")
def diffusion() -> Diffusion:
    return Diffusion.from_betas(beta_schedule("linear_scaled", 100))


@pytest.fixture
def unet() -> UNet | MLP:
    return tiny_unet()
