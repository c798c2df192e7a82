"""The design of the documentation, taken from its page: a class and its registration are all that it needs."""

from __future__ import annotations

import sys
from importlib import util
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import ValidationError, create_model

from sweep.config.designs.one_at_a_time import OneAtATime
from sweep.config.designs.registry import DESIGN_CLASSES, one_of
from sweep.config.study import Study
from sweep.planning.plan import study_plan

PAGE = Path(__file__).parents[3] / "sweep/docs/extending.md"
SWITCHES = {
    "schedule": {"role": "scientific", "levels": ["cosine"]},
    "optimizer": {"role": "scientific", "levels": ["radam"]},
    "lr": {"role": "scientific", "levels": [1e-3]},
}


@pytest.fixture
def example(tmp_path, monkeypatch) -> ModuleType:
    section = PAGE.read_text().split("## A new design in two edits")[1].split("\n## ")[0]
    code = "\n".join(line[7:] for line in section.splitlines() if line.startswith(" " * 7) or not line)
    assert len([line for line in code.strip().splitlines() if line]) < 40
    (tmp_path / "pairs.py").write_text(code.lstrip())
    spec = util.spec_from_file_location("pairs", tmp_path / "pairs.py")
    module = util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "pairs", module)
    spec.loader.exec_module(module)
    return module


def test_a_new_design_is_a_class_and_its_registration(example):
    registered = one_of((*DESIGN_CLASSES, example.Pairs))
    with_pairs = create_model("Study", __base__=Study, design=(registered, OneAtATime()))
    file = {"name": "s", "question": "?", "baseline": {"data": "digits", "net": "unet_8", "T": 100}, "seeds": 4}

    asked = with_pairs.model_validate(file | {"design": "pairs", "factors": SWITCHES})
    plan = study_plan(asked)
    assert [arm.name for arm in plan.arms] == [
        "baseline",
        "schedule=cosine + optimizer=radam",
        "schedule=cosine + lr=0.001",
        "optimizer=radam + lr=0.001",
    ]
    assert plan.trainings == len(plan.cells) == 4 * 4
    assert asked.design.compared_arms(asked, len(plan.arms)) == 3

    tuned = {"tune": {"trials": 5}, "factors": SWITCHES | {"weight_decay": {"role": "nuisance", "levels": [0.0, 0.1]}}}
    assert study_plan(with_pairs.model_validate(file | {"design": "pairs"} | tuned)).trainings == 4 * (4 + 5)
    with pytest.raises(ValidationError, match="needs 2 scientific factors"):
        with_pairs.model_validate(file | {"design": "pairs"})
