"""A sampler of a plugin: its images, its keys, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sweep.config.keys import eval_key, train_key
from sweep.config.run import Protocol, Setting
from sweep.config.study import Study
from sweep.diffusion.process import Diffusion
from sweep.diffusion.samplers import sample
from sweep.errors import SweepError
from sweep.planning.plan import study_plan
from sweep.plugins.loading import load_source
from sweep.scoring.generate import sampling_plan
from sweep.training.noise_tables import betas_of
from tests.helpers.plugins import checked, plugin_study

PLUGIN = (Path(__file__).parents[2] / "studies/plugins/noise_window.py").read_text()
PROTOCOL = Protocol(extractor="a", extractor_sha256="0" * 64, reference_sha256="1" * 64, n=100)


def study_at(folder: Path, plugin: str = PLUGIN, baseline: str = "sampler: noise_window", factors: str = "{}") -> Study:
    study = plugin_study(folder, plugin, baseline=f"eta: 0.7, {baseline}", factors=factors)
    load_source(study.plugin_sources[0])
    return study


def images_of(setting: Setting) -> torch.Tensor:
    diffusion = Diffusion.from_betas(betas_of(setting), torch.device("cpu"))
    shape = (3, 1, 4, 4)

    def noise(draw: int) -> torch.Tensor:
        return torch.randn(shape, generator=torch.Generator().manual_seed(draw))

    plan = sampling_plan(setting.eval_config(), "epsilon")
    return sample(lambda x, _i: 0.5 * x, diffusion, shape=shape, noise=noise, plan=plan)


def test_a_window_that_is_open_everywhere_is_ddim_and_one_that_is_closed_ddim_without_noise(tmp_path):
    study = study_at(tmp_path)
    opened = images_of(study.setting({"sampler.low": 0.0, "sampler.high": 1.0}))
    closed = images_of(study.setting({"sampler.low": 0.9, "sampler.high": 0.1}))
    assert torch.equal(opened, images_of(study.setting({"sampler": "ddim"})))
    assert torch.equal(closed, images_of(study.setting({"sampler": "ddim", "eta": 0.0})))
    assert not torch.equal(opened, images_of(study.baseline))


def test_the_source_is_in_the_eval_key_alone(tmp_path):
    before, after = (study_at(tmp_path, text).baseline for text in (PLUGIN, PLUGIN + "\nCHANGED = True\n"))
    trains = [train_key(each.train_config(seed=0, ema_decays=())) for each in (before, after)]
    assert trains[0] == trains[1]
    assert eval_key(before.eval_config(), PROTOCOL) != eval_key(after.eval_config(), PROTOCOL)


def test_it_is_an_evaluation_level_with_its_settings(tmp_path):
    factors = (
        "{sampler: {role: evaluation, levels: [noise_window]}, "
        "wide: {role: evaluation, levels: {wide: {sampler: noise_window, sampler.low: 0.05}}}}"
    )
    study = study_at(tmp_path, baseline="sampler: ddim", factors=factors)
    configs = [request.eval_config for request in study_plan(study).cells[0].score_requests]
    assert [str(config.sampler) for config in configs] == ["ddim", "noise_window", "noise_window"]
    assert [config.sampler.settings["low"] for config in configs[1:]] == [0.2, 0.05]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("return Columns(", "return dict(", "it returned dict"),
        ("sigma=sigma)", "sigma=sigma[1:])", r"sigma has shape \(49,\)"),
        ("on_x=on_x,", "on_x=on_x * np.nan,", "on_x is not finite"),
        ("on_x0=np.sqrt", "on_x0=0.9 * np.sqrt", "knows the image at every step it ends 0.0"),
        ("on_x0=np.sqrt", "on_x0=-np.sqrt", "it ends 1.8 away"),
        ("(at: Levels", "(levels: Levels", "noise_window does not take at"),
    ],
)
def test_a_bad_sampler_is_refused(tmp_path, before, after, message):
    assert before in PLUGIN
    with pytest.raises(SweepError, match=message):
        checked(study_at(tmp_path, PLUGIN.replace(before, after)))
