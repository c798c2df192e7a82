from __future__ import annotations

import urllib.error
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.utils import create_feature_extractor

from sweep.data.dataset import Dataset
from sweep.errors import DataError
from sweep.scoring.features import load_extractor
from sweep.scoring.inception import PUBLISHED_SHA256, WEIGHTS_VARIABLE

CPU = torch.device("cpu")


class _Untrained(FeatureExtractorInceptionV3):
    def load_state_dict(self, *_args: object, **_kwargs: object) -> None:
        """Stay with the random weights: the trained ones are 96 MB away."""


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inception")
    torch.save({}, folder / "empty.pth")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = _Untrained("inception-v3-compat", ["2048"], feature_extractor_weights_path=str(folder / "empty.pth"))
    torch.save(net.state_dict(), folder / "random.pth")
    return folder / "random.pth"


def test_features_are_those_torch_fidelity_measures_by_default(
    digits: Dataset, random_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(random_weights))
    state = torch.get_rng_state()
    extractor = load_extractor("inception", digits, folder=tmp_path, device=CPU)
    assert torch.equal(torch.get_rng_state(), state)
    # Other weights than the published ones must never pass for FID.
    assert extractor.name == f"inception-{extractor.sha256[:8]}"
    gray = digits.test[:3]
    seen = extractor.extract(gray, batch=2)
    assert (seen.penultimate.shape, seen.logits.shape) == ((3, 2048), (3, 1008))
    metrics = ("fid", "isc")
    layers = [FeatureExtractorInceptionV3.get_default_feature_layer_for_metric(metric) for metric in metrics]
    theirs = create_feature_extractor(
        "inception-v3-compat", layers, cuda=False, verbose=False, feature_extractor_weights_path=str(random_weights)
    )
    penultimate, logits = theirs(gray.repeat(1, 3, 1, 1))
    np.testing.assert_allclose(seen.penultimate, penultimate.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(seen.logits, logits.numpy(), rtol=1e-4, atol=1e-5)


def test_files_that_hold_something_else_are_refused_before_they_are_unpickled(digits: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    for content in ({"fc.weight": torch.zeros(2)}, Path("code in a pickle")):
        torch.save(content, path)
        with pytest.raises(DataError, match="does not hold the weights"):
            load_extractor("inception", digits, folder=tmp_path, device=CPU, weights=path)
    with pytest.raises(DataError, match="No Inception weights"):
        load_extractor("inception", digits, folder=tmp_path, device=CPU, weights=tmp_path / "missing.pth")


def test_offline_says_what_to_do(digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_args: object, **_kwargs: object) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.delenv(WEIGHTS_VARIABLE, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", no_network)
    monkeypatch.setattr("torch.hub.urlopen", no_network)
    with pytest.raises(DataError, match="could not be fetched") as caught:
        load_extractor("inception", digits, folder=tmp_path, device=CPU)
    assert WEIGHTS_VARIABLE in caught.value.next
    assert "extractor: classifier" in caught.value.next


def test_the_published_weights_are_known_by_hash() -> None:
    # The suffix of the file in torch-fidelity's v0.2.0 release.
    assert PUBLISHED_SHA256 == "6726825d"
