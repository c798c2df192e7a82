"""What a step would launch on a GPU, counted without one: shapes, strides and types alone decide it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sweep.config.run import TrainConfig
from sweep.data.dataset import Dataset
from sweep.nets.cuda_graph import eager
from sweep.training.interfaces import RunContext
from sweep.training.step_state import StepState
from sweep.training.trainer import training_step
from tests.benchmarks.cases import GPU, Case
from tests.helpers.fake_cuda import Launches, shapes_alone
from tests.helpers.tiny_training import TINY_UNET, tiny


def launched(monkeypatch: pytest.MonkeyPatch, config: TrainConfig, dataset: Dataset, folder: Path) -> Launches:
    """The kernels of the second step of a channels-last net."""
    context = RunContext(folder=folder, attempt="1", channels_last=True)
    with shapes_alone(monkeypatch):
        state = StepState(config, dataset, context, 7, eager)
        state.prefetcher.seek(1)
        training_step(state)
        with Launches() as launches:
            training_step(state)
        assert all(p.grad is not None and p.grad.stride() == p.stride() for p in state.net.parameters())
    return launches


# Averages were views in rows: torch copied all of a net's tensors one by one because some lay channels-last.
@pytest.mark.parametrize(
    "changes", [{"precision": "bf16", "power_ema": (0.05, 0.1), "ema_decays": (0.9, 0.99)}, {"optimizer": "adabelief"}]
)
def test_every_operator_over_all_weights_is_one_kernel(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    launches = launched(monkeypatch, tiny(net=TINY_UNET, **changes), digits, tmp_path)
    assert not launches.slow
    assert launches.kernels["_foreach_copy_"] == (2 if "power_ema" in changes else 1)


# Before averages lay as the net does: 1,725 and 1,330.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "kernels"), list(zip(GPU, (1_430, 1_095), strict=True)), ids=lambda value: str(value)[:20]
)
def test_kernels_of_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case, kernels: int) -> None:
    launches = launched(monkeypatch, case.config, case.dataset(), tmp_path)
    assert not launches.slow
    assert 0.8 * kernels < launches.total <= kernels


def test_a_wait_for_the_device_is_seen() -> None:
    with Launches(), pytest.raises(AssertionError, match="waits for the device"):
        bool(torch.zeros(1)[0] > 0)
