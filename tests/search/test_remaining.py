"""A study that grows is not done between two trials, nor failed when it ended as it was meant to."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from sweep.api.launch_result import finished_result
from sweep.cli.app import app
from sweep.cli.launch import print_result
from sweep.config.designs.registry import DESIGNS
from sweep.config.run import EvalConfig, TrainConfig
from sweep.config.study import Study
from sweep.executors.register import register
from sweep.planning.plan import study_plan
from sweep.search.remaining import PLANNED_WHOLE, status_of
from sweep.store import Store, cells, exclude, open_store, set_study_state, status
from tests.helpers.played_studies import PROTOCOL, launched, play, worker
from tests.search.test_promotion import SEARCH as PRUNED
from tests.search.test_scheduler import PATH, SEARCH, TUNED, interacting, study


def launch_exit_code(store: Store, study_id: int) -> int:
    """What a launch prints and returns once its workers have ended well."""
    result = finished_result(status_of(store, study_id))
    print_result(result, "sweep launch s.yaml", [])
    return result.exit_code


pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


@pytest.fixture
def store(sqlite_url: str):
    opened = open_store(sqlite_url, patience_seconds=20)
    yield opened
    opened.close()


def counted(store: Store, study_id: int) -> int:
    """Trainings that are done, under way, planned or to come."""
    return len(cells(store, study_id)) + status_of(store, study_id).to_come


@pytest.mark.parametrize("design", [SEARCH, TUNED, PATH], ids=["search", "tuned", "path"])
def test_all_trainings_are_counted_from_the_launch_to_the_end(store: Store, design: dict[str, object]) -> None:
    asked = study(**design)
    record, me, done = launched(store, asked), worker(store), 1
    while done:
        now = status_of(store, record.id)
        assert now.has_work
        assert counted(store, record.id) == study_plan(asked).trainings
        done = play(store, asked, record.id, interacting, owner=me, steps=3)
        if not status_of(store, record.id).has_work:
            break
    assert len(cells(store, record.id)) == study_plan(asked).trainings
    assert not status_of(store, record.id).has_work


def test_what_is_added_to_a_finished_study_is_to_come_wherever_it_is_told(store: Store, sqlite_url: str) -> None:
    asked = study(**SEARCH | {"design": {"kind": "search", "trials": 3, "confirm": 1}})
    record = register(store, study_plan(asked), PROTOCOL, accept_change=False)
    play(store, asked, record.id, interacting, owner=worker(store))
    assert not status_of(store, record.id).has_work
    sweep = lambda *typed: CliRunner().invoke(app, list(typed), env={"SWEEP_STORAGE": sqlite_url})
    assert "done" in sweep("status", "s").output
    assert sweep("extend", "s", "--trials", "+2").exit_code == 0
    assert sweep("extend", "s", "--seeds", "+1").exit_code == 0
    assert status_of(store, record.id).to_come == 2 + 2 * 1
    assert status_of(store, record.id).is_stalled
    said = sweep("status", "s").output
    assert "done" not in said
    assert "no worker is running" in said
    told = json.loads(sweep("status", "s", "--json").output)
    assert (told["runs_left"], told["to_come"]) == (4, 4)
    (line,) = [each for each in json.loads(sweep("doctor", "--json").output) if each["what"] == "study s"]
    assert "4 trainings (4 to come)" in line["found"]
    assert not line["well"]
    assert launch_exit_code(store, record.id) == 1
    set_study_state(store, record.id, "cancelled")
    assert status_of(store, record.id).to_come == 0


def test_an_excluded_trial_is_to_come_again(store: Store) -> None:
    asked = study(**SEARCH | {"design": {"kind": "search", "trials": 3, "confirm": 0}})
    record, me = launched(store, asked), worker(store)
    play(store, asked, record.id, interacting, owner=me)
    exclude(store, cells(store, record.id)[0].cell_id, "a wrong cable")
    assert status_of(store, record.id).to_come == 1
    play(store, asked, record.id, interacting, owner=me)
    assert not status_of(store, record.id).has_work


def test_a_search_in_which_everything_diverges_has_nothing_to_confirm(store: Store, capsys) -> None:
    asked = study(**SEARCH | {"design": {"kind": "search", "trials": 3, "confirm": 2}})
    record = launched(store, asked)
    play(store, asked, record.id, lambda train, evaluation: None, owner=worker(store))
    assert not status_of(store, record.id).has_work
    assert launch_exit_code(store, record.id) == 0
    said = capsys.readouterr().out
    assert "diverged" in said
    assert "failed" not in said


def test_trials_of_arms_that_a_revision_dropped_take_no_place_of_others(store: Store) -> None:
    asked = study(**TUNED)
    record, me = launched(store, asked), worker(store)
    play(store, asked, record.id, interacting, owner=me)
    smaller = study(
        **TUNED | {"factors": TUNED["factors"] | {"schedule": {"role": "scientific", "levels": ["quadratic"]}}}
    )
    launched(store, smaller, accept_change=True)
    play(store, smaller, record.id, interacting, owner=me)
    found = [cell.arm_name for cell in cells(store, record.id) if cell.phase == "search"]
    assert sum(name.startswith("schedule=quadratic / ") for name in found) == 4
    assert not status_of(store, record.id).has_work


def worse_with_time(train: TrainConfig, evaluation: EvalConfig) -> float:
    worse_with_time.calls += 1
    return float(worse_with_time.calls)


def test_pruned_trials_stand_on_a_line_of_their_own_and_their_rungs_are_whole_steps(store: Store, capsys) -> None:
    worse_with_time.calls = 0
    pruner = {"kind": "asha", "rungs": [0.001, 0.002, 0.3, 0.301], "startup": 2}
    design = PRUNED["design"] | {"confirm": 0, "pruner": pruner}
    asked = Study.model_validate(PRUNED | {"design": design})
    where = "stops trials at 10, 300 images seen"
    assert where in asked.design.plan_text(asked), "1, 2, 300 and 301 images are one step and thirty"
    record = launched(store, asked)
    play(store, asked, record.id, worse_with_time, owner=worker(store))
    pruned = [cell for cell in cells(store, record.id) if cell.state == "pruned"]
    assert pruned
    assert {cell.step for cell in pruned} <= {1, 30}
    assert all(f"after {cell.step * 10} of 1,000 images" in str(cell.failure_reason) for cell in pruned)
    assert status(store, record.id).failed == ()
    assert launch_exit_code(store, record.id) == 0
    lines = capsys.readouterr().out.splitlines()
    assert not any(line.startswith("failed") for line in lines)
    (line,) = [line for line in lines if line.startswith("pruned: ")]
    assert line.startswith(f"pruned: {len(pruned)} (")


def test_designs_that_are_planned_whole_get_no_cells_after_the_launch():
    asked = study()
    assert not any(DESIGNS[kind].model_construct().grows(asked) for kind in PLANNED_WHOLE)
