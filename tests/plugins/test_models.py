"""Settings of a part as a pydantic model: read from the text, checked, completed, varied, and passed as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweep.config.keys import train_key
from sweep.config.plugin_files import plugins_of
from sweep.config.study import Study
from sweep.config.study_file import study_json_schema
from sweep.config.yaml_file import read_yaml
from sweep.errors import SweepError
from sweep.plugins.loading import load_source
from sweep.training.noise_tables import betas_of
from tests.helpers.plugins import checked, plugin_study

PLUGIN = '''
from typing import Literal

import numpy as np
from pydantic import BaseModel, Field, model_validator

from sweep.plugins import schedule


class Ends(BaseModel):
    """Where betas begin and end."""

    first: float = Field(1e-4, gt=0, lt=1)
    last: float = Field(default=0.02, gt=0, lt=1, description="The last one.")


class Curve(Ends):
    power: int = 1
    order: Literal["up", "down"] = "up"

    @model_validator(mode="after")
    def ordered(self):
        if self.first >= self.last:
            raise ValueError("first is not below last")
        return self


@schedule("ends")
def ends(T: int, curve: Curve, *, scale: float = 1.0):
    assert isinstance(curve, Curve)
    u = np.linspace(0, 1, T) ** curve.power
    betas = scale * (curve.first + (curve.last - curve.first) * u)
    return betas if curve.order == "up" else betas[::-1]
'''


def study_of(folder: Path, baseline: str = "schedule: ends", plugin: str = PLUGIN, factors: str = "{}") -> Study:
    study = plugin_study(folder, plugin, baseline=baseline, factors=factors)
    load_source(study.plugin_sources[0])
    return study


@pytest.mark.parametrize("plugin", [PLUGIN, "from __future__ import annotations\n" + PLUGIN])
def test_the_fields_of_a_model_are_settings_and_the_part_gets_the_model(tmp_path, plugin):
    study = study_of(tmp_path, "schedule: {kind: ends, last: 0.04, scale: 0.5}, T: 5", plugin)
    assert study.baseline.schedule.settings == {
        "first": 1e-4,
        "last": 0.04,
        "power": 1,
        "order": "up",
        "scale": 0.5,
    }
    assert betas_of(study.baseline)[-1] == pytest.approx(0.02)
    stored = Study.model_validate(study.model_dump(mode="json"))
    assert betas_of(stored.baseline)[-1] == pytest.approx(0.02)
    keys = [train_key(each.baseline.train_config(seed=0, ema_decays=())) for each in (study, stored)]
    assert keys[0] == keys[1]


def test_a_field_is_a_level_of_a_factor(tmp_path):
    study = study_of(tmp_path, factors="{schedule.power: {role: scientific, levels: [2, 3]}}")
    assert study.setting({"schedule.power": 3}).schedule.settings["power"] == 3


def test_the_schema_has_types_and_bounds(tmp_path):
    study_of(tmp_path)
    schema = study_json_schema(plugins_of(read_yaml(tmp_path / "own.yaml")))
    written = schema["$defs"]["Setting"]["properties"]["schedule"]["anyOf"][-1]["properties"]
    assert written["last"] == {"type": "number", "default": 0.02, "exclusiveMinimum": 0.0, "exclusiveMaximum": 1.0}
    assert written["order"]["enum"] == ["up", "down"]


@pytest.mark.parametrize(
    ("baseline", "plugin", "message"),
    [
        ("schedule: {kind: ends, last: 1.5}", PLUGIN, r"line 4: `baseline.schedule.last`: last: found 1.5; .* < 1 is"),
        ("schedule: {kind: ends, lst: 0.5}", PLUGIN, r"line 4: .*did you mean 'last'"),
        ("schedule: {kind: ends, power: 1.5}", PLUGIN, r"power: found 1.5; a whole number is expected"),
        ("schedule: {kind: ends, last: 0.00001}", PLUGIN, r"first is not below last"),
        (
            "schedule: ends",
            PLUGIN.replace("power: int = 1", "power: int"),
            r"mine.py, line 18: setting `power` needs a",
        ),
        ("schedule: ends", PLUGIN.replace("power: int = 1", "power: list = []"), r"line 18: setting `power` must be"),
        ("schedule: ends", PLUGIN.replace("gt=0, lt=1)", "gt=LOW)"), r"line 13: `gt` of a field is a number"),
        ("schedule: ends", PLUGIN.replace("scale: float", "last: float"), r"two settings of ends are called `last`"),
        ("schedule: ends", PLUGIN.replace("lt=1)", "lt=1e-5)"), r"line 13: .* found 0.0001; a value < 1e-05"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(tmp_path, baseline, plugin, message):
    with pytest.raises(SweepError, match=f"(?s){message}"):
        checked(study_of(tmp_path, baseline, plugin))
