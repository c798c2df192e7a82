"""A schedule of a plugin: its numbers, its keys, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sweep.config.keys import train_key
from sweep.config.plugin_files import plugins_of
from sweep.config.run import TrainConfig
from sweep.config.study import Study
from sweep.config.study_file import study_json_schema
from sweep.config.yaml_file import read_yaml
from sweep.errors import SweepError, UsageError
from sweep.planning.plan import study_plan
from sweep.plugins.loading import load_source
from sweep.training.noise_tables import betas_of
from tests.helpers.plugins import checked, plugin_study

PLUGIN = (Path(__file__).parents[2] / "studies/plugins/power_schedule.py").read_text()


def study_at(folder: Path, plugin: str = PLUGIN, baseline: str = "schedule: power", factors: str = "{}") -> Study:
    return plugin_study(folder, plugin, baseline=baseline, factors=factors)


def config_of(study: Study, **changes: object) -> TrainConfig:
    return study.setting(changes).train_config(seed=0, ema_decays=())


def test_betas_are_those_of_the_formula(tmp_path):
    study = study_at(tmp_path, baseline="schedule: {kind: power, exponent: 3.0}, T: 50")
    load_source(study.plugin_sources[0])
    alphas_bar = (1 - (np.arange(51) / 50) ** 3) ** 2
    assert np.allclose(np.cumprod(1 - betas_of(config_of(study)))[:-1], alphas_bar[1:-1], rtol=1e-12)


def test_a_stored_config_has_the_same_betas_and_key(tmp_path):
    study = study_at(tmp_path)
    load_source(study.plugin_sources[0])
    config = config_of(study, **{"schedule.exponent": 1.5})
    stored = TrainConfig.model_validate(config.model_dump(mode="json"))
    assert stored == config
    assert train_key(stored) == train_key(config)
    assert np.array_equal(betas_of(stored), betas_of(config))


def test_source_and_settings_are_in_the_key_of_the_runs_that_use_them_alone(tmp_path):
    before, after = study_at(tmp_path), study_at(tmp_path, PLUGIN.replace("** 2, T", "** 4, T"))
    assert train_key(config_of(before)) != train_key(config_of(after))
    assert train_key(config_of(before)) != train_key(config_of(before, **{"schedule.exponent": 3.0}))
    cosine = {"schedule": "cosine"}
    assert train_key(config_of(before, **cosine)) == train_key(config_of(after, **cosine))


def test_a_comment_is_in_no_key(tmp_path):
    commented = PLUGIN.replace("    return betas_from", "    # A comment.\n    return betas_from")
    keys = [train_key(config_of(study_at(tmp_path, text))) for text in (PLUGIN, commented)]
    assert keys[0] == keys[1]


def test_a_study_is_planned_without_the_code_and_the_check_says_what_its_chains_are(tmp_path):
    study = study_at(tmp_path, PLUGIN.replace("power", "unloaded"), "schedule: unloaded")
    assert study_plan(study).facts == {"baseline": None}
    facts = checked(study).facts
    assert 0 < facts["baseline"].alphas_bar_T < 1e-3
    plan = study_plan(study).with_facts(facts)
    assert all(cell.facts == facts["baseline"] for cell in plan.cells)


def test_settings_are_factors(tmp_path):
    study = study_at(tmp_path, factors="{schedule.exponent: {role: scientific, levels: [1.0, 3.0]}}")
    assert [study.setting({"schedule.exponent": each}).schedule.settings for each in (1.0, 3.0)] == [
        {"exponent": 1.0},
        {"exponent": 3.0},
    ]


def test_the_schema_of_a_study_has_the_names_of_its_plugins(tmp_path):
    study_at(tmp_path)
    with_plugins = plugins_of(read_yaml(tmp_path / "own.yaml"))
    plain, forms = (
        study_json_schema(plugins)["$defs"]["Setting"]["properties"]["schedule"] for plugins in (None, with_plugins)
    )
    assert {"const": "power"} in forms["anyOf"]
    assert "cosine" in plain["enum"]
    assert forms["anyOf"][0]["enum"] == plain["enum"]


@pytest.mark.parametrize(
    ("baseline", "factors", "message"),
    [
        ("schedule: powr", "{}", r"line 4: `baseline.schedule`: no schedule named 'powr'; did you mean 'power'"),
        ("schedule: {kind: power, exponnt: 2.0}", "{}", r"line 4: `baseline.schedule.exponnt`: .*mean 'exponent'"),
        ("schedule: {kind: power, exponent: a}", "{}", r"found 'a'; a number is expected"),
        ("schedule: {kind: cosine, exponent: 2.0}", "{}", r"schedule cosine has no setting 'exponent'"),
        ("schedule: cosine", "{schedule.exponent: {role: scientific, levels: [3.0]}}", r"cosine has no setting"),
        ("schedule: power", "{schedule.b: {role: scientific, levels: [3.0]}}", r"allowed: schedule.exponent"),
        ("schedule: power", "{loss.b: {role: scientific, levels: [3.0]}}", r"no setting named 'loss.b'"),
    ],
)
def test_what_is_wrong_in_a_study_file_is_told_with_file_and_line(tmp_path, baseline, factors, message):
    with pytest.raises(SweepError, match=message):
        study_at(tmp_path, baseline=baseline, factors=factors)


def test_without_plugins_a_schedule_with_settings_is_refused(tmp_path):
    with pytest.raises(SweepError, match=r"no schedule named 'power'; allowed: linear"):
        plugin_study(tmp_path, None, baseline="schedule: {kind: power, exponent: 2.0}")


def with_return(text: str) -> str:
    return PLUGIN.replace("return betas_from(lambda u: (1 - u**exponent) ** 2, T)", text)


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        (PLUGIN.replace("(T: int", "(steps: int = 1"), r"line 10: power does not take T"),
        (PLUGIN.replace("exponent: float = 2.0", "exponent=2.0"), r"line 10: .*a schedule is given T"),
        (PLUGIN.replace('"power"', '"cosine"'), r"the name of schedule `cosine` is taken"),
        (
            PLUGIN.replace("def power", "class power").replace(
                "(T: int, *, exponent: float = 2.0) -> np.ndarray:", ":"
            ),
            r"line 10: a schedule is a function",
        ),
        (with_return("return np.full(T - 1, 0.01)"), r"returned shape \(199,\); .*\(200,\)"),
        (with_return("return np.full(T, np.nan)"), r"beta_1 = nan is not in \(0, 1\]"),
        (with_return("return np.full(T, 1.5)"), r"beta_1 = 1.5 is not in \(0, 1\]"),
        (with_return("return 'betas'"), r"power of a plugin raised an error at T = 200.*ValueError"),
        (with_return("return np.random.default_rng().uniform(0.01, 0.02, T)"), r"returns other betas at each call"),
        (PLUGIN.replace("import numpy", "import nowhere, numpy"), r"cannot be imported.*nowhere"),
        (PLUGIN + "\nraise SystemExit\n", r"ends the program when it is imported"),
    ],
)
def test_a_bad_schedule_is_refused(tmp_path, plugin, message):
    name = "cosine" if '"cosine"' in plugin else "power"
    with pytest.raises(UsageError, match=f"(?s){message}"):
        checked(study_at(tmp_path, plugin, f"schedule: {name}, T: 200"))
