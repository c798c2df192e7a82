"""`design: given` in study files: what it takes, and what it refuses because nothing is trained."""

from __future__ import annotations

import pytest

from sweep.config.keys import train_key
from sweep.config.study import Study
from sweep.config.study_file import load_study
from sweep.errors import InfeasibleConfig, StudyFileError
from sweep.executors.register import identity
from sweep.planning.plan import located, study_plan
from tests.helpers.given_items import given_study, noisy_digits, write_array, write_folder, write_study

ITEMS = {"baseline": "a.npz", "noisy": ["b.npz", {"path": "c.npz"}]}


def test_replicates_are_the_items_of_an_arm():
    study = Study.model_validate(given_study(ITEMS))
    assert study.seeds == 2
    assert [item.path for item in study.design.items["noisy"]] == ["b.npz", "c.npz"]
    assert Study.model_validate(study.model_dump()) == study
    assert Study.model_validate(study.model_dump(mode="json")) == study


@pytest.fixture
def items(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, sd in {"a": 0, "b": 20, "c": 40}.items():
        write_array(tmp_path / f"{name}.npz", noisy_digits(70, sd=sd))
    return tmp_path


def test_a_plan_trains_nothing_and_scores_each_item_once(items):
    plan = study_plan(located(Study.model_validate(given_study(ITEMS))))
    assert (plan.trainings, plan.scores, plan.trainings_saved, plan.work) == (0, 3, 0, 3)
    assert [(cell.arm_name, cell.replicate) for cell in plan.cells] == [("baseline", 0), ("noisy", 0), ("noisy", 1)]
    assert {cell.train_config.steps for cell in plan.cells} == {0}
    assert all(cell.facts is None and cell.train_config.ema_decays == () for cell in plan.cells)


def test_the_content_of_an_item_is_in_the_key_and_its_path_and_place_are_not(items):
    def keys(**items: object) -> list[str]:
        plan = study_plan(located(Study.model_validate(given_study(items))))
        return [train_key(cell.train_config) for cell in plan.cells]

    before = keys(**ITEMS)
    assert keys(baseline="b.npz", noisy=["c.npz", "a.npz"]) == [before[1], before[2], before[0]]
    (items / "c.npz").rename(items / "moved.npz")
    assert keys(baseline="a.npz", noisy=["b.npz", "moved.npz"]) == before
    write_array(items / "b.npz", noisy_digits(70, sd=21))
    after = keys(baseline="a.npz", noisy=["b.npz", "moved.npz"])
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, True]


def test_a_study_is_known_by_the_content_of_its_items(items):
    write_folder(items / "folder", noisy_digits(70, sd=0))
    studies = [
        located(Study.model_validate(given_study({"baseline": path, "noisy": "b.npz"}))) for path in ("a.npz", "folder")
    ]
    assert identity(studies[0]) == identity(studies[1])


def test_the_same_content_is_not_counted_twice(items):
    write_folder(items / "folder", noisy_digits(70, sd=0))
    for doubled in (
        {"baseline": "a.npz", "other": "folder"},
        {"baseline": ["a.npz", "folder"]},
        {"baseline": ["b.npz", "b.npz"]},
    ):
        with pytest.raises(InfeasibleConfig, match="has the same content"):
            located(Study.model_validate(given_study(doubled)))


WRONG = {
    "no baseline": ({"design": {"items": {"a": "a.npz"}}}, "one arm must be called baseline"),
    "no items": ({"design": {"items": {"baseline": []}}}, "baseline"),
    "no arm": ({"design": {"items": {}}}, "one arm must be called baseline"),
    "a factor": ({"factors": {"lr": {"role": "scientific", "levels": [1e-3]}}}, "scores its items as they are"),
    "seeds": ({"seeds": 5}, "leave `seeds` out"),
    "interim analyses": ({"interim_analyses": {"at": [3, 4]}}, "has all its items from the start"),
    "a training": ({"baseline": {"data": "digits", "lr": 1e-3}}, "this has no effect: leave it out"),
    "a sampler": ({"baseline": {"data": "digits", "sampler": "ancestral"}}, "this has no effect: leave it out"),
    "pairs of unequal lists": ({"design": {"items": ITEMS, "paired": True}}, "lists of one length"),
    "an arm in the baseline": ({"baseline": {"data": "digits", "given": "a"}}, "leave it out"),
}


@pytest.mark.parametrize(("changes", "says"), WRONG.values(), ids=WRONG)
def test_what_makes_no_sense_is_refused_with_its_line(tmp_path, changes, says):
    study = given_study(ITEMS) | {key: value for key, value in changes.items() if key != "design"}
    study["design"] |= changes.get("design", {})
    with pytest.raises(StudyFileError, match=rf"line \d+[\s\S]*{says}"):
        load_study(write_study(tmp_path / "study.yaml", study))


def test_the_runs_of_other_designs_are_written_as_before():
    study = Study.model_validate({"name": "a", "question": "?"})
    assert "given" not in study.model_dump()["baseline"]
    assert "given" not in study.baseline.train_config(seed=0, ema_decays=()).model_dump_json()
