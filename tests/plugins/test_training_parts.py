"""Weightings, losses, optimizers and lr schedules of plugins: their numbers, their keys, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sweep.config.keys import train_key
from sweep.config.run import TrainConfig
from sweep.config.study import Study
from sweep.data.dataset import Dataset
from sweep.diffusion.levels import Levels
from sweep.errors import UsageError
from sweep.plugins.loading import load_source
from sweep.training.interfaces import RunContext
from sweep.training.lr_schedules import lr_at
from sweep.training.noise_tables import betas_of, weights_of
from sweep.training.own_parts import own_per_image_loss
from sweep.training.trainer import Training
from tests.helpers.plugins import checked, plugin_study

FOLDER = Path(__file__).parents[2] / "studies/plugins"
OBJECTIVE = (FOLDER / "own_objective.py").read_text()
LION = (FOLDER / "lion.py").read_text()
LOG_COSH = "r + softplus(-2 * r) - math.log(2)"
FIELDS = {
    "weighting": (OBJECTIVE, "soft_min_snr", "simple"),
    "loss": (OBJECTIVE, "log_cosh", "l1"),
    "optimizer": (LION, "lion", "adamw"),
    "lr_schedule": (LION, "cooldown", "cosine"),
}


def loaded(folder: Path, plugin: str, baseline: str) -> Study:
    study = plugin_study(folder, plugin, baseline=baseline)
    load_source(study.plugin_sources[0])
    return study


def config_of(study: Study, **changes: object) -> TrainConfig:
    return study.setting(changes).train_config(seed=0, ema_decays=())


def trained(config: TrainConfig, digits: Dataset, folder: Path, steps: int = 3) -> Training:
    context = RunContext(folder=folder, attempt="a", device=torch.device("cpu"))
    training = Training(config, digits, context)
    for _ in range(steps):
        training.advance()
    return training


@pytest.mark.parametrize("field", FIELDS)
def test_the_source_is_in_the_key_of_the_runs_that_use_the_part_alone(tmp_path, field):
    plugin, name, built_in = FIELDS[field]
    before = plugin_study(tmp_path, plugin, baseline=f"{field}: {name}")
    after = plugin_study(tmp_path, plugin + "\nCHANGED = True\n", baseline=f"{field}: {name}")
    assert train_key(config_of(before)) != train_key(config_of(after))
    assert train_key(config_of(before, **{field: built_in})) == train_key(config_of(after, **{field: built_in}))


@pytest.mark.parametrize("field", FIELDS)
def test_the_shipped_parts_pass_the_check_and_train(tmp_path, digits, field):
    plugin, name, built_in = FIELDS[field]
    study = plugin_study(tmp_path, plugin, baseline=f"{field}: {name}")
    checked(study)
    with_part, without = (trained(config_of(study, **changes), digits, tmp_path) for changes in ({}, {field: built_in}))
    assert with_part.metrics(validate=False)["train_loss"] > 0
    assert any(not torch.equal(a, b) for a, b in zip(with_part.net.parameters(), without.net.parameters(), strict=True))


def test_a_weighting_weighs_the_error_of_x0(tmp_path):
    config = config_of(loaded(tmp_path, OBJECTIVE, "weighting: {kind: soft_min_snr, gamma: 2.0}, target: v, T: 30"))
    snr = Levels.of(betas_of(config)).snr
    assert np.allclose(weights_of(config, betas_of(config)), snr * 2 / (snr + 2) / (snr + 1), rtol=1e-12)


def test_the_weights_of_a_built_in_formula_are_those_of_the_built_in(tmp_path):
    mine = OBJECTIVE.replace("snr * gamma / (snr + gamma)", "np.minimum(snr, gamma)")
    config = config_of(loaded(tmp_path, mine, "weighting: soft_min_snr"))
    built_in = config.model_copy(update={"weighting": "min_snr"})
    assert np.array_equal(weights_of(config, betas_of(config)), weights_of(built_in, betas_of(built_in)))


def test_a_loss_that_is_the_built_in_one_trains_to_the_same_bits(tmp_path, digits):
    mine = OBJECTIVE.replace(LOG_COSH, "r**2")
    config = config_of(loaded(tmp_path, mine, "loss: log_cosh"))
    ours, theirs = (trained(each, digits, tmp_path) for each in (config, config.model_copy(update={"loss": "mse"})))
    assert all(map(torch.equal, ours.net.parameters(), theirs.net.parameters()))


def test_a_loss_of_each_image_is_taken_as_it_is(tmp_path):
    mine = OBJECTIVE.replace("- math.log(2)", "- math.log(2)).flatten(1).mean(1)").replace("return r +", "return (r +")
    prediction, target = torch.randn(2, 3, 1, 4, 4)
    elementwise, per_image = (
        own_per_image_loss(config_of(loaded(tmp_path, text, "loss: log_cosh")).loss, prediction, target)
        for text in (OBJECTIVE, mine)
    )
    assert torch.allclose(elementwise, per_image)
    assert elementwise.shape == (3,)


def test_an_optimizer_that_is_the_built_in_one_trains_to_the_same_bits(tmp_path, digits):
    mine = LION.replace(
        "return Lion(params, lr, betas, weight_decay)", "return torch.optim.Adam(params, lr, betas, fused=True)"
    )
    config = config_of(loaded(tmp_path, mine, "optimizer: lion"))
    ours, theirs = (
        trained(each, digits, tmp_path) for each in (config, config.model_copy(update={"optimizer": "adam"}))
    )
    assert all(map(torch.equal, ours.net.parameters(), theirs.net.parameters()))


def test_a_run_with_an_optimizer_of_its_own_is_resumed_to_the_same_bits(tmp_path, digits):
    config = config_of(loaded(tmp_path, LION, "optimizer: lion"))
    whole, first = trained(config, digits, tmp_path, steps=6), trained(config, digits, tmp_path, steps=3)
    second = trained(config, digits, tmp_path, steps=0)
    second.load_state_dict(first.state_dict())
    for _ in range(3):
        second.advance()
    assert all(map(torch.equal, whole.net.parameters(), second.net.parameters()))


def test_the_factor_of_an_lr_schedule_comes_after_the_warm_up(tmp_path):
    config = config_of(loaded(tmp_path, LION, "lr_schedule: {kind: cooldown, share: 0.5}, warmup_images: 32, lr: 0.1"))
    assert [lr_at(config, seen) for seen in (0, 16, 160, 240)] == pytest.approx([0.0, 0.05, 0.1, 0.05])


@pytest.mark.parametrize(
    ("field", "before", "after", "message"),
    [
        ("weighting", "return snr * gamma", "return -snr * gamma", r"is -.* at t = 1 of"),
        ("weighting", "return snr * gamma / (snr + gamma)", "return snr[1:]", r"one number for each t is expected"),
        ("weighting", "return snr", "return np.random.default_rng().random(len(snr))", "other weights at each"),
        ("weighting", "(snr: np.ndarray", "(ratio: np.ndarray", r"soft_min_snr does not take snr"),
        ("loss", LOG_COSH, "r.abs().mean()", r"for each image its own loss"),
        ("loss", LOG_COSH, "r.square().sqrt()", r"not finite, where prediction and target"),
        ("loss", LOG_COSH, "(r / 0).abs()", r"numbers that are not finite"),
        ("loss", LOG_COSH, "r.abs() * torch.rand(())", r"another loss at each call"),
        ("loss", LOG_COSH, "r.abs().detach()", r"does not require grad"),
        ("optimizer", "return Lion(params, lr,", "return Lion(params, float(lr),", r"do not keep the tensor"),
        ("optimizer", "return Lion(params, lr,", "return Lion(params[:1], lr,", r"does not hold all parameters"),
        ("optimizer", "return Lion(params, lr, betas, weight_decay)", "return 1", r"returned int"),
        (
            "optimizer",
            "m = self.state[p]",
            "self.state[p]['f'] = print; m = self.state[p]",
            r"cannot be pickled.* resumed",
        ),
        ("optimizer", "self.state[p]", "self.__dict__.setdefault(id(p), {})", r"another step"),
        ("optimizer", 'group["lr"] * (dir', "1e-3 * (dir", r"moves weights at learning rate 0"),
        ("optimizer", "p.sub_(", "(p * 1).sub_(", r"has not moved"),
        ("lr_schedule", "return min", "return -min", r"at progress 0 it returned -1.0"),
        ("lr_schedule", "/ share)", "/ share) if progress < 0.5 else None", r"at progress 0.5 it returned None"),
        ("lr_schedule", "(progress: float", "(u: float", r"cooldown does not take progress"),
    ],
)
def test_a_bad_part_is_refused_with_its_name(tmp_path, field, before, after, message):
    plugin, name, _ = FIELDS[field]
    assert before in plugin
    with pytest.raises(UsageError, match=f"(?s){message}") as refused:
        checked(plugin_study(tmp_path, plugin.replace(before, after), baseline=f"{field}: {name}"))
    assert name in refused.value.what
