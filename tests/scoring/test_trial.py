"""What every score would meet is met by a score of real images, before anything is trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sweep.config.data import DataConfig
from sweep.config.protocol_request import ProtocolRequest
from sweep.data.dataset import Dataset
from sweep.errors import DataError, ProtocolError
from sweep.files.file_store import FileStore
from sweep.scoring.evaluator import Evaluator
from sweep.scoring.trial import try_score
from sweep.worker import preparation
from sweep.worker.orders import PrepareJob


class OneLogit(torch.nn.Module):
    """As a classifier of one class would answer."""

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return images.flatten(1).float(), torch.ones(len(images), 1)


def test_features_that_no_score_can_be_made_of_are_met_at_once(
    evaluator: Evaluator, digits: Dataset, tmp_path: Path
) -> None:
    broken = replace(evaluator, extractor=replace(evaluator.extractor, net=OneLogit()))
    with pytest.raises(ProtocolError, match="Logits of real images"):
        try_score(broken, digits, folder=tmp_path)


def test_it_is_done_once_for_each_protocol(
    evaluator: Evaluator, digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try_score(evaluator, digits, folder=tmp_path)
    (note,) = tmp_path.glob("tried-*.json")
    monkeypatch.setattr("sweep.scoring.measure.measure_distances", lambda *_, **__: pytest.fail("tried again"))
    try_score(evaluator, digits, folder=tmp_path)
    assert evaluator.protocol.extractor_sha256[:16] in note.name


def test_an_error_of_a_library_names_the_images_and_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: object, **_settings: object) -> None:
        raise ValueError("SVD did not\nconverge")

    monkeypatch.setattr(preparation, "resolve_protocol", fails)
    job = PrepareJob(DataConfig(), ProtocolRequest(), FileStore(tmp_path))
    with pytest.raises(DataError, match="the scores of digits cannot be prepared") as error:
        preparation.prepare(job, lambda _: None)
    assert error.value.why == "ValueError: SVD did not converge"
    assert "sweep doctor" in error.value.next
