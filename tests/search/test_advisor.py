"""Optuna is asked in order, never loses or repeats a draw, and hears of divergence as pruned."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import optuna
import pytest

from sweep.config.study import Study
from sweep.search.advisor import Advisor
from sweep.search.explorations import explorations_of
from sweep.search.optuna_storage import open_storage
from sweep.search.samplers import SEARCH_SAMPLERS
from sweep.search.space import params_of


def study(**design: object) -> Study:
    return Study.model_validate(
        {
            "name": "s", "question": "?",
            "baseline": {"data": "digits", "net": "unet_8", "T": 100, "lr": 2e-4},
            "factors": {
                "schedule": {"role": "scientific", "levels": ["linear_scaled", "cosine"]},
                "lr": {"role": "nuisance", "range": [1e-5, 1e-2], "log": True},
                "T": {"role": "scientific", "range": [50, 4000]},
                "w": {"role": "scientific", "levels": {
                    "simple": {"weighting": "simple"}, "clipped": {"weighting": "vlb", "weight_clip": [0, 1]},
                }},
            },
            "design": {"kind": "search", "trials": 8} | design,
        }
    )  # fmt: skip


@pytest.fixture(scope="session")
def empty(tmp_path_factory) -> Path:
    """A database with Optuna's tables: making them takes longer than a test."""
    path = tmp_path_factory.mktemp("optuna") / "optuna.db"
    open_storage(f"sqlite:///{path}")
    return path


@pytest.fixture
def url(tmp_path, empty) -> str:
    return f"sqlite:///{shutil.copy(empty, tmp_path / 'optuna.db')}"


@pytest.fixture
def other_url(tmp_path, empty) -> str:
    return f"sqlite:///{shutil.copy(empty, tmp_path / 'other.db')}"


def advisor_of(asked: Study, url: str) -> Advisor:
    (exploration,) = explorations_of(asked)
    return Advisor(asked, exploration, optuna.storages.RDBStorage(url))


def only_study(url: str) -> optuna.Study:
    return optuna.load_study(study_name=None, storage=url)


def draw(url: str, count: int, *, asked: Study | None = None) -> list[tuple[int, dict]]:
    """`count` trials, each from a new process's view of the store, each told before the next is asked."""
    drawn: list[tuple[int, dict]] = []
    for wanted in range(count):
        advisor = advisor_of(asked or study(), url)
        number, changes = advisor.ask(wanted)
        advisor.tell(number, float(number), changes=changes)
        drawn.append((number, dict(changes)))
    return drawn


def test_the_first_trial_is_the_baseline(url):
    assert draw(url, 1) == [
        (0, {"schedule": "linear_scaled", "lr": 2e-4, "T": 100, "weighting": "simple"}),
    ]


def test_a_baseline_outside_the_space_is_not_forced_into_it():
    assert params_of(study(), *explorations_of(study()), {}) is not None
    narrow = study().model_dump()
    narrow["factors"]["lr"]["range"] = [1e-3, 1e-2]
    narrowed = Study.model_validate(narrow)
    assert params_of(narrowed, *explorations_of(narrowed), {}) is None


@pytest.mark.parametrize("search_sampler", SEARCH_SAMPLERS)
def test_draws_lie_in_the_space_with_the_right_types(url, search_sampler):
    for number, changes in draw(url, 3, asked=study(search_sampler=search_sampler)):
        assert isinstance(changes["T"], int)
        assert 50 <= changes["T"] <= 4000
        assert 1e-5 <= changes["lr"] <= 1e-2
        assert changes["weighting"] == "simple" or changes["weight_clip"] == [0, 1]
        assert number >= 0


@pytest.mark.parametrize(("search_sampler", "count"), [("tpe", 12), ("random", 4), ("qmc", 4), ("gp", 12)])
def test_a_restart_draws_what_no_restart_would_have(url, other_url, search_sampler, count):
    """optuna#3255: one seed for every process repeats its first trials after each restart.

    tpe and gp draw at random before they have ten scores to model.
    """
    restarted = draw(url, count, asked=study(search_sampler=search_sampler))
    at_once: list[tuple[int, dict]] = []
    advisor = advisor_of(study(search_sampler=search_sampler), other_url)
    for wanted in range(count):
        number, changes = advisor.ask(wanted)
        advisor.tell(number, float(number), changes=changes)
        at_once.append((number, dict(changes)))
    assert restarted == at_once
    assert len({str(changes) for _, changes in restarted}) == count


def test_the_wrong_way_repeats_itself():
    """Kept bug: a sampler seeded alike at every start gives the same trial each time."""
    values = []
    for _ in range(2):
        started = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
        values.append(started.ask().suggest_float("x", 0.0, 1.0))
    assert values[0] == values[1]


def test_a_draw_that_was_not_recorded_is_handed_out_again(url):
    """Killed between Optuna's answer and our row: the same trial comes again, and none is skipped."""
    number, changes = advisor_of(study(), url).ask(0)
    assert advisor_of(study(), url).ask(0) == (number, changes)
    assert advisor_of(study(), url).ask(1)[0] == number + 1


def test_trials_that_others_left_open_in_optunas_tables_change_nothing(url, other_url):
    """optuna#485: a killed asker's trial stays RUNNING for ever; a store of an earlier version holds such trials."""
    draw(url, 2)
    draw(other_url, 2)
    only_study(url).ask()
    only_study(url).enqueue_trial({"lr": 2e-4})
    assert draw(url, 14)[2:] == draw(other_url, 14)[2:]


def test_asking_touches_no_database_and_is_not_recorded(url):
    advisor = advisor_of(study(), url)
    for number in range(12):
        advisor.tell(number, float(number), changes=dict(advisor.ask(number)[1]))
    with sqlite3.connect(url.removeprefix("sqlite:///")) as other:
        other.execute("BEGIN EXCLUSIVE")  # nobody else can read or write
        drawn = advisor.ask(12)
        assert advisor.ask(12) == drawn
        other.rollback()
    assert len(only_study(url).trials) == 12


@pytest.mark.parametrize("search_sampler", ["tpe", pytest.param("gp", marks=pytest.mark.slow)])
def test_draws_keep_apart_from_trials_that_are_under_way(url, search_sampler):
    """As if they were bad (TPE) or unknown (GP); the same whichever of them came to an end first."""
    advisor = advisor_of(study(search_sampler=search_sampler), url)
    for number in range(12):
        advisor.tell(number, float(number), changes=advisor.ask(number)[1])
    alone = advisor.ask(20)[1]
    others = {number: dict(alone) for number in range(12, 20)}
    assert advisor.ask(20, others)[1] != alone
    backwards = dict(reversed(others.items()))
    assert advisor.ask(20, backwards) == advisor.ask(20, others)


def test_the_order_in_which_trials_end_changes_no_draw(url, other_url):
    drawn = [advisor_of(study(), url).ask(number) for number in range(12)]
    for where, order in ((url, drawn), (other_url, drawn[::-1])):
        for number, changes in order:
            advisor_of(study(), where).tell(number, float(number % 5), changes=changes)
    assert advisor_of(study(), url).ask(12) == advisor_of(study(), other_url).ask(12)


def test_divergence_is_told_as_pruned_and_a_score_once(url):
    advisor = advisor_of(study(), url)
    first, changes = advisor.ask(0)
    advisor.tell(first, None, changes=changes)
    second, changes = advisor.ask(1)
    advisor.tell(second, 3.5, changes=changes)
    advisor.tell(second, 99.0, changes=changes)
    trials = only_study(url).trials
    assert trials[0].state is optuna.trial.TrialState.PRUNED
    assert (trials[1].state, trials[1].value) == (optuna.trial.TrialState.COMPLETE, 3.5)


def taught(url: str, asked: Study, **of_fifth: object) -> dict:
    """The next draw of the real TPE after a dozen trials, of which the sixth came to such an end."""
    advisor = advisor_of(asked, url)
    for wanted in range(12):
        number, changes = advisor.ask(wanted)
        value = abs(float(changes["lr"]) - 1e-3)  # type: ignore[arg-type]
        advisor.tell(number, **{"value": value, "changes": changes} | (of_fifth if number == 5 else {}))  # type: ignore[arg-type]
    return dict(advisor.ask(12)[1])


def test_a_void_trial_teaches_tpe_nothing_and_a_diverged_one_does(url, empty, tmp_path):
    """Void: the draw is that of an Optuna in which the trial has no place. Divergence moves the next draw."""
    asked = study()
    copies = [f"sqlite:///{shutil.copy(empty, tmp_path / f'{name}.db')}" for name in ("diverged", "never")]
    void = taught(url, asked, value=None, void=True)
    assert only_study(url).trials[5].state is optuna.trial.TrialState.FAIL
    assert taught(copies[0], asked, value=None) != void
    known = only_study(url).trials
    without = advisor_of(asked, copies[1])
    for trial in known[:5] + known[6:12]:
        without.optuna_study.add_trial(trial)
    without.look()
    assert dict(without.ask(12)[1]) == void


def test_a_refused_draw_is_not_drawn_again(url):
    """Told without a value and never recorded by us: the next number is taken, after a kill too."""
    first, changes = advisor_of(study(), url).ask(0)
    advisor_of(study(), url).tell(first, None, changes=changes)
    assert advisor_of(study(), url).ask(0)[0] == 1


@pytest.mark.parametrize("search_sampler", SEARCH_SAMPLERS)
def test_optuna_is_rebuilt_from_what_we_know(url, other_url, search_sampler):
    """Its tables are lost: told again, it holds the same points and goes on as if nothing had happened.

    Optuna counts the points of a quasi-random sequence in its tables; ours must not begin once more.
    """
    asked = study(search_sampler=search_sampler)
    drawn = draw(url, 3, asked=asked)
    rebuilt = advisor_of(asked, other_url)
    for number, changes in drawn:
        rebuilt.tell(number, float(number), changes=changes)
    assert rebuilt.numbers() == {0, 1, 2}
    before, after = only_study(url).trials, only_study(other_url).trials
    assert [(t.params, t.value, t.state) for t in before] == [(t.params, t.value, t.state) for t in after]
    assert advisor_of(asked, url).ask(3) == rebuilt.ask(3)


def test_a_changed_space_starts_anew_with_what_fits(url):
    """optuna refuses other levels under an old name; what lies outside the new space is left out."""
    drawn = draw(url, 3)
    wider = study().model_dump()
    wider["factors"]["schedule"]["levels"].append("quadratic")
    wider["factors"]["lr"]["range"] = [1e-4, 1e-3]
    advisor = advisor_of(Study.model_validate(wider), url)
    assert advisor.numbers() == frozenset()
    for number, changes in drawn:
        advisor.tell(number, float(number), changes=changes)
    assert advisor.numbers() == {n for n, changes in drawn if 1e-4 <= changes["lr"] <= 1e-3} >= {0}
    assert advisor.ask(3)[0] == 3


def with_evaluation(**design: object) -> Study:
    asked = study(**design).model_dump()
    asked["factors"]["ema_decay"] = {"role": "evaluation", "levels": [0, 0.9, 0.999]}
    asked["factors"]["sampling_steps"] = {"role": "evaluation", "levels": [10]}
    return Study.model_validate(asked)


def test_each_evaluation_level_is_a_finished_trial_of_its_own(url):
    """One training teaches the sampler four points; told twice after a kill, it teaches them once."""
    asked = with_evaluation()
    number, changes = advisor_of(asked, url).ask(0)
    assert not changes.keys() & {"ema_decay", "sampling_steps"}
    levels = {'{"ema_decay":0.0}': 9.0, '{"ema_decay":0.9}': 4.0, '{"sampling_steps":10.0}': 8.0}
    for _ in range(2):
        advisor_of(asked, url).tell(number, 5.0, changes=changes, levels=levels)
    trials = only_study(url).trials
    points = {(t.params["ema_decay"], t.params["sampling_steps"]): t.value for t in trials}
    assert points == {
        ("0.999", "baseline"): 5.0, ("0", "baseline"): 9.0, ("0.9", "baseline"): 4.0, ("0.999", "10"): 8.0,
    }  # fmt: skip
    assert len(trials) == 4
    assert all(t.state is optuna.trial.TrialState.COMPLETE for t in trials)
    assert all({n: t.params[n] for n in changes if n in t.params} == {n: changes[n] for n in changes if n in t.params}
               for t in trials)  # fmt: skip


@pytest.mark.parametrize("search_sampler", SEARCH_SAMPLERS)
def test_every_sampler_draws_on_with_evaluation_levels(url, search_sampler):
    asked = with_evaluation(search_sampler=search_sampler)
    seen = []
    advisor = advisor_of(asked, url)
    for wanted in range(4):
        number, changes = advisor.ask(wanted)
        advisor.tell(number, float(wanted), changes=changes, levels={'{"ema_decay":0.0}': wanted + 1.0})
        seen.append((number, str(changes)))
    assert [number for number, _ in seen] == [0, 1, 2, 3]
    assert len({changes for _, changes in seen}) == 4


def test_arms_are_tuned_on_the_same_points(url):
    """Equal budgets at equal places: the draws of qmc and random depend on the seed and the number alone."""
    base = study().model_dump()
    base["factors"] = {
        "schedule": {"role": "scientific", "levels": ["cosine", "linear"]},
        "lr": {"role": "nuisance", "range": [1e-5, 1e-2], "log": True},
    }
    asked = Study.model_validate(base | {"design": "one_at_a_time", "tune": {"trials": 4}})
    drawn: dict[str, list[float]] = {}
    for exploration in explorations_of(asked):
        advisor = Advisor(asked, exploration, optuna.storages.RDBStorage(url))
        for wanted in range(4):
            number, changes = advisor.ask(wanted)
            assert set(changes) == {"lr"}
            advisor.tell(number, float(wanted), changes=changes)
            drawn.setdefault(exploration.arm.name, []).append(float(changes["lr"]))  # type: ignore[arg-type]
    assert list(drawn) == ["baseline", "schedule=cosine", "schedule=linear"]
    assert len({tuple(values) for values in drawn.values()}) == 1
    assert drawn["baseline"][0] == 2e-4
    assert len(set(drawn["baseline"])) == 4


@pytest.mark.parametrize("search_sampler", ["random", "qmc"])
def test_row_22_any_number_of_workers_draws_the_same_set(url, other_url, search_sampler):
    """Row 22: twelve workers ask before anything is told; one asks after each told trial."""
    asked = study(search_sampler=search_sampler)
    one = draw(url, 12, asked=asked)
    twelve = [advisor_of(asked, other_url).ask(wanted) for wanted in range(12)]
    assert [(number, dict(changes)) for number, changes in twelve] == one
    assert len({str(changes) for _, changes in one}) == 12
