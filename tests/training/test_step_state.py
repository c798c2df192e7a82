from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sweep.config.run import TrainConfig
from sweep.data.dataset import Dataset
from sweep.nets.cuda_graph import eager
from sweep.training.interfaces import RunContext
from sweep.training.step_state import StepState, StepStateCache, step_state_key
from sweep.training.trainer import Training, make_step
from tests.helpers.recorded_step import Recorded
from tests.helpers.tiny_training import TINY_MLP, TINY_UNET, tiny

LOOK = 7
IMPORTANCE = {
    "objective": "vlb",
    "learned_variance": True,
    "t_sampling": "importance",
    "T": 5,
    "batch": 64,
    "beta_T": 0.1,
    "schedule": "linear",
}
TERMS = {"contrastive_weight": 0.1, "dispersive_weight": 0.1, "perceptual_weight": 0.1}


def context(tmp_path: Path) -> RunContext:
    return RunContext(folder=tmp_path, attempt="1")


def run(step_state: StepState, steps: int, first: int = 1) -> list[tuple[float, float]]:
    """Loss and gradient norm of each step."""
    told = []
    for step in range(first, first + steps):
        make_step(step_state, step)
        told.append((step_state.loss.item(), step_state.norm.item()))
    return told


def assert_equal_state(one: StepState, other: StepState, tolerance: float = 0.0) -> None:
    found, expected = one.averages.products(), other.averages.products()
    assert found.keys() == expected.keys()
    for average, weights in expected.items():
        for name, value in weights.items():
            torch.testing.assert_close(found[average][name], value, rtol=0.0, atol=tolerance)


def test_a_replayed_step_is_the_eager_one_over_100_steps(digits: Dataset, tmp_path: Path) -> None:
    config = tiny(steps=100, net={**TINY_UNET, "channels": 4}, batch=4)
    recorded = StepState(config, digits, context(tmp_path), LOOK, Recorded)
    plain = StepState(config, digits, context(tmp_path), LOOK, eager)
    found, expected = (torch.tensor(run(step_state, 100)) for step_state in (recorded, plain))
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)
    assert recorded._step_fn.replays == 96
    assert_equal_state(recorded, plain, 1e-6)


# radam and rmsprop ask the host for their counts on the CPU; on a GPU they do not (tests/gpu).
@pytest.mark.parametrize("optimizer", ["adamw", "adabelief"])
def test_an_optimizer_keeps_its_state_in_place(digits: Dataset, tmp_path: Path, optimizer: str) -> None:
    config = tiny(optimizer=optimizer, net=TINY_MLP)
    plain = StepState(config, digits, context(tmp_path), LOOK, eager)
    expected = run(plain, 12)
    recorded = StepState(config, digits, context(tmp_path), LOOK, Recorded)
    assert run(recorded, 12) == expected
    assert_equal_state(recorded, plain)


@pytest.mark.parametrize("changes", [IMPORTANCE, TERMS, {"power_ema": (0.05, 0.1), "power_ema_snapshots": 4}, {}])
def test_one_recorded_step_serves_another_run_of_the_net(
    digits: Dataset, tmp_path: Path, changes: dict[str, Any]
) -> None:
    first = tiny(**changes)
    # Everything that may differ, does. What was baked in at the recording would show.
    second = tiny(
        **{
            **changes,
            "seed": 5,
            "steps": 20,
            "lr": 5e-3,
            "lr_schedule": "one_cycle",
            "warmup_images": 0,
            "schedule": "linear",
            "beta_T": 0.15,
            "ema_decays": (0.3, 0.8),
            "ema_starts": (("ramp_power", 0.99), ("initial", 0.7)),
            **({} if "objective" in changes else {"weighting": "min_snr", "gamma": 2.0}),
        }
    )
    where = context(tmp_path)
    assert step_state_key(first, digits, where, LOOK) == step_state_key(second, digits, where, LOOK)
    recorded = StepState(first, digits, where, LOOK, Recorded)
    run(recorded, 9)
    recorded.restart(second)
    fresh = StepState(second, digits, where, LOOK, eager)
    assert run(recorded, 9) == run(fresh, 9)
    assert recorded._step_fn.replays == 14
    assert_equal_state(recorded, fresh)
    if fresh.power is not None and recorded.power is not None:
        theirs, ours = fresh.power.state_dict()["averages"], recorded.power.state_dict()["averages"]
        for std, means in theirs["means"].items():
            assert all(torch.equal(a, b) for a, b in zip(means, ours["means"][std], strict=True))


@pytest.mark.parametrize(
    "changes",
    [
        {"batch": 4},
        {"T": 40},
        {"loss": "l1"},
        {"grad_clip": None},
        {"ema_decays": (0.5,)},
        {"ema_starts": ()},
        {"flip": False},
    ],
)
def test_what_a_step_bakes_in_makes_another_state(digits: Dataset, tmp_path: Path, changes: dict[str, Any]) -> None:
    where = context(tmp_path)
    assert step_state_key(tiny(), digits, where, LOOK) != step_state_key(tiny(**changes), digits, where, LOOK)


def test_a_cached_state_gives_the_bits_of_a_new_one(digits: Dataset, tmp_path: Path) -> None:
    cache = StepStateCache()

    def trained(config: TrainConfig, cache: StepStateCache | None) -> Training:
        training = Training(config, digits, context(tmp_path), sync_every_steps=LOOK, cache=cache)
        for _ in range(9):
            training.advance()
        return training

    before = trained(tiny(), cache)
    after = trained(tiny(seed=9, ema_decays=(0.2, 0.7)), cache)
    assert after.step_state is before.step_state
    assert_equal_state(after.step_state, trained(tiny(seed=9, ema_decays=(0.2, 0.7)), None).step_state)
    assert trained(tiny(optimizer="radam"), cache).step_state is not before.step_state


@pytest.mark.parametrize("optimizer", ["adam", "radam", "adabelief", "rmsprop"])
def test_a_cached_state_resumes_in_place(digits: Dataset, tmp_path: Path, optimizer: str) -> None:
    config, other = tiny(optimizer=optimizer), tiny(optimizer=optimizer, seed=3)
    whole = Training(config, digits, context(tmp_path), sync_every_steps=LOOK)
    for _ in range(5):
        whole.advance()
    saved = torch.load(_saved(whole, tmp_path), weights_only=True)
    cache = StepStateCache()
    used = Training(other, digits, context(tmp_path), sync_every_steps=LOOK, cache=cache)
    used.advance()
    resumed = Training(config, digits, context(tmp_path), sync_every_steps=LOOK, cache=cache)
    addresses = [value.data_ptr() for state in resumed.optimizer.state.values() for value in state.values()]
    resumed.load_state_dict(saved)
    for _ in range(4):
        whole.advance()
        resumed.advance()
    assert addresses == [value.data_ptr() for state in resumed.optimizer.state.values() for value in state.values()]
    assert_equal_state(resumed.step_state, whole.step_state)


def _saved(training: Training, folder: Path) -> Path:
    path = folder / "state.pt"
    torch.save(training.state_dict(), path)
    return path
