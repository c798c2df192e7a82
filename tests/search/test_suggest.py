"""Optuna is asked in order, never loses or repeats a draw, and sees divergence as pruned."""

from __future__ import annotations

from dataclasses import dataclass, field

import optuna
import pytest
from pydantic import ValidationError

from sweep.config.designs.tuning import TuningRun
from sweep.config.factors import Changes
from sweep.config.study import Study
from sweep.planning.tuning import tuning_runs_of
from sweep.search.optuna_samplers import SEARCH_SAMPLERS, Shown
from sweep.search.search_space import params_of
from sweep.search.suggest import INSISTS, Advisor, TrialOutcome

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


def study(**design: object) -> Study:
    return Study.model_validate(
        {
            "name": "s",
            "question": "?",
            "baseline": {"data": "digits", "net": "unet_8", "T": 100, "lr": 2e-4},
            "factors": {
                "schedule": {"role": "scientific", "levels": ["linear_scaled", "cosine"]},
                "lr": {"role": "nuisance", "range": [1e-5, 1e-2], "log": True},
                "T": {"role": "scientific", "range": [50, 4000]},
                "w": {
                    "role": "scientific",
                    "levels": {
                        "simple": {"weighting": "simple"},
                        "clipped": {"weighting": "vlb", "weight_clip": [0, 1]},
                    },
                },
            },
            "design": {"kind": "search", "trials": 8} | design,
        }
    )


@dataclass
class Played:
    """An exploration whose trials are drawn by the real Optuna and end as a test says."""

    asked: Study
    tuning_run: TuningRun
    trials: dict[int, tuple[Changes, TrialOutcome | None]] = field(default_factory=dict)

    @property
    def history(self) -> list[Shown]:
        """What Optuna is shown, worked out anew: as a worker does that was just started."""
        advisor = Advisor(self.asked, self.tuning_run)
        ordered = sorted(self.trials.items())
        return [shown for number, trial in ordered for shown in advisor.shown(number, *trial)]

    def ask(self, number: int) -> Changes:
        return Advisor(self.asked, self.tuning_run).ask(number, self.history)

    def draw(self, count: int) -> list[Changes]:
        """So many more trials, each with a score before the next is asked."""
        drawn = []
        for number in range(len(self.trials), len(self.trials) + count):
            drawn.append(self.ask(number))
            self.trials[number] = (drawn[-1], TrialOutcome(float(number)))
        return drawn


def played(asked: Study) -> Played:
    (tuning_run,) = tuning_runs_of(asked)
    return Played(asked, tuning_run)


def test_the_first_trial_is_the_baseline():
    assert played(study()).draw(1) == [{"schedule": "linear_scaled", "lr": 2e-4, "T": 100, "weighting": "simple"}]


def test_a_baseline_outside_the_space_is_not_forced_into_it():
    assert params_of(study(), *tuning_runs_of(study()), {}) is not None
    narrow = study().model_dump()
    narrow["factors"]["lr"]["range"] = [1e-3, 1e-2]
    narrowed = Study.model_validate(narrow)
    assert params_of(narrowed, *tuning_runs_of(narrowed), {}) is None


@pytest.mark.parametrize("search_sampler", SEARCH_SAMPLERS)
def test_draws_lie_in_the_space_with_the_right_types(search_sampler):
    for changes in played(study(search_sampler=search_sampler)).draw(3):
        assert isinstance(changes["T"], int)
        assert 50 <= changes["T"] <= 4000
        assert 1e-5 <= changes["lr"] <= 1e-2
        assert changes["weighting"] == "simple" or changes["weight_clip"] == [0, 1]


@pytest.mark.parametrize(("search_sampler", "count"), [("tpe", 12), ("random", 4), ("qmc", 4), ("gp", 12)])
def test_a_restart_draws_what_no_restart_would_have(search_sampler, count):
    """optuna#3255: one seed for every process repeats its first trials after each restart.

    tpe and gp draw at random before they have ten scores to model.
    """
    restarted = played(study(search_sampler=search_sampler)).draw(count)
    at_once = played(study(search_sampler=search_sampler))
    advisor, history = Advisor(at_once.asked, at_once.tuning_run), list[Shown]()
    for number, changes in enumerate(restarted):
        assert advisor.ask(number, history) == changes
        history += advisor.shown(number, changes, TrialOutcome(float(number)))
    assert len({str(changes) for changes in restarted}) == count


def test_the_wrong_way_repeats_itself():
    """Kept bug: a sampler seeded alike at every start gives the same trial each time."""
    values = []
    for _ in range(2):
        started = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
        values.append(started.ask().suggest_float("x", 0.0, 1.0))
    assert values[0] == values[1]


def test_a_draw_that_was_not_recorded_is_handed_out_again():
    """Killed between Optuna's answer and our row: the same trial comes again."""
    known = played(study())
    known.draw(12)
    assert known.ask(12) == known.ask(12)
    assert known.ask(13) != known.ask(12)


@pytest.mark.parametrize("search_sampler", ["tpe", pytest.param("gp", marks=pytest.mark.slow)])
def test_draws_keep_apart_from_trials_that_are_under_way(search_sampler):
    """As if they were bad (TPE) or unknown (GP)."""
    known = played(study(search_sampler=search_sampler))
    known.draw(12)
    alone = known.ask(20)
    known.trials |= dict.fromkeys(range(12, 20), (alone, None))
    assert known.ask(20) != alone


def test_divergence_is_shown_as_pruned():
    known = played(study())
    known.trials = {
        0: (known.ask(0), TrialOutcome(None)),
        1: (known.ask(1), TrialOutcome(3.5)),
        2: (known.ask(2), None),
    }
    assert [(trial.state.name, trial.value) for trial in known.history] == [
        ("PRUNED", None),
        ("COMPLETE", 3.5),
        ("RUNNING", None),
    ]


def test_a_trial_that_was_stopped_is_shown_with_its_scores_on_the_way():
    known = played(study())
    known.trials[0] = (known.ask(0), TrialOutcome(None, rungs={100: 9.0, 300: 7.0}))
    (trial,) = known.history
    assert (trial.state.name, trial.value, trial.intermediate_values) == ("PRUNED", 7.0, {100: 9.0, 300: 7.0})


def dozen(asked: Study) -> Played:
    """Twelve trials whose scores say how far their learning rates are from 1e-3."""
    known = played(asked)
    for number in range(12):
        changes = known.ask(number)
        known.trials[number] = (changes, TrialOutcome(abs(float(changes["lr"]) - 1e-3)))
    return known


def next_of_dozen(asked: Study, *of_sixth: TrialOutcome) -> Changes:
    """The thirteenth draw, where the sixth trial came to another end, or never was."""
    known = dozen(asked)
    changes, _ = known.trials.pop(5)
    for outcome in of_sixth:
        known.trials[5] = (changes, outcome)
    return known.ask(12)


def test_a_void_trial_teaches_tpe_nothing_and_a_diverged_one_does():
    """Void: the draw is that of an Optuna in which the trial has no place. Divergence moves the next draw."""
    is_uninformative = next_of_dozen(study(), TrialOutcome(None, is_uninformative=True))
    assert next_of_dozen(study()) == is_uninformative
    assert next_of_dozen(study(), TrialOutcome(None)) != is_uninformative


@pytest.mark.slow
@pytest.mark.parametrize("rungs", [{}, {100: 1e-9}], ids=["diverged", "stopped"])
def test_the_gaussian_process_takes_a_trial_without_a_score_for_the_worst(rungs):
    """It models finished trials alone: left out, it would go back there.

    Kept bug: stopped trials were left out, and a search with a pruner drew one learning rate ten times.
    """
    asked = study(search_sampler="gp")
    others = [outcome for number, (_, outcome) in dozen(asked).trials.items() if number != 5]
    worst = max(outcome.value for outcome in others if outcome and outcome.value is not None)
    drawn = next_of_dozen(asked, TrialOutcome(None, rungs=rungs))
    assert next_of_dozen(asked, TrialOutcome(worst)) == drawn
    assert next_of_dozen(asked) != drawn


def test_a_sampler_that_insists_on_what_makes_no_sense_is_passed_over():
    known, at_random = dozen(study()), played(study(search_sampler="random"))
    advisor = Advisor(known.asked, known.tuning_run)
    insisted, passed_over = (advisor.ask(12, known.history, refused=count) for count in (INSISTS - 1, INSISTS))
    assert insisted == known.ask(12) != passed_over == at_random.ask(12)


def test_what_lies_outside_a_changed_space_is_left_out():
    known = played(study())
    known.draw(3)
    wider = study().model_dump()
    wider["factors"]["schedule"]["levels"].append("quadratic")
    wider["factors"]["lr"]["range"] = [1e-4, 1e-3]
    changed = played(Study.model_validate(wider))
    changed.trials = known.trials
    inside = {n for n, (changes, _) in known.trials.items() if 1e-4 <= changes["lr"] <= 1e-3}
    assert {trial.ours for trial in changed.history} == inside >= {0}
    assert changed.ask(3)["lr"] <= 1e-3


def with_evaluation(**design: object) -> Study:
    asked = study(**design).model_dump()
    asked["factors"]["ema_decay"] = {"role": "evaluation", "levels": [0, 0.9, 0.999]}
    asked["factors"]["sampling_steps"] = {"role": "evaluation", "levels": [10]}
    return Study.model_validate(asked)


def test_each_evaluation_level_is_a_finished_trial_of_its_own():
    """One training teaches the sampler four points."""
    known = played(with_evaluation())
    changes = known.ask(0)
    assert not changes.keys() & {"ema_decay", "sampling_steps"}
    levels = {'{"ema_decay":0.0}': 9.0, '{"ema_decay":0.9}': 4.0, '{"sampling_steps":10.0}': None}
    known.trials[0] = (changes, TrialOutcome(5.0, levels))
    points = {(t.params["ema_decay"], t.params["sampling_steps"]): (t.state.name, t.value) for t in known.history}
    assert points == {
        ("0.999", "baseline"): ("COMPLETE", 5.0),
        ("0", "baseline"): ("COMPLETE", 9.0),
        ("0.9", "baseline"): ("COMPLETE", 4.0),
        ("0.999", "10"): ("PRUNED", None),
    }
    assert len(known.history) == 4
    assert all(
        {n: t.params[n] for n in changes if n in t.params} == {n: changes[n] for n in changes if n in t.params}
        for t in known.history
    )


@pytest.mark.parametrize("search_sampler", SEARCH_SAMPLERS)
def test_every_sampler_draws_on_with_evaluation_levels(search_sampler):
    known = played(with_evaluation(search_sampler=search_sampler))
    seen = []
    for number in range(4):
        changes = known.ask(number)
        known.trials[number] = (changes, TrialOutcome(float(number), {'{"ema_decay":0.0}': number + 1.0}))
        seen.append(str(changes))
    assert len(set(seen)) == 4


def test_arms_are_tuned_on_the_same_points():
    """Equal budgets at equal places: the draws of qmc and random depend on the seed and the number alone."""
    base = study().model_dump()
    base["factors"] = {
        "schedule": {"role": "scientific", "levels": ["cosine", "linear"]},
        "lr": {"role": "nuisance", "range": [1e-5, 1e-2], "log": True},
    }
    asked = Study.model_validate(base | {"design": "one_at_a_time", "tune": {"trials": 4}})
    drawn = {each.arm.name: Played(asked, each).draw(4) for each in tuning_runs_of(asked)}
    assert list(drawn) == ["baseline", "schedule=cosine", "schedule=linear"]
    assert all(set(changes) == {"lr"} for of_arm in drawn.values() for changes in of_arm)
    assert len({str(of_arm) for of_arm in drawn.values()}) == 1
    assert drawn["baseline"][0] == {"lr": 2e-4}
    assert len({changes["lr"] for changes in drawn["baseline"]}) == 4


@pytest.mark.parametrize("search_sampler", ["random", "qmc"])
def test_any_number_of_workers_draws_the_same_set(search_sampler):
    """Twelve workers ask before anything has a score; one asks after each trial that has one."""
    asked = study(search_sampler=search_sampler)
    one = played(asked).draw(12)
    twelve = played(asked)
    for number in range(12):
        twelve.trials[number] = (twelve.ask(number), None)
    assert [changes for changes, _ in twelve.trials.values()] == one
    assert len({str(changes) for changes in one}) == 12


RANGES = {
    "a baseline of null": ({"grad_clip": None}, "grad_clip", [0.1, 1.0], False),
    "a baseline of null, in logarithms": ({"grad_clip": None}, "grad_clip", [0.1, 1.0], True),
    "a baseline of 0, in logarithms": ({"weight_decay": 0.0, "optimizer": "adamw"}, "weight_decay", [1e-6, 0.1], True),
    "a baseline below": ({"lr": 1e-5}, "lr", [1e-3, 1e-2], True),
    "a baseline above": ({"T": 100}, "T", [10, 50], False),
}


@pytest.mark.parametrize("search_sampler", SEARCH_SAMPLERS)
@pytest.mark.parametrize("case", RANGES.values(), ids=RANGES)
def test_a_search_whose_baseline_lies_outside_a_range_starts_inside_it(case, search_sampler: str) -> None:
    baseline, name, ends, log = case
    asked = Study.model_validate(
        {
            "name": "s",
            "question": "?",
            "baseline": {"data": "digits", "net": "mlp_small", "T": 100} | baseline,
            "factors": {name: {"role": "nuisance", "range": ends, "log": log}},
            "design": {"kind": "search", "trials": 14, "search_sampler": search_sampler},
        }
    )
    drawn = Played(asked, tuning_runs_of(asked)[0]).draw(14 if search_sampler == "gp" else 4)
    assert all(ends[0] <= changes[name] <= ends[1] for changes in drawn)
    assert len({changes[name] for changes in drawn}) > 1
    assert {type(changes[name]) for changes in drawn} == {int if name == "T" else float}


@pytest.mark.parametrize("name", ["flip", "zero_terminal_snr"])
def test_a_switch_has_no_range(name: str) -> None:
    with pytest.raises(ValidationError, match=f"`{name}` is no number"):
        Study.model_validate(
            {
                "name": "s",
                "question": "?",
                "baseline": {"data": "digits", "net": "mlp_small", "T": 100},
                "factors": {name: {"role": "nuisance", "range": [0, 1]}},
                "design": {"kind": "search"},
            }
        )
