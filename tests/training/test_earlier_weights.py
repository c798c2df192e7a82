"""Weights that a training keeps as they were on the way."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sweep.config.earlier_weights import EarlierWeights
from sweep.data.dataset import Dataset
from sweep.errors import CheckpointError, Preempted
from sweep.training import checkpoint
from sweep.training.earlier_weights import load_earlier_weights
from sweep.training.interfaces import Hooks, RunContext
from sweep.training.loop import train
from tests.helpers.tiny_training import TINY_MLP, tiny

KEPT: tuple[EarlierWeights, ...] = ((0.25, "corrected", 0.0), (0.25, "corrected", 0.99), (0.75, "ramp", 0.99))


def test_kept_weights_are_those_of_a_training_that_ends_there(digits: Dataset, tmp_path: Path):
    """The wrong formula kept the tensors themselves, which the later steps went on to change."""
    config = tiny(steps=12, earlier_weights=KEPT)
    whole = train(config, digits, RunContext(folder=tmp_path, attempt="whole")).weights
    for share, start, decay in KEPT:
        until = round(share * 12)
        short = train(config, digits, RunContext(folder=tmp_path, attempt=f"{until}{decay}"), until=until).weights
        expected = checkpoint.load_weights(short.path, short.sha256, decay=decay, start=start)
        kept = load_earlier_weights(whole.path, whole.sha256, (share, start, decay))
        last = checkpoint.load_weights(whole.path, whole.sha256, decay=decay, start=start)
        assert kept.keys() == expected.keys()
        assert all(torch.equal(kept[name], expected[name]) for name in expected)
        assert not all(torch.equal(kept[name], last[name]) for name in last)


def test_keeping_weights_changes_no_training(digits: Dataset, tmp_path: Path):
    files = [
        train(config, digits, RunContext(folder=tmp_path, attempt=str(k))).weights
        for k, config in enumerate((tiny(net=TINY_MLP), tiny(net=TINY_MLP, earlier_weights=KEPT)))
    ]
    plain, keeping = (checkpoint.load_weights(ref.path, ref.sha256, decay=0.99) for ref in files)
    assert all(torch.equal(plain[name], keeping[name]) for name in plain)


@pytest.mark.parametrize("at", [2, 7, 11])
def test_a_training_that_is_stopped_and_resumed_keeps_the_same_bytes(digits: Dataset, tmp_path: Path, at: int):
    config = tiny(steps=12, net=TINY_MLP, earlier_weights=KEPT)
    whole = train(config, digits, RunContext(folder=tmp_path, attempt="whole")).weights
    asked, saved = [0], []

    def should_stop() -> bool:
        asked[0] += 1
        return asked[0] > at

    context = RunContext(folder=tmp_path, attempt="first")
    with pytest.raises(Preempted):
        train(config, digits, context, hooks=Hooks(saved=saved.append, should_stop=should_stop))
    resumed = train(
        config, digits, RunContext(folder=tmp_path, attempt="second"), resume=checkpoint.read(saved[-1])
    ).weights
    assert resumed.sha256 == whole.sha256


@pytest.mark.parametrize(
    ("kept", "why"), [((), "the training did not keep them"), (KEPT, r"it holds those after 0\.25, 0\.75")]
)
def test_weights_that_were_not_kept_are_refused_with_the_next_step(
    kept: tuple[EarlierWeights, ...], why: str, digits: Dataset, tmp_path: Path
):
    config = tiny(steps=4, net=TINY_MLP, earlier_weights=kept)
    ref = train(config, digits, RunContext(folder=tmp_path, attempt="1")).weights
    with pytest.raises(CheckpointError, match=why) as refused:
        load_earlier_weights(ref.path, ref.sha256, (0.5, "corrected", 0.99))
    assert "protocol.along" in refused.value.next
