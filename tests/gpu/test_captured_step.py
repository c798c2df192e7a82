from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import torch

from sweep.config.part_names import Optimizer
from sweep.config.run import TrainConfig
from sweep.data.dataset import Dataset
from sweep.data.sources import load_dataset
from sweep.nets.cuda_graph import CapturedStep, eager
from sweep.training.interfaces import RunContext
from sweep.training.step_state import StepState
from sweep.training.trainer import make_step
from tests.helpers.tiny_training import tiny

LOOK = 7


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset("digits")


@pytest.fixture
def place(tmp_path: Path) -> RunContext:
    return RunContext(folder=tmp_path, attempt="1", device=torch.device("cuda", 0))


def run(state: StepState, steps: int) -> torch.Tensor:
    told = []
    for step in range(1, steps + 1):
        make_step(state, step)
        told.append([state.loss.item(), state.norm.item()])
    return torch.tensor(told)


def assert_same_run(captured: StepState, plain: StepState, steps: int) -> None:
    torch.testing.assert_close(run(captured, steps), run(plain, steps), rtol=1e-5, atol=1e-6)
    for decay in plain.averages.decays:
        found, expected = captured.averages.weights(decay), plain.averages.weights(decay)
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value, rtol=0.0, atol=1e-6)
    step = captured._step_fn
    assert isinstance(step, CapturedStep)
    assert step._graph is not None, "the step was not captured"


@pytest.fixture
def exact() -> None:
    torch.backends.cudnn.deterministic = True


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("optimizer", get_args(Optimizer))
def test_the_captured_step_is_the_plain_one_over_100_steps(digits: Dataset, place: RunContext, optimizer: str) -> None:
    config = tiny(steps=100, optimizer=optimizer)
    assert_same_run(StepState(config, digits, place, LOOK), StepState(config, digits, place, LOOK, eager), 100)


@pytest.mark.usefixtures("exact")
def test_a_captured_step_serves_the_next_run(digits: Dataset, place: RunContext) -> None:
    second = tiny(seed=5, lr=5e-3, lr_schedule="one_cycle", ema_decays=(0.3, 0.8), schedule="linear", beta_T=0.15)
    captured = StepState(tiny(), digits, place, LOOK)
    run(captured, 9)
    captured.restart(second)
    assert_same_run(captured, StepState(second, digits, place, LOOK, eager), 9)


@pytest.mark.parametrize(
    "changes",
    [
        {"objective": "vlb", "learned_variance": True, "t_sampling": "importance", "T": 5, "batch": 64, "beta_T": 0.1},
        {"contrastive_weight": 0.1, "dispersive_weight": 0.1, "perceptual_weight": 0.1},
        {"precision": "bf16", "power_ema": (0.05, 0.1)},
    ],
)
def test_every_kind_of_step_can_be_captured(digits: Dataset, place: RunContext, changes: dict[str, object]) -> None:
    config: TrainConfig = tiny(schedule="linear", **changes)
    state = StepState(config, digits, place, LOOK)
    assert run(state, 6).isfinite().all()
    step = state._step_fn
    assert isinstance(step, CapturedStep)
    assert step._graph is not None
