from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any, get_args

import pytest
import torch

from sweep.config.part_names import Optimizer
from sweep.config.run import TrainConfig
from sweep.data.dataset import Dataset
from sweep.errors import CheckpointError, Diverged, Preempted, UsageError
from sweep.training import checkpoint, loop
from sweep.training.checkpoint import CheckpointRef
from sweep.training.initial_net import build_net
from sweep.training.interfaces import Hooks, Progress, RunContext, TrainingCadence
from sweep.training.loop import train
from sweep.training.power_ema import PowerEMA
from sweep.training.snapshot_files import load_power_weights
from sweep.training.trainer import Training, accumulate_gradients, prefetched_batch
from tests.helpers.tiny_training import TINY_MLP, TINY_UNET, tiny

# Three and a half windows of the curves, so that a resume falls inside one.
CADENCE = TrainingCadence(reports=4, validations=2, checkpoint_seconds=1e9, sync_every_steps=2)
Curve = dict[int, dict[str, float]]


class Listener:
    """Keeps the curve and the checkpoints; asks for a stop after the given steps."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.curve: Curve = {}
        self.refs: list[CheckpointRef] = []
        self.asked = 0
        self.stop_at = stop_at

    @property
    def hooks(self) -> Hooks:
        return Hooks(report=self.report, saved=self.refs.append, should_stop=self.should_stop)

    def report(self, progress: Progress) -> None:
        metrics = {name: value for name, value in progress.metrics.items() if name != "images_per_second"}
        assert self.curve.setdefault(progress.step, metrics) == metrics

    def should_stop(self) -> bool:
        self.asked += 1
        return self.stop_at is not None and self.asked > self.stop_at


def whole(config: TrainConfig, digits: Dataset, folder: Path, **context: Any) -> tuple[str, Curve]:
    """Hash of the products, and the curve, of an uninterrupted run."""
    listener = Listener()
    result = train(
        config, digits, RunContext(folder=folder, attempt="1", **context), hooks=listener.hooks, cadence=CADENCE
    )
    assert result.step == config.steps
    return result.weights.sha256, listener.curve


def stopped(config: TrainConfig, digits: Dataset, folder: Path, at: int) -> Listener:
    listener = Listener(stop_at=at)
    with pytest.raises(Preempted, match=f"after step {at} of"):
        train(config, digits, RunContext(folder=folder, attempt="1"), hooks=listener.hooks, cadence=CADENCE)
    return listener


def continued(
    config: TrainConfig, digits: Dataset, folder: Path, ref: CheckpointRef, curve: Curve, token: int = 2
) -> tuple[str, Curve]:
    listener = Listener()
    listener.curve = dict(curve)
    context = RunContext(folder=folder, attempt=str(token))
    result = train(config, digits, context, hooks=listener.hooks, cadence=CADENCE, resume=checkpoint.read(ref))
    return result.weights.sha256, listener.curve


def test_a_training_in_segments_is_the_training_in_one(digits: Dataset, tmp_path: Path) -> None:
    """Paused at two rungs: the same curve and the same weights, and each rung's weights are those of its step."""
    config = tiny()
    product, curve = whole(config, digits, tmp_path / "whole")
    listener, rungs = Listener(), []
    for token, until in enumerate((5, 7, None), start=1):
        context = RunContext(folder=tmp_path / "parts", attempt=str(token))
        resume = checkpoint.read(listener.refs[-1]) if listener.refs else None
        part = train(config, digits, context, hooks=listener.hooks, cadence=CADENCE, resume=resume, until=until)
        rungs.append(part)
    assert [part.step for part in rungs] == [5, 7, 12]
    assert [ref.step for ref in listener.refs] == [5, 7]
    assert (rungs[-1].weights.sha256, listener.curve) == (product, curve)
    averages = [checkpoint.load_weights(p.weights.path, p.weights.sha256, decay=0.99) for p in rungs]
    assert not torch.equal(next(iter(averages[0].values())), next(iter(averages[2].values())))


def test_loss_falls_on_digits(digits: Dataset, tmp_path: Path) -> None:
    listener = Listener()
    config = tiny(steps=150, batch=16, lr_schedule="constant", flip=False)
    cadence = TrainingCadence(reports=10, validations=5)
    train(config, digits, RunContext(folder=tmp_path, attempt="1"), hooks=listener.hooks, cadence=cadence)
    first, *_, last = listener.curve.values()
    # A net that predicts nothing has a loss of 1, the variance of the noise.
    assert 0.5 < first["train_loss"] < 1.2
    assert last["train_loss"] < 0.3
    assert last["validation_loss"] < 0.3
    assert first["clip_fraction"] > last["clip_fraction"]
    assert list(listener.curve) == list(range(15, 151, 15))
    assert [step for step, metrics in listener.curve.items() if "validation_loss" in metrics] == list(
        range(30, 151, 30)
    )


def test_same_seed_same_bits_other_seed_others(digits: Dataset, tmp_path: Path) -> None:
    torch.manual_seed(1)
    first = whole(tiny(seed=3), digits, tmp_path / "1")
    torch.manual_seed(2)
    assert whole(tiny(seed=3), digits, tmp_path / "2") == first
    assert whole(tiny(seed=4), digits, tmp_path / "3")[0] != first[0]


def test_cadence_changes_no_weight(digits: Dataset, tmp_path: Path) -> None:
    quiet = train(
        tiny(), digits, RunContext(folder=tmp_path, attempt="1"), cadence=TrainingCadence(reports=0, validations=0)
    )
    busy = TrainingCadence(reports=10**6, validations=10**6, checkpoint_seconds=0.0, sync_every_steps=1)
    assert (
        train(tiny(), digits, RunContext(folder=tmp_path, attempt="2"), cadence=busy).weights.sha256
        == quiet.weights.sha256
    )


@pytest.mark.parametrize("optimizer", get_args(Optimizer))
def test_a_stopped_and_resumed_run_is_the_uninterrupted_one(digits: Dataset, tmp_path: Path, optimizer: str) -> None:
    config = tiny(optimizer=optimizer, weight_decay=0.01, lr=1e-3)
    expected = whole(config, digits, tmp_path / "whole")
    listener = stopped(config, digits, tmp_path / "parts", at=5)
    assert continued(config, digits, tmp_path / "parts", listener.refs[-1], listener.curve) == expected


@pytest.mark.parametrize(
    "changes",
    [
        # Five t and 64 images: every t has its ten values, and t is drawn by them, after the second step.
        {"objective": "vlb", "learned_variance": True, "t_sampling": "importance", "T": 5, "batch": 64, "beta_T": 0.1},
        {"power_ema": (0.05, 0.1), "power_ema_snapshots": 4},
        {"contrastive_weight": 0.1, "dispersive_weight": 0.1, "perceptual_weight": 0.1},
    ],
    ids=["importance", "power_ema", "terms"],
)
def test_further_state_resumes_bit_for_bit_too(digits: Dataset, tmp_path: Path, changes: dict[str, Any]) -> None:
    config = tiny(schedule="linear", **changes)
    expected = whole(config, digits, tmp_path / "whole")
    listener = stopped(config, digits, tmp_path / "parts", at=7)
    assert continued(config, digits, tmp_path / "parts", listener.refs[-1], listener.curve) == expected


def test_any_width_is_made_of_the_snapshots_that_a_run_leaves(digits: Dataset, tmp_path: Path) -> None:
    config = tiny(steps=60, power_ema=(0.05, 0.10), net=TINY_MLP)
    ref = train(config, digits, RunContext(folder=tmp_path, attempt="1")).weights
    run = Training(config, digits, RunContext(folder=tmp_path, attempt="2"))
    tracked = PowerEMA(run.net, (0.08,))
    while run.step < config.steps:
        run.advance()
        tracked.update()
    expected = tracked.snapshots()[0].weights
    found = load_power_weights(ref.path, ref.sha256, std=0.08, step=60)
    raw = checkpoint.load_weights(ref.path, ref.sha256, decay=0.0)
    assert found.keys() == raw.keys()
    apart = sum(float((found[name] - expected[name]).square().sum()) for name in expected)
    averaged_away = sum(float((raw[name] - expected[name]).square().sum()) for name in expected)
    assert apart < 1e-2 * averaged_away
    with pytest.raises(UsageError, match=r"no average of width 0\.01"):
        load_power_weights(ref.path, ref.sha256, std=0.01, step=60)


def test_without_snapshots_no_width_can_be_had(digits: Dataset, tmp_path: Path) -> None:
    ref = train(tiny(steps=1), digits, RunContext(folder=tmp_path, attempt="1")).weights
    with pytest.raises(CheckpointError, match="no snapshots"):
        load_power_weights(ref.path, ref.sha256, std=0.08, step=1)


@pytest.mark.parametrize("at", [0, 1, 11])
def test_a_run_may_be_stopped_anywhere(digits: Dataset, tmp_path: Path, at: int) -> None:
    expected = whole(tiny(), digits, tmp_path / "whole")
    listener = stopped(tiny(), digits, tmp_path / "parts", at=at)
    assert listener.refs[-1].step == at
    assert continued(tiny(), digits, tmp_path / "parts", listener.refs[-1], listener.curve) == expected


def test_a_checkpoint_is_read_once(digits: Dataset, tmp_path: Path) -> None:
    """Checked by one reading and used by another, a file that was damaged in between failed the run as a bug."""
    expected = whole(tiny(), digits, tmp_path / "whole")
    listener = stopped(tiny(), digits, tmp_path / "parts", at=5)
    found, after = checkpoint.read(listener.refs[-1]), Listener()
    found.ref.path.write_bytes(b"")
    context = RunContext(folder=tmp_path / "parts", attempt="2")
    result = train(tiny(), digits, context, hooks=after.hooks, cadence=CADENCE, resume=found)
    assert (result.weights.sha256, {**listener.curve, **after.curve}) == expected


def test_a_stop_before_any_step_needs_no_new_checkpoint(digits: Dataset, tmp_path: Path) -> None:
    ref = stopped(tiny(), digits, tmp_path, at=3).refs[-1]
    listener = Listener(stop_at=0)
    with pytest.raises(Preempted):
        train(
            tiny(), digits, RunContext(folder=tmp_path, attempt="2"), hooks=listener.hooks, resume=checkpoint.read(ref)
        )
    assert listener.refs == []
    assert checkpoint.read(ref).ref == ref


SAVED = ("step", "net", "optimizer", "averages", "trace")


def test_the_checkpoint_holds_these_parts_and_no_other(digits: Dataset, tmp_path: Path) -> None:
    ref = stopped(tiny(), digits, tmp_path, at=5).refs[-1]
    assert set(checkpoint.load_state(ref.path, ref.sha256)) == {"train_key", *SAVED}


@pytest.mark.parametrize("part", SAVED)
def test_every_part_of_the_checkpoint_is_needed(digits: Dataset, tmp_path: Path, part: str) -> None:
    """Mutation: with one part as it was at the start, the resumed run is not the uninterrupted one any more."""
    expected = whole(tiny(), digits, tmp_path / "whole")
    listener = stopped(tiny(), digits, tmp_path / "parts", at=5)
    state = checkpoint.load_state(listener.refs[-1].path, listener.refs[-1].sha256)
    fresh = copy.deepcopy(
        Training(tiny(), digits, RunContext(folder=tmp_path, attempt="9"), sync_every_steps=2).state_dict()
    )
    changed = checkpoint.save(state | {part: fresh[part]}, tmp_path / "parts", step=5, attempt="7")
    after = Listener()
    context = RunContext(folder=tmp_path / "parts", attempt="8")
    result = train(tiny(), digits, context, hooks=after.hooks, cadence=CADENCE, resume=checkpoint.read(changed))
    assert (result.weights.sha256, {**listener.curve, **after.curve}) != expected

    missing = checkpoint.save({k: v for k, v in state.items() if k != part}, tmp_path / "parts", step=5, attempt="9")
    with pytest.raises(CheckpointError, match=f"lacks '{part}'"):
        train(tiny(), digits, context, resume=checkpoint.read(missing))


def test_a_checkpoint_of_another_run_is_refused(digits: Dataset, tmp_path: Path) -> None:
    ref = stopped(tiny(), digits, tmp_path, at=2).refs[-1]
    with pytest.raises(CheckpointError, match="of another run"):
        train(tiny(lr=1e-4), digits, RunContext(folder=tmp_path, attempt="2"), resume=checkpoint.read(ref))


def test_an_attempt_saves_early_once_and_then_at_its_cadence(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "FIRST_CHECKPOINT_SECONDS", 0.0)
    listener = Listener()
    train(tiny(), digits, RunContext(folder=tmp_path, attempt="1"), hooks=listener.hooks, cadence=CADENCE)
    assert [ref.step for ref in listener.refs] == [1]


def test_divergence_is_found_late_and_named_exactly(digits: Dataset, tmp_path: Path) -> None:
    # Decay of 90 times the weights a step: they alternate in sign and grow 89-fold.
    config = tiny(steps=45, net=TINY_MLP, optimizer="adamw", lr=9.0, weight_decay=10.0, lr_schedule="constant")
    found = []
    for sync_every_steps in (1, 50):
        cadence = TrainingCadence(reports=0, validations=0, sync_every_steps=sync_every_steps)
        with pytest.raises(Diverged) as caught:
            train(config, digits, RunContext(folder=tmp_path, attempt="1"), cadence=cadence)
        found.append((caught.value.step, caught.value.evidence))
    assert found[0] == found[1]
    step, evidence = found[0]
    assert 3 < step < 45
    assert evidence["step"] == list(range(max(1, step - 20), step))
    assert all(math.isfinite(value) for values in evidence.values() for value in values)
    assert list(tmp_path.iterdir()) == []


def test_a_diverged_state_is_not_saved(digits: Dataset, tmp_path: Path) -> None:
    run = Training(tiny(), digits, RunContext(folder=tmp_path, attempt="1"))
    run.advance()
    with torch.no_grad():
        next(run.net.parameters()).fill_(math.nan)
    run.advance()
    with pytest.raises(Diverged, match="step 2: loss nan"):
        run.state_dict()


def test_bfloat16_on_the_cpu_stays_finite_and_close(digits: Dataset, tmp_path: Path) -> None:
    _, exact = whole(tiny(), digits, tmp_path / "fp32")
    _, rough = whole(tiny(precision="bf16"), digits, tmp_path / "bf16")
    assert exact != rough
    for step, metrics in exact.items():
        assert rough[step] == pytest.approx(metrics, rel=0.05, abs=0.02)


@pytest.mark.parametrize(
    "change", [{"micro_batches": 2}, {"micro_batches": 3}, {"micro_batches": 8}, {"channels_last": True}]
)
def test_slices_and_layout_give_the_gradient_of_the_batch(
    digits: Dataset, tmp_path: Path, change: dict[str, Any]
) -> None:
    config = tiny(net=TINY_UNET | {"dropout": 0.0})
    gradients, losses = [], []
    for context in (RunContext(folder=tmp_path, attempt="1"), RunContext(folder=tmp_path, attempt="1", **change)):
        run = Training(config, digits, context)
        run.step_state.prefetcher.seek(1)
        losses.append(accumulate_gradients(run.step_state, prefetched_batch(run.step_state)).item())
        gradients.append(torch.cat([p.grad.flatten() for p in run.net.parameters() if p.grad is not None]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert (gradients[0] - gradients[1]).norm() <= 1e-6 * gradients[0].norm()


def test_averages_are_taken_after_the_step(digits: Dataset, tmp_path: Path) -> None:
    run = Training(tiny(warmup_images=0), digits, RunContext(folder=tmp_path, attempt="1"))
    initial = run.averages.weights(0.0)
    run.advance()
    # After one step every average is the raw weights, to the rounding of its correction; before it, the initial ones.
    for decay in (0.5, 0.99):
        for name, value in run.averages.weights(decay).items():
            torch.testing.assert_close(value, run.net.state_dict()[name], rtol=1e-5, atol=1e-7)
    assert any(not torch.equal(initial[name], value) for name, value in run.net.state_dict().items())


def test_a_step_has_the_lr_and_the_clip_of_its_config(digits: Dataset, tmp_path: Path) -> None:
    run = Training(tiny(grad_clip=0.1), digits, RunContext(folder=tmp_path, attempt="1"))
    rates = []
    for _ in range(3):
        run.advance()
        rates.append(run.optimizer.param_groups[0]["lr"].item())
        norm = torch.nn.utils.get_total_norm([p.grad for p in run.net.parameters() if p.grad is not None])
        assert norm.item() == pytest.approx(0.1, rel=1e-4)
    # Two batches of warm-up to 2e-3, times half a cosine over twelve batches.
    cosine = [0.5 * (1 + math.cos(math.pi * u / 12)) for u in range(3)]
    assert rates == pytest.approx([0.0, 1e-3 * cosine[1], 2e-3 * cosine[2]])
    run.metrics_buffer.flush()
    assert min(run.metrics_buffer.norms) > 0.1
    assert run.metrics(validate=False)["clip_fraction"] == 1.0


def test_a_sum_over_pixels_would_be_clipped_at_every_step(digits: Dataset, tmp_path: Path) -> None:
    """Ours is a mean, and `clip_fraction` tells how often it is clipped; the sum over 64 pixels always is."""
    config = tiny(steps=100, batch=16, net=TINY_MLP, lr=5e-3, lr_schedule="constant", warmup_images=0)
    run = Training(config, digits, RunContext(folder=tmp_path, attempt="1"))
    for _ in range(100):
        run.advance()
    run.metrics_buffer.flush()
    norms, limit = torch.tensor(run.metrics_buffer.norms), config.grad_clip
    assert limit == 1.0
    assert run.metrics(validate=False)["clip_fraction"] == pytest.approx((norms > limit).double().mean().item())
    assert (norms > limit).double().mean() < 0.5
    assert (64 * norms > limit).all()


def test_every_step_has_its_own_dropout_and_keeps_it(digits: Dataset, tmp_path: Path) -> None:
    def masks() -> list[torch.Tensor]:
        run = Training(tiny(net=TINY_UNET | {"dropout": 0.5}), digits, RunContext(folder=tmp_path, attempt="1"))
        dropout = next(module for module in run.net.modules() if isinstance(module, torch.nn.Dropout))
        seen: list[torch.Tensor] = []
        dropout.register_forward_hook(lambda _module, _inputs, out: seen.append(out == 0))
        for _ in range(3):
            run.advance()
        return seen

    first, again = masks(), masks()
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first[1], first[2])


def test_products_are_the_weights_after_the_last_step(digits: Dataset, tmp_path: Path) -> None:
    result = train(tiny(), digits, RunContext(folder=tmp_path, attempt="1"))
    run = Training(tiny(), digits, RunContext(folder=tmp_path, attempt="2"))
    for _ in range(12):
        run.advance()
    fresh = build_net(tiny(), channels=1, size=8)
    for decay in (0.0, 0.5, 0.99):
        weights = checkpoint.load_weights(result.weights.path, result.weights.sha256, decay=decay)
        fresh.load_state_dict(weights)
        expected = run.averages.weights(decay)
        assert all(torch.equal(value, expected[name]) for name, value in fresh.state_dict().items())
