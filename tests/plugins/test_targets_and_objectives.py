"""Targets, loss terms, objectives and spacings of plugins: their numbers, their keys, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sweep.config.keys import eval_key, train_key
from sweep.config.run import Protocol, TrainConfig
from sweep.config.study import Study
from sweep.data.dataset import Dataset
from sweep.diffusion.process import Diffusion
from sweep.diffusion.spacing import sampling_indices
from sweep.diffusion.targets import TARGETS, predicted_x0, target_for
from sweep.errors import SweepError, UsageError
from sweep.planning.plan import network_calls, study_plan
from sweep.plugins.loading import load_source
from sweep.scoring.generate import sampling_plan
from sweep.training.interfaces import RunContext
from sweep.training.noise_tables import betas_of, weights_of
from sweep.training.own_parts import target_of
from sweep.training.step_state import StepStateCache
from sweep.training.trainer import Training
from tests.helpers.plugins import checked, plugin_study

PLUGIN = (Path(__file__).parents[2] / "studies/plugins/velocity.py").read_text()
PROTOCOL = Protocol(extractor="a", extractor_sha256="0" * 64, reference_sha256="1" * 64, n=100)
VELOCITY = "return -np.ones_like(alphas_bar), np.ones_like(alphas_bar)"
COEFFICIENTS = {
    "epsilon": "return 0 * alphas_bar, 1 + 0 * alphas_bar",
    "x0": "return 1 + 0 * alphas_bar, 0 * alphas_bar",
    "v": "return -np.sqrt(1 - alphas_bar), np.sqrt(alphas_bar)",
}
FIELDS = {"target": "velocity", "loss_term": "edges", "objective": "flow_matching"}
BUILT_IN = {"target": "v", "loss_term": "none", "objective": "simple"}
TERM = "alphas_bar * (r.diff(dim=2)[..., :-1].square() + r.diff(dim=3)[..., :-1, :].square())"
OBJECTIVE = "(1 + share) * (net(x_t, i).float() - (noise - x0)).square()"
CUBIC = "np.unique(np.rint((np.arange(1, steps + 1) / steps) ** power * (T - 1)).astype(int))"


def study_of(folder: Path, plugin: str = PLUGIN, baseline: str = "target: velocity", factors: str = "{}") -> Study:
    study = plugin_study(folder, plugin, baseline=baseline, factors=factors)
    load_source(study.plugin_sources[0])
    return study


def config_of(study: Study, **changes: object) -> TrainConfig:
    return study.setting(changes).train_config(seed=0, ema_decays=())


def trained(
    config: TrainConfig, digits: Dataset, folder: Path, steps: int = 3, cache: StepStateCache | None = None
) -> Training:
    training = Training(config, digits, RunContext(folder=folder, attempt="a", device=torch.device("cpu")), cache=cache)
    for _ in range(steps):
        training.advance()
    return training


def same_weights(a: Training, b: Training) -> bool:
    return all(map(torch.equal, a.net.parameters(), b.net.parameters()))


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_a_target_with_the_coefficients_of_a_built_in_one_has_its_maps_its_weights_and_its_images(tmp_path, name):
    config = config_of(study_of(tmp_path, PLUGIN.replace(VELOCITY, COEFFICIENTS[name])), T=50)
    mine, betas = target_of(config, "cpu"), betas_of(config)
    diffusion, i = Diffusion.from_betas(betas), torch.arange(50)
    x0, noise = torch.randn(2, 50, 1, 4, 4, dtype=torch.float32)
    x_t = diffusion.q_sample(x0, i, noise)
    regressed = target_for(mine, diffusion, x0, noise, x_t, i)
    assert torch.allclose(regressed, target_for(name, diffusion, x0, noise, x_t, i), atol=1e-6)
    assert torch.allclose(predicted_x0(mine, diffusion, regressed, x_t, i), x0, atol=1e-4)
    assert name in TARGETS
    built_in = config.model_copy(update={"target": name})
    assert np.allclose(weights_of(config, betas), weights_of(built_in, betas), rtol=1e-9)


def test_the_velocity_of_flow_matching_is_noise_less_image(tmp_path):
    config = config_of(study_of(tmp_path))
    diffusion, i = Diffusion.from_betas(betas_of(config)), torch.tensor([0, 500])
    x0, noise = torch.randn(2, 2, 1, 4, 4)
    assert torch.equal(target_for(target_of(config, "cpu"), diffusion, x0, noise, x0, i), noise - x0)


def test_a_target_that_loses_the_image_is_refused(tmp_path):
    alike = PLUGIN.replace(VELOCITY, "return np.sqrt(alphas_bar), np.sqrt(1 - alphas_bar)")
    with pytest.raises(SweepError, match=r"target velocity cannot be sampled at t = 1"):
        checked(study_of(tmp_path, alike))


def test_the_state_of_a_run_with_another_schedule_is_that_of_a_new_one(tmp_path, digits):
    """The tables of a target lie on the device and are written over; they once stayed those of the run before."""
    normed = PLUGIN.replace(VELOCITY, "return -np.sqrt(1 - alphas_bar), np.sqrt(alphas_bar)")
    study = study_of(tmp_path, normed)
    cache = StepStateCache()
    trained(config_of(study), digits, tmp_path, cache=cache)
    again = trained(config_of(study, schedule="cosine"), digits, tmp_path, cache=cache)
    assert same_weights(again, trained(config_of(study, schedule="cosine"), digits, tmp_path))


@pytest.mark.parametrize("field", FIELDS)
def test_the_source_is_in_the_key_of_the_runs_that_use_the_part_alone(tmp_path, field):
    before, after = (study_of(tmp_path, text, f"{field}: {FIELDS[field]}") for text in (PLUGIN, PLUGIN + "\nX = 1\n"))
    assert train_key(config_of(before)) != train_key(config_of(after))
    without = {field: BUILT_IN[field]}
    assert train_key(config_of(before, **without)) == train_key(config_of(after, **without))


@pytest.mark.parametrize("field", FIELDS)
def test_a_part_passes_the_check_and_changes_the_weights(tmp_path, digits, field):
    study = study_of(tmp_path, baseline=f"{field}: {FIELDS[field]}")
    checked(study)
    own, built_in = config_of(study), config_of(study, **{field: BUILT_IN[field]})
    assert not same_weights(trained(own, digits, tmp_path), trained(built_in, digits, tmp_path))


def test_a_term_counts_by_its_weight_which_is_a_level_like_any_other(tmp_path, digits):
    factors = "{loss_term: {role: scientific, levels: [edges]}, loss_term.weight: {role: scientific, levels: [0.5]}}"
    with pytest.raises(SweepError, match="loss term none has no setting 'weight'"):
        study_of(tmp_path, baseline="target: epsilon", factors=factors)
    study = study_of(tmp_path, baseline="loss_term: {kind: edges, weight: 0.0}")
    weightless, none = (config_of(study, **changes) for changes in ({}, {"loss_term": "none"}))
    assert same_weights(trained(weightless, digits, tmp_path), trained(none, digits, tmp_path))
    heavy = config_of(study, **{"loss_term.weight": 2.0})
    assert not same_weights(trained(heavy, digits, tmp_path), trained(none, digits, tmp_path))
    assert train_key(heavy) != train_key(weightless) != train_key(none)


def test_a_term_that_takes_weight_itself_is_refused(tmp_path):
    text = PLUGIN.replace("alphas_bar: torch.Tensor)", "alphas_bar: torch.Tensor, weight: float = 1.0)")
    with pytest.raises(SweepError, match=r"mine.py, line \d+: `weight` is a setting of every loss term"):
        study_of(tmp_path, text)


def test_an_objective_that_is_the_built_in_one_trains_to_the_same_bits(tmp_path, digits):
    text = PLUGIN.replace(OBJECTIVE, "(net(x_t, i).float() - noise) ** 2")
    own = config_of(study_of(tmp_path, text, "objective: flow_matching"))
    built_in = own.model_copy(update={"objective": "simple"})
    assert same_weights(trained(own, digits, tmp_path), trained(built_in, digits, tmp_path))


@pytest.mark.parametrize("setting", ["loss: l1", "weighting: min_snr", "loss_term: edges", "dispersive_weight: 0.1"])
def test_an_objective_refuses_settings_that_it_does_not_read(tmp_path, setting):
    with pytest.raises(SweepError, match=r"objective"):
        checked(study_of(tmp_path, baseline=f"objective: flow_matching, {setting}"))


def test_a_spacing_is_in_the_eval_key_alone_and_visits_what_it_says(tmp_path):
    factors = "{spacing: {role: evaluation, levels: [cubic]}}"
    before, after = (
        study_of(tmp_path, text, "sampling_steps: 4", factors).setting({"spacing": "cubic", "spacing.power": 1.0})
        for text in (PLUGIN, PLUGIN + "\nX = 1\n")
    )
    assert train_key(before.train_config(seed=0, ema_decays=())) == train_key(after.train_config(seed=0, ema_decays=()))
    assert eval_key(before.eval_config(), PROTOCOL) != eval_key(after.eval_config(), PROTOCOL)
    plan = sampling_plan(before.eval_config(), "epsilon")
    assert sampling_indices(plan.spacing, 1000, 4).tolist() == [999, 749, 500, 250]
    assert network_calls(before.eval_config(), T=1000) == 4


def test_spacings_are_compared_on_the_same_checkpoints(tmp_path):
    factors = "{spacing: {role: evaluation, levels: [cubic]}}"
    study = study_of(tmp_path, factors=factors)
    requests = study_plan(study).cells[0].score_requests
    assert [str(request.eval_config.spacing) for request in requests] == ["trailing", "cubic"]


@pytest.mark.parametrize(
    ("baseline", "before", "after", "message"),
    [
        ("target: velocity", VELOCITY, "return alphas_bar", r"returned shape \(1000,\); 2 numbers for each t"),
        ("target: velocity", VELOCITY, "return alphas_bar * np.inf, alphas_bar", "target velocity .* is not finite"),
        ("target: velocity", VELOCITY, "return np.random.rand(2, len(alphas_bar))", "other coefficients at each"),
        ("target: velocity", "(alphas_bar: np.ndarray)", "(ab)", "velocity does not take alphas_bar"),
        ("loss_term: edges", TERM, "1.0", "returned float; a tensor"),
        ("loss_term: edges", TERM, "r.mean()", r"it returned \(\); .* each image its own loss"),
        ("loss_term: edges", TERM, "r / 0", "numbers that are not finite"),
        ("loss_term: edges", TERM, "r.detach()", "depends on no prediction"),
        ("loss_term: edges", TERM, "(r - r.detach()).sqrt()", "its gradients are not finite"),
        ("loss_term: edges", TERM, "r * torch.rand(())", "another number at each call"),
        ("objective: flow_matching", OBJECTIVE, "(noise - x0)", "does not depend on the net"),
        ("objective: flow_matching", OBJECTIVE, f"({OBJECTIVE}).mean()", "for each image its own loss"),
        ("objective: flow_matching", OBJECTIVE, "net(x_t, i) * np.random.rand()", "another loss for the same seed"),
        ("objective: flow_matching", "(\n    net, x0", "(\n    model, x0", "flow_matching does not take net"),
        ("spacing: cubic", CUBIC, "np.linspace(0, T - 1, steps)", "it returned float64"),
        ("spacing: cubic", CUBIC, "np.arange(T)", "it visits 1000 t for 50 steps"),
        ("spacing: cubic", CUBIC, "np.arange(steps)[::-1]", "do not ascend within 0..999"),
        ("spacing: cubic", CUBIC, "np.arange(1)", "visits t = 1 only"),
        ("spacing: cubic", "(T: int, steps: int", "(T: int, count: int", "cubic does not take steps"),
    ],
)
def test_a_bad_part_is_refused_with_its_name(tmp_path, baseline, before, after, message):
    assert before in PLUGIN
    with pytest.raises(UsageError, match=f"(?s){message}") as refused:
        checked(study_of(tmp_path, PLUGIN.replace(before, after), baseline))
    assert refused.value.exit_code == 2


def test_an_objective_may_draw_random_numbers_of_torch(tmp_path, digits):
    text = PLUGIN.replace(OBJECTIVE, "(net(x_t, i).float() - noise * torch.rand(())) ** 2")
    study = study_of(tmp_path, text, "objective: flow_matching")
    checked(study)
    first, second = (trained(config_of(study), digits, tmp_path) for _ in range(2))
    assert same_weights(first, second)
