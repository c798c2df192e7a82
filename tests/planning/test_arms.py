"""Arms against combinatorial truth."""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.config.designs.registry import DESIGNS
from sweep.config.factors import level_name
from sweep.config.study import Study
from sweep.config.study_file import study_json_schema
from sweep.errors import InfeasibleConfig
from sweep.planning.arms import arms_of, evaluation_levels

SCHEDULES = ["linear", "cosine", "quadratic", "sigmoid_beta"]
OPTIMIZERS = ["adamw", "radam", "adabelief"]
LRS = [1e-3, 5e-4]


def study(design: str = "one_at_a_time", **factors: dict) -> Study:
    return Study.model_validate(
        {
            "name": "s",
            "question": "?",
            "baseline": {"data": "digits", "net": "unet_8", "T": 100},
            "factors": factors,
            "design": design,
        }
    )


def scientific(levels: list) -> dict:
    return {"role": "scientific", "levels": levels}


@given(
    schedules=st.lists(st.sampled_from(SCHEDULES), min_size=1, unique=True),
    optimizers=st.lists(st.sampled_from(OPTIMIZERS), min_size=1, unique=True),
    lrs=st.lists(st.sampled_from(LRS), min_size=1, unique=True),
)
def test_counts(schedules, optimizers, lrs):
    factors = {"schedule": scientific(schedules), "optimizer": scientific(optimizers), "lr": scientific(lrs)}
    counts = [len(levels) for levels in (schedules, optimizers, lrs)]
    assert len(arms_of(study("one_at_a_time", **factors))) == 1 + sum(counts)
    assert len(arms_of(study("factorial", **factors))) == 1 + prod(counts)


def test_one_at_a_time_changes_one_factor():
    arms = arms_of(study(schedule=scientific(["cosine", "linear"]), lr=scientific([1e-3])))
    assert [(arm.name, arm.changes) for arm in arms] == [
        ("baseline", {}),
        ("schedule=cosine", {"schedule": "cosine"}),
        ("schedule=linear", {"schedule": "linear"}),
        ("lr=0.001", {"lr": 1e-3}),
    ]


def test_the_baseline_among_the_levels_is_no_arm_of_its_own():
    """2 x 2 with both baseline levels listed: four cells of the factorial, one of them the baseline."""
    factors = {"schedule": scientific(["linear_scaled", "cosine"]), "optimizer": scientific(["adam", "radam"])}
    assert len(arms_of(study("factorial", **factors))) == 4
    assert len(arms_of(study("one_at_a_time", **factors))) == 3


def test_equal_arms_under_two_names_are_refused():
    clipped = {"a": {"weighting": "vlb", "weight_clip": [0, 1]}}
    with pytest.raises(InfeasibleConfig, match="are the same setting"):
        arms_of(study(one={"role": "scientific", "levels": clipped}, two={"role": "scientific", "levels": clipped}))


def test_a_named_level_sets_several_fields():
    arms = arms_of(study(w={"role": "scientific", "levels": {"clipped": {"weighting": "vlb", "weight_clip": [0, 1]}}}))
    assert arms[1].name == "w=clipped"
    assert arms[1].changes == {"weighting": "vlb", "weight_clip": [0, 1]}


def test_every_design_of_the_study_file_is_there():
    forms = study_json_schema()["properties"]["design"]["anyOf"]
    assert set(DESIGNS) == set(forms[0]["enum"]) == set(forms[1]["discriminator"]["mapping"])


SWITCHES = {
    "schedule": ["cosine"],
    "optimizer": ["radam"],
    "lr": [1e-3],
    "loss": ["huber"],
    "batch": [64],
    "T": [200],
    "eps": [1e-6],
}


def switches(k: int) -> dict[str, dict]:
    return {name: scientific(levels) for name, levels in list(SWITCHES.items())[:k]}


def on(changes: dict) -> frozenset[str]:
    return frozenset(changes)


@pytest.mark.parametrize("k", range(2, 8))
def test_leave_one_out_is_everything_and_everything_but_one(k):
    arms = arms_of(study("leave_one_out", **switches(k)))
    names = list(switches(k))
    assert [on(arm.changes) for arm in arms] == [
        frozenset(),
        frozenset(names),
        *(frozenset(names) - {name} for name in names),
    ]
    assert [arm.name for arm in arms] == ["baseline", "all", *(f"all - {name}" for name in names)]


@pytest.mark.parametrize("k", range(2, 8))
def test_add_one_in_is_each_alone_and_everything(k):
    arms = arms_of(study("add_one_in", **switches(k)))
    names = list(switches(k))
    assert [on(arm.changes) for arm in arms] == [frozenset(), *(frozenset({name}) for name in names), frozenset(names)]
    assert arms[-1].name == "all"


@pytest.mark.parametrize("levels", [(["cosine", "linear"], ["radam"]), (["cosine"], ["adamw", "radam"], [1e-3, 5e-4])])
def test_a_factorial_with_its_baselines_is_every_combination_once(levels):
    """Counted off in mixed radix, not by the product that the design uses."""
    names = ["schedule", "optimizer", "lr"][: len(levels)]
    base = study().baseline
    whole = [[getattr(base, name), *listed] for name, listed in zip(names, levels, strict=True)]
    expected = set()
    for index in range(prod(map(len, whole))):
        left, chosen = index, []
        for column in whole:
            left, place = divmod(left, len(column))
            chosen.append(column[place])
        expected.add(tuple(chosen))
    asked = study("factorial", **{n: scientific(each) for n, each in zip(names, whole, strict=True)})
    settings = [asked.setting(arm.changes) for arm in arms_of(asked)]
    found = [tuple(getattr(setting, name) for name in names) for setting in settings]
    assert set(found) == expected
    assert len(found) == len(expected)


def test_the_baseline_beside_the_named_level_is_no_second_level():
    factors = {"schedule": scientific(["linear_scaled", "cosine"]), "optimizer": scientific(["radam", "adam"])}
    assert [arm.changes for arm in arms_of(study("leave_one_out", **factors))][1] == {
        "schedule": "cosine",
        "optimizer": "radam",
    }


@pytest.mark.parametrize(("k", "resolution", "runs"), [(3, 3, 4), (5, 4, 16), (5, 3, 8), (6, 4, 16), (7, 4, 16)])
def test_a_fraction_has_its_runs_and_the_baseline_among_them(k, resolution, runs):
    asked = study("one_at_a_time", **switches(k))
    asked = Study.model_validate(asked.model_dump() | {"design": {"kind": "fractional", "resolution": resolution}})
    arms = arms_of(asked)
    assert len(arms) == runs
    assert arms[0].changes == {}
    assert arms[1].name == " + ".join(f"{name}={level_name(value)}" for name, value in arms[1].changes.items())


def test_a_path_knows_its_two_ends():
    first, last = arms_of(study("path", **switches(3)))
    assert (first.changes, on(last.changes)) == ({}, {"schedule", "optimizer", "lr"})
    assert last.name == "schedule=cosine + optimizer=radam + lr=0.001"


def test_what_makes_no_sense_is_refused_with_a_way_out():
    refused = {
        "nothing": study(schedule=scientific(["linear_scaled"])),
        "257 arms": study(T=scientific(list(range(101, 358)))),
        "no fraction": study("fractional", **switches(3)),
        "a name": study(w={"role": "scientific", "levels": {"x" * 100: {"schedule": "cosine"}}}),
    }
    for asked in refused.values():
        with pytest.raises(InfeasibleConfig) as caught:
            arms_of(asked)
        assert caught.value.why
        assert caught.value.next


def test_evaluation_levels_come_one_at_a_time_after_the_primary():
    asked = study(
        ema_decay={"role": "evaluation", "levels": [0, 0.999, 0.9]},
        sampling_steps={"role": "evaluation", "levels": [10, 50]},
    )
    assert evaluation_levels(asked) == [{}, {"ema_decay": 0}, {"ema_decay": 0.9}, {"sampling_steps": 10}]
