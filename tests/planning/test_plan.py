"""The plan of a study is computed once, and what is derived from it is what a second plan would say."""

from __future__ import annotations

import pytest

from sweep.config.study import Study
from sweep.planning.plan import expected_trainings, study_plan

SWITCHES = {
    "schedule": {"role": "scientific", "levels": ["cosine"]},
    "optimizer": {"role": "scientific", "levels": ["radam"]},
    "lr": {"role": "scientific", "levels": [1e-3]},
}
WEIGHT_DECAY = {"weight_decay": {"role": "nuisance", "levels": [0.0, 0.1]}}


def study(**fields: object) -> Study:
    baseline = {"data": "digits", "net": "unet_8", "T": 100}
    return Study.model_validate({"name": "s", "question": "?", "baseline": baseline, "factors": SWITCHES} | fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"design": "one_at_a_time"},
        {"design": "factorial"},
        {"design": {"kind": "path", "round_seeds": 2}},
        {"design": {"kind": "search", "trials": 7}},
        {"design": {"kind": "search", "trials": 7, "confirm": 0}},
        {"design": "leave_one_out", "tune": {"trials": 3}, "factors": SWITCHES | WEIGHT_DECAY},
    ],
)
def test_the_trainings_of_a_study_are_known_without_its_plan(fields):
    asked = study(**fields)
    assert expected_trainings(asked) == study_plan(asked).trainings


def test_a_plan_with_the_hash_of_its_images_is_the_plan_of_the_study_with_that_hash():
    data = {"name": "image_folder", "path": "/images", "size": 8}
    asked = study(baseline={"data": data, "net": "unet_8", "T": 100})
    plan = study_plan(asked)
    assert plan.with_images("a" * 64) == study_plan(asked.with_images("a" * 64)) != plan
