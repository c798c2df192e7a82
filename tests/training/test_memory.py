"""What a training or a sampling leaves behind: nothing, without waiting for the cyclic collector.

On a GPU that memory is what the next net asks for: a state that outlives its training looks like a device that is full.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sweep.data.dataset import Dataset
from sweep.scoring.predictor import FixedPredictor
from sweep.training import checkpoint
from sweep.training.checkpoint import CheckpointRef
from sweep.training.interfaces import Hooks, RunContext, TrainingCadence
from sweep.training.loop import train
from sweep.training.step_state import StepState, StepStateCache
from tests.helpers.tiny_training import tiny

NETS = [{"kind": "mlp", "width": width} for width in (8, 12, 16, 20)]


@pytest.fixture
def no_collector() -> Iterator[None]:
    """As between two runs of the cyclic collector, which may be minutes apart."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def alive(kind: type) -> int:
    return sum(type(each) is kind for each in gc.get_objects())


@pytest.mark.usefixtures("no_collector")
def test_after_twenty_trainings_of_four_nets_one_state_is_alive(digits: Dataset, tmp_path: Path) -> None:
    cache, before = StepStateCache(), alive(StepState)
    for k in range(20):
        config = tiny(net=NETS[k % 4], seed=k)
        train(config, digits, RunContext(folder=tmp_path / str(k), attempt="1"), cache=cache)
    assert alive(StepState) - before == 1


@pytest.mark.usefixtures("no_collector")
def test_a_predictor_goes_with_its_last_user(digits: Dataset) -> None:
    net, before = torch.nn.Conv2d(1, 1, 1), alive(FixedPredictor)
    for _ in range(3):
        predict = FixedPredictor(_TwoArguments(net), "fp32", (2, 1, 8, 8), torch.device("cpu"))
        predict(torch.zeros(2, 1, 8, 8), torch.zeros(2, dtype=torch.int64))
        del predict
    assert alive(FixedPredictor) == before


@pytest.mark.usefixtures("no_collector")
def test_a_resumed_run_does_not_keep_its_checkpoint(digits: Dataset, tmp_path: Path) -> None:
    saved: list[CheckpointRef] = []
    context, often = RunContext(folder=tmp_path, attempt="1"), TrainingCadence(checkpoint_seconds=0.0)
    train(tiny(), digits, context, hooks=Hooks(saved=saved.append), cadence=often, until=3)
    read = checkpoint.read(saved[-1])
    weights = [weakref.ref(tensor) for tensor in read.state["net"].values()]
    seen: list[int] = []

    def count() -> bool:
        seen.append(sum(reference() is not None for reference in weights))
        return False

    boxed = [read]
    del read
    train(tiny(), digits, replace(context, attempt="2"), hooks=Hooks(should_stop=count), resume=boxed.pop())
    assert seen
    assert set(seen) == {0}


class _TwoArguments(torch.nn.Module):
    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
        return self.net(x)
