"""Preparation on a machine that works for a store of files behind a URL."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sweep.config.data import DataConfig
from sweep.config.protocol_request import ProtocolRequest
from sweep.data.dataset import Dataset
from sweep.files.file_names import EXTRACTORS
from sweep.files.file_store import FileStore, file_store_at
from sweep.scoring.classifier import RECIPES, Classifier, train_net
from sweep.scoring.classifier_file import load_classifier
from sweep.scoring.evaluator import Evaluator, open_evaluator
from sweep.scoring.progress import Progress
from sweep.worker.messages import Counted, Message
from sweep.worker.orders import PrepareJob
from sweep.worker.preparation import evaluator_of, prepare

DIGITS = DataConfig(name="digits")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPES["digits"], epochs=2, width=8, least_accuracy=0.3)
    monkeypatch.setitem(RECIPES, "digits", recipe)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_damaged_weights_come_from_the_store_of_files_and_are_trained_where_they_are_damaged_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = file_store_at(f"file://{tmp_path}/remote")
    heard: list[Message] = []
    request = ProtocolRequest(extractor="classifier", n=60, noise_sets=1)
    protocol = prepare(PrepareJob(DIGITS, request, files), heard.append).protocol
    assert protocol.noise == "per_seed"
    asked_for = request.model_copy(update={"noise": "shared"})
    assert prepare(PrepareJob(DIGITS, asked_for, files), heard.append).protocol.noise == "shared"
    parts = list(dict.fromkeys(message.what for message in heard if isinstance(message, Counted)))
    assert parts == ["training the classifier", "features of the real images", "bounds of the scores"]

    name = f"{EXTRACTORS}/{protocol.extractor}.pt"
    here, there = files.path(name), tmp_path / "remote" / name
    whole = here.read_bytes()
    device = torch.device("cpu")

    here.write_bytes(whole[:-5])
    monkeypatch.setattr("sweep.scoring.classifier_file.train_net", None)
    evaluator_of.cache_clear()
    assert evaluator_of(protocol, DIGITS, files, device).extractor.sha256 == protocol.extractor_sha256
    assert here.read_bytes() == whole

    here.write_bytes(b"")
    there.write_bytes(whole[:-5])
    monkeypatch.setattr("sweep.scoring.classifier_file.train_net", train_net)
    evaluator_of.cache_clear()
    assert evaluator_of(protocol, DIGITS, files, device).extractor.sha256 == protocol.extractor_sha256
    assert here.read_bytes() == whole


# All of it was computed on one thread of the CPU, also where a launch had a GPU.
def test_a_preparation_uses_its_device_and_all_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}

    def trained(dataset: Dataset, labels: Tensor, on_progress: Progress, device: torch.device) -> Classifier:
        seen["trained on"] = device
        return train_net(dataset, labels, on_progress)

    def opened(*arguments: Any, device: torch.device, parallel: int, **others: Any) -> Evaluator:
        seen["features on"], seen["parallel"] = device, parallel
        return open_evaluator(*arguments, **others)

    monkeypatch.setattr("sweep.scoring.classifier_file.train_net", trained)
    monkeypatch.setattr("sweep.scoring.classifier_file.load_classifier", load_on_cpu)
    monkeypatch.setattr("sweep.scoring.features.load_classifier", load_on_cpu)
    monkeypatch.setattr("sweep.worker.preparation.open_evaluator", opened)
    request = ProtocolRequest(extractor="classifier", n=60, noise_sets=1)
    cores = 3 * torch.get_num_threads()
    for number, device in enumerate((torch.device("cpu"), torch.device("cuda", 0))):
        job = PrepareJob(DIGITS, request, FileStore(tmp_path / str(number)), cores)
        prepare(job, lambda _: None, device)
        assert seen == {"trained on": device, "features on": device, "parallel": 3 if device.type == "cpu" else 1}


def load_on_cpu(path: Path, _device: torch.device) -> tuple[str, str, Classifier]:
    return load_classifier(path, torch.device("cpu"))
