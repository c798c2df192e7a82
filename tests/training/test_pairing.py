"""Pairing from a study file to images: what matched arms share, seen in the real training and sampling.

A difference between two arms is one observation a seed, because both start from the same weights, see the same images
in the same order, mirrored alike, at the same t, under the same noise, and are sampled from the same noise.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sweep.config.keys import derived_seed, train_key
from sweep.config.run import Protocol, TrainConfig
from sweep.config.study import Study
from sweep.data.dataset import Dataset
from sweep.planning.arms import arms_of
from sweep.planning.cells import cells_of
from sweep.scoring import generate as sampling
from sweep.training import batch, initial_net, step_state, trainer
from sweep.training.batch import Draws
from sweep.training.interfaces import RunContext
from sweep.training.loop import train
from sweep.training.noise_tables import betas_of

Seen = dict[str, list[Tensor]]
"""What a run was given: `init` (weights), and of each step `order`, `flip`, `t`, `noise`; of each draw `sampling`."""
EVERYTHING = {"init", "order", "flip", "t", "noise", "sampling"}

STUDY = Study.model_validate(
    {
        "name": "pairing",
        "question": "What do arms share?",
        "baseline": {
            "data": "digits",
            "net": {"preset": "mlp_small", "width": 32, "depth": 1},
            "T": 50,
            "batch": 8,
            "images": 40,
            "flip": True,
            "ema_decay": 0.9,
            "sampler": "ancestral",
            "sampling_steps": 5,
        },
        "factors": {
            "schedule": {"role": "scientific", "levels": ["cosine"]},
            "loss_weight": {"role": "scientific", "levels": {"clipped": {"weighting": "vlb", "weight_clip": [0, 1]}}},
            "target": {"role": "scientific", "levels": ["v"]},
            "optimizer": {"role": "scientific", "levels": ["radam"]},
            "lr": {"role": "scientific", "levels": [5e-3]},
            "net.width": {"role": "scientific", "levels": [48]},
            "net.depth": {"role": "scientific", "levels": [2]},
        },
        "design": "one_at_a_time",
        "seeds": 2,
    }
)
PROTOCOL = Protocol(extractor="a", extractor_sha256="0" * 64, reference_sha256="1" * 64, n=4, noise="per_seed")
OTHER_NETS = {"net.width=48", "net.depth=2"}


def configs() -> dict[tuple[str, int], TrainConfig]:
    """(arm, replicate) -> its run, as a launch plans it."""
    cells = [cell for arm in arms_of(STUDY) for cell in cells_of(STUDY, arm, phase="confirm")]
    return {(cell.arm_name, cell.replicate): cell.train_config for cell in cells}


@pytest.fixture
def seen(digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[TrainConfig], Seen]:
    """Trains a run and samples from what it made, looking on: nothing is replaced."""
    told: Seen = {}
    build_net, assemble, sample_noise = step_state.build_net, trainer.assemble, sampling.sample_noise

    def built(*args: Any, **options: Any) -> torch.nn.Module:
        net = build_net(*args, **options)
        told["init"] = [parameter.detach().clone() for parameter in net.parameters()]
        return net

    def assembled(images: Tensor, draws: Draws, noise: Tensor, *others: Any) -> batch.Batch:
        parts = {"order": draws.index, "flip": draws.mirrored, "t": draws.t, "noise": noise}
        for name, part in parts.items():
            assert part is not None
            told.setdefault(name, []).append(part.clone())
        return assemble(images, draws, noise, *others)

    def drawn(*args: Any) -> Tensor:
        noise = sample_noise(*args)
        told.setdefault("sampling", []).append(noise)
        return noise

    monkeypatch.setattr(step_state, "build_net", built)
    monkeypatch.setattr(trainer, "assemble", assembled)
    monkeypatch.setattr(sampling, "sample_noise", drawn)

    def run(config: TrainConfig) -> Seen:
        told.clear()
        context = RunContext(folder=tmp_path / train_key(config), attempt="1")
        train(config, digits, context)
        (request,) = cells_of(STUDY, arms_of(STUDY)[0], phase="confirm")[0].score_requests
        net = initial_net.build_net(config, channels=1, size=8)
        diffusion = sampling.Diffusion.from_betas(betas_of(config), context.device)
        plan = sampling.sampling_plan(request.eval_config, config.target)
        noise = PROTOCOL.noise_stream(0, seed=config.seed)
        sampling.generate(net, diffusion, plan, shape=(1, 8, 8), n=4, noise_set=noise)
        return dict(told)

    return run


def shared(one: Seen, other: Seen) -> set[str]:
    """The streams that two runs have bit for bit."""
    return {
        name
        for name in one.keys() & other.keys()
        if len(one[name]) == len(other[name])
        and all(a.shape == b.shape and torch.equal(a, b) for a, b in zip(one[name], other[name], strict=True))
    }


def test_matched_arms_share_every_stream_and_another_net_all_but_its_weights(seen):
    runs = configs()
    for replicate in range(STUDY.seeds):
        baseline = seen(runs["baseline", replicate])
        assert set(baseline) == EVERYTHING
        assert len(baseline["noise"]) == 5
        assert len(baseline["sampling"]) == 5  # x_T, and the noise of each step but the last
        for arm in {name for name, _ in runs} - {"baseline"}:
            found = shared(baseline, seen(runs[arm, replicate]))
            assert found == EVERYTHING - ({"init"} if arm in OTHER_NETS else set()), arm


def test_replicates_share_nothing(seen):
    runs = configs()
    assert shared(seen(runs["baseline", 0]), seen(runs["baseline", 1])) == set()


def test_a_search_shares_nothing_with_the_runs_that_confirm_it(seen):
    (trial,) = cells_of(STUDY, arms_of(STUDY)[0], phase="search", trial_number=0)
    assert shared(seen(trial.train_config), seen(configs()["baseline", 0])) == set()


def test_one_stream_for_everything_would_unpair_an_arm_with_another_net(seen, monkeypatch):
    """Kept bug: draws taken from torch's global stream come out shifted by however many weights were drawn before."""
    runs = configs()

    def unpaired(config: TrainConfig) -> Seen:
        torch.manual_seed(config.seed)
        return seen(config)

    for module in (batch, initial_net):
        monkeypatch.setattr(module, "generator", lambda *_, **__: torch.default_generator)
    baseline = unpaired(runs["baseline", 0])
    assert shared(baseline, unpaired(runs["lr=0.005", 0])) == EVERYTHING
    assert not shared(baseline, unpaired(runs["net.width=48", 0])) & {"flip", "noise"}


def test_a_seed_from_the_whole_config_would_unpair_every_arm(seen):
    """Kept bug: seeding a run by its own hash, as if every run were to be different."""
    runs = configs()
    one, other = (
        seen(config.model_copy(update={"seed": derived_seed(train_key(config)) % 2**31}))
        for config in (runs["baseline", 0], runs["lr=0.005", 0])
    )
    assert shared(one, other) == set()
