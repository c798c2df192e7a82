"""Whole studies played through a real store: totals, phases, seeds and what is chosen, kills and several workers."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from math import log10

import pytest

from sweep.config.run import EvalConfig, TrainConfig
from sweep.config.study import Study
from sweep.planning.cells import SEARCH_SEED_OFFSET
from sweep.planning.plan import study_plan
from sweep.planning.trial_records import TrialRecords
from sweep.planning.tuning import MAX_MODELLED, tuning_runs_of
from sweep.search import suggest as advisor
from sweep.search.optuna_samplers import Shown
from sweep.search.scheduler import advance
from sweep.search.scheduling_result import SchedulingResult
from sweep.search.search_space import Params, Space
from sweep.search.suggest import Advisor
from sweep.store import Store, add_event, advisor_lease, cells, events, exclude, open_store, release_advisor, rerun
from sweep.store.queries.views import run_config
from sweep.store.queue.workers import end_worker
from sweep.store.states import EventKind, FailureClass
from sweep.store.studies.studies import study as find
from tests.helpers.played_studies import launched, play, shown, worker

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


@pytest.fixture
def store(sqlite_url):
    opened = open_store(sqlite_url, patience_seconds=20)
    yield opened
    opened.close()


def study(**fields: object) -> Study:
    return Study.model_validate(
        {"name": "s", "question": "?", "seeds": 2, "baseline": {"data": "digits", "net": "mlp_small", "T": 100}}
        | fields
    )


def distance_from(lr: float) -> object:
    """FID that is best at one learning rate, and 5 better under cosine."""

    def formula(train: TrainConfig, evaluation: EvalConfig) -> float:
        return 20.0 + abs(log10(train.lr / lr)) - 5.0 * (train.schedule == "cosine") + 3.0 * (evaluation.ema_decay == 0)

    return formula


TUNED = {
    "factors": {
        "schedule": {"role": "scientific", "levels": ["cosine"]},
        "lr": {"role": "nuisance", "range": [1e-5, 1e-2], "log": True},
    },
    "tune": {"trials": 4},
}


def test_tuning_gives_each_arm_its_trials_and_confirms_on_fresh_seeds(store):
    asked = study(**TUNED)
    record = launched(store, asked)
    play(store, asked, record.id, distance_from(1e-3), owner=worker(store))
    known = cells(store, record.id)
    search = [cell for cell in known if cell.phase == "search"]
    assert Counter(cell.arm_name.partition(" / ")[0] for cell in search) == {"baseline": 4, "schedule=cosine": 4}
    assert {run_config(store, cell.run_id).seed for cell in search} == {SEARCH_SEED_OFFSET}
    confirm = [cell for cell in known if cell.phase == "confirm"]
    assert Counter(cell.arm_name for cell in confirm) == {"baseline": 2, "schedule=cosine": 2}
    assert {run_config(store, cell.run_id).seed for cell in confirm} == {0, 1}
    assert len(known) == study_plan(asked).trainings == 12
    for arm in ("baseline", "schedule=cosine"):
        tried = {run_config(store, c.run_id).lr for c in search if c.arm_name.startswith(f"{arm} / ")}
        (used,) = {run_config(store, cell.run_id).lr for cell in confirm if cell.arm_name == arm}
        assert used == min(tried, key=lambda lr: abs(log10(lr / 1e-3)))
        assert len(tried) == 4
    tuned = {event.detail["arm"]: event.detail for event in events(store, record.id) if event.kind == "tuned"}
    assert set(tuned) == {"baseline", "schedule=cosine"}
    assert set(tuned["baseline"]["changes"]) == {"lr"}


def test_an_optimum_at_the_end_of_the_range_is_flagged(store):
    asked = study(**TUNED | {"factors": TUNED["factors"] | {"lr": {"role": "nuisance", "levels": [1e-4, 1e-3, 1e-2]}}})
    record = launched(store, asked)
    play(store, asked, record.id, distance_from(1.0), owner=worker(store))
    flagged = [event.detail["boundary"] for event in events(store, record.id) if event.kind == "tuned"]
    assert flagged == [{"lr": "high"}] * 2


def test_an_arm_whose_trials_all_diverge_is_trained_untuned_and_listed(store):
    """Nothing disappears: the arm keeps its cells, and they say why they are empty."""
    asked = study(**TUNED)
    record = launched(store, asked)
    play(store, asked, record.id, lambda t, e: None if t.schedule == "cosine" else 1.0, owner=worker(store))
    confirm = [c for c in cells(store, record.id) if (c.phase, c.arm_name) == ("confirm", "schedule=cosine")]
    assert [cell.state for cell in confirm] == ["infeasible", "infeasible"]
    (told,) = [e for e in events(store, record.id) if e.kind == "tuned" and e.detail["arm"] == "schedule=cosine"]
    assert "untuned" in told.message


SEARCH = {
    "factors": {
        "schedule": {"role": "scientific", "levels": ["linear_scaled", "cosine"]},
        "lr": {"role": "nuisance", "range": [1e-5, 1e-2], "log": True},
        "ema_decay": {"role": "evaluation", "levels": [0, 0.9]},
    },
    "design": {"kind": "search", "trials": 6, "confirm": 2},
}


def test_a_search_has_exactly_its_trials_and_confirms_the_best_beside_the_baseline(store):
    asked = study(**SEARCH)
    record = launched(store, asked)
    play(store, asked, record.id, distance_from(1e-3), owner=worker(store))
    known = cells(store, record.id)
    assert len([cell for cell in known if cell.phase == "search"]) == 6
    assert len(known) == study_plan(asked).trainings == 12
    values = {
        cell.arm_name: next(s.measurements[0].value for s in cell.scores if s.is_primary)
        for cell in known
        if cell.phase == "search"
    }
    best = sorted((name for name in values if name != "trial-0000"), key=values.__getitem__)[:2]
    assert {cell.arm_name for cell in known if cell.phase == "confirm"} == {"baseline", *best}
    places = {e.detail["arm"]: e.detail["place"] for e in events(store, record.id) if e.kind == "confirmed"}
    assert places == {best[0]: 1, best[1]: 2}
    trials = shown(store, asked, record.id)
    assert len(trials) == 6 * 3, "each training teaches its three EMA decays"
    assert {trial.params["ema_decay"]: trial.value for trial in trials if trial.value >= 23.0}.keys() <= {"0"}


def test_excluded_trials_are_replaced_and_never_win(store):
    asked = study(**SEARCH | {"design": {"kind": "search", "trials": 3, "confirm": 1}})
    record = launched(store, asked)
    me = worker(store)
    play(store, asked, record.id, distance_from(1e-3), owner=me, steps=6)
    first = next(cell for cell in cells(store, record.id) if cell.arm_name == "trial-0001")
    exclude(store, first.cell_id, "a wrong cable")
    play(store, asked, record.id, distance_from(1e-3), owner=me)
    known = cells(store, record.id)
    names = sorted(cell.arm_name for cell in known if cell.phase == "search")
    assert names == ["trial-0000", "trial-0001", "trial-0002", "trial-0003"]
    assert "trial-0001" not in {cell.arm_name for cell in known if cell.phase == "confirm"}


def test_what_diverges_is_shown_as_pruned_at_every_evaluation_level(store):
    """A training that diverges teaches that of all its levels; a level that cannot be sampled, of that level alone."""
    asked = study(**SEARCH)
    record = launched(store, asked)

    def formula(train: TrainConfig, evaluation: EvalConfig) -> float | None:
        if train.schedule == "cosine":
            return None
        return None if evaluation.ema_decay == 0 else 20.0 + abs(log10(train.lr / 1e-3))

    play(store, asked, record.id, formula, owner=worker(store))
    trained = {c.trial_number: c.run_state == "trained" for c in cells(store, record.id) if c.phase == "search"}
    assert set(trained.values()) == {True, False}
    states = {(t.ours, t.params["ema_decay"]): t.state.name for t in shown(store, asked, record.id)}
    assert states == {
        (number, level): "COMPLETE" if whole and level != "0" else "PRUNED"
        for number, whole in trained.items()
        for level in ("baseline", "0", "0.9")
    }


def shown_states(store: Store, asked: Study, study_id: int) -> dict[int, str]:
    """Trial number -> state that Optuna is shown, of trials at the primary evaluation level; none is there twice."""
    trials = [t for t in shown(store, asked, study_id) if t.params["ema_decay"] == "baseline"]
    states = {t.ours: t.state.name for t in trials}
    assert len(states) == len(trials)
    return states


def test_failures_that_settings_do_not_answer_for_and_exclusions_teach_nothing(store):
    """A dead machine and an excluded trial: not shown. A net that fits no memory: pruned, as a diverged one.

    Excluded after it was shown, or run again with success: shown as it is now.
    """
    asked = study(**SEARCH | {"design": {"kind": "search", "trials": 8, "confirm": 1}})
    record, me = launched(store, asked), worker(store)
    broken: dict[float, FailureClass] = {}

    def formula(train: TrainConfig, evaluation: EvalConfig) -> float | FailureClass | None:
        return broken.get(train.lr, 20.0 + abs(log10(train.lr / 1e-3)))

    for kind in ("infra", "oom", "bug"):
        before = {cell.cell_id for cell in cells(store, record.id)}
        advance(store, asked, record.id, owner=me)
        (drawn,) = [cell for cell in cells(store, record.id) if cell.cell_id not in before]
        broken[run_config(store, drawn.run_id).lr] = kind
        play(store, asked, record.id, formula, owner=me, steps=1)
    play(store, asked, record.id, formula, owner=me)
    states = lambda: shown_states(store, asked, record.id)
    assert states() == {1: "PRUNED"} | dict.fromkeys(range(3, 8), "COMPLETE")
    known = {cell.trial_number: cell for cell in cells(store, record.id) if cell.phase == "search"}
    exclude(store, known[4].cell_id, "a wrong cable")
    play(store, asked, record.id, formula, owner=me)
    assert states() == {1: "PRUNED", 3: "COMPLETE"} | dict.fromkeys(range(5, 9), "COMPLETE")
    broken.clear()
    assert rerun(store, record.id, ["infra"]) == 3  # the first trial is the baseline, whose two seeds failed alike
    play(store, asked, record.id, formula, owner=me)
    assert states()[0] == "COMPLETE"
    assert 2 not in states()


@pytest.mark.parametrize("asked", [study(**SEARCH), study(**TUNED)], ids=["search", "tuned"])
def test_two_workers_in_turn_and_a_kill_after_each_step_change_no_total(store, asked):
    """Each piece of work is done by another worker, whose memory starts empty."""
    record = launched(store, asked)
    for turn in range(200):
        if not play(store, asked, record.id, distance_from(1e-3), owner=worker(store, f"worker-{turn % 2}"), steps=1):
            break
    known = cells(store, record.id)
    assert len(known) == study_plan(asked).trainings
    numbers = [cell.trial_number for cell in known if cell.phase == "search"]
    assert sorted(numbers) == list(range(len(numbers)))


def test_a_second_worker_waits_for_its_turn(store):
    asked = study(**SEARCH)
    record = launched(store, asked)
    first, second = worker(store, "first"), worker(store, "second")
    assert advisor_lease(store, record.id, first)
    assert advance(store, asked, record.id, owner=second, patience=0.3) is SchedulingResult.UNKNOWN
    assert cells(store, record.id) == ()
    soon = threading.Timer(0.5, release_advisor, (store, record.id, first))
    soon.start()
    assert advance(store, asked, record.id, owner=second) is SchedulingResult.ADDED
    soon.join()
    assert len(cells(store, record.id)) == 1


def test_a_worker_that_died_while_it_asked_leaves_the_study_to_the_next(store):
    asked = study(**SEARCH)
    record = launched(store, asked)
    first, second = worker(store, "first"), worker(store, "second")
    assert advisor_lease(store, record.id, first)
    assert advance(store, asked, record.id, owner=second, patience=0.3) is SchedulingResult.UNKNOWN
    end_worker(store, first, "died")
    assert advance(store, asked, record.id, owner=second, patience=0.3) is SchedulingResult.ADDED


def frozen(store: Store, study_id: int, meanwhile: Callable[[], object]) -> Callable[..., object]:
    """Optuna's answer, after which the process is stopped until its lease is over and something happened."""
    ask = Advisor.ask

    def late(self: Advisor, *asked: object, refused: int) -> object:
        drawn = ask(self, *asked, refused=refused)
        assert advisor_lease(store, study_id, "first", ttl=-1.0)
        meanwhile()
        return drawn

    return late


def test_a_lease_that_ran_out_and_that_nobody_took_still_adds_the_trial(store, monkeypatch):
    asked = study(**SEARCH)
    record = launched(store, asked)
    monkeypatch.setattr(Advisor, "ask", frozen(store, record.id, lambda: None))
    assert advance(store, asked, record.id, owner=worker(store, "first")) is SchedulingResult.ADDED
    assert len(cells(store, record.id)) == 1


@pytest.mark.parametrize("released", [False, True])
def test_a_lease_that_another_worker_took_adds_nothing_and_is_not_the_end(store, monkeypatch, released):
    """Frozen between Optuna's answer and our record: the other may have left by then, and the study needs more."""
    asked = study(**SEARCH)
    record = launched(store, asked)

    def taken() -> None:
        assert advisor_lease(store, record.id, "second")
        if released:
            release_advisor(store, record.id, "second")

    with monkeypatch.context() as late:
        late.setattr(Advisor, "ask", frozen(store, record.id, taken))
        assert advance(store, asked, record.id, owner=worker(store, "first")) is SchedulingResult.UNKNOWN
    assert cells(store, record.id) == ()
    assert advance(store, asked, record.id, owner=worker(store, "second")) is SchedulingResult.ADDED
    (cell,) = cells(store, record.id)
    assert cell.arm_name == "trial-0000"


def test_the_lease_is_renewed_for_as_long_as_a_sampler_works(store, monkeypatch):
    """A suggestion that takes several leases: nobody else gets one meanwhile."""
    asked = study(**SEARCH)
    record = launched(store, asked)
    ask = Advisor.ask

    def slow(self: Advisor, *given: object, refused: int) -> object:
        until = time.monotonic() + 4 * LEASE
        while time.monotonic() < until:
            assert not advisor_lease(store, record.id, "second")
        return ask(self, *given, refused=refused)

    LEASE = 0.5
    monkeypatch.setattr("sweep.search.scheduler.ADVISOR_SECONDS", LEASE)
    monkeypatch.setattr(Advisor, "ask", slow)
    assert advance(store, asked, record.id, owner=worker(store, "first")) is SchedulingResult.ADDED
    assert advisor_lease(store, record.id, "second")


def test_draws_whose_values_contradict_each_other_are_passed_over(store):
    """Legal one by one; a batch of more images than the training sees is no training."""
    factors = {
        "batch": {"role": "nuisance", "levels": [64, 2500]},
        "images": {"role": "nuisance", "levels": [1000, 3000]},
    }
    design = {"kind": "search", "trials": 5, "search_sampler": "random", "confirm": 0}
    baseline = {"data": "digits", "net": "mlp_small", "T": 100, "images": 3000}
    asked = study(factors=factors, design=design, baseline=baseline)
    record = launched(store, asked)
    play(store, asked, record.id, lambda train, evaluation: 1.0 + train.batch, owner=worker(store))
    found = [run_config(store, cell.run_id) for cell in cells(store, record.id)]
    assert len(found) == 5
    assert all(config.batch <= config.images for config in found)
    refused = [event.message for event in events(store, record.id) if event.kind == EventKind.INFEASIBLE_DRAW]
    assert any("contradict" in message for message in refused)


def test_a_sampler_that_models_only_some_of_the_trials_says_so_once_and_models_no_more(store, monkeypatch):
    monkeypatch.setitem(MAX_MODELLED, "gp", 12)
    modelled, draw = [], advisor.draw

    def drawn(search_sampler: str, seed: int, number: int, space: Space, history: Sequence[Shown], fixed: Params):
        modelled.append(len(history))
        return draw(search_sampler, seed, number, space, history, fixed)

    monkeypatch.setattr(advisor, "draw", drawn)
    design = {"kind": "search", "trials": 7, "search_sampler": "gp", "confirm": 0}
    asked = study(**SEARCH | {"design": design})
    record = launched(store, asked)
    play(store, asked, record.id, distance_from(1e-3), owner=worker(store))
    assert modelled == [0, 3, 6, 9, 12, 12, 12]
    (told,) = [event.message for event in events(store, record.id) if event.kind == "subset"]
    assert "gp models 12 of 15" in told


PATH = {
    "factors": {
        "schedule": {"role": "scientific", "levels": ["cosine"]},
        "optimizer": {"role": "scientific", "levels": ["radam"]},
        "loss": {"role": "scientific", "levels": ["huber"]},
    },
    "design": {"kind": "path", "round_seeds": 2},
}


def interacting(train: TrainConfig, _evaluation: EvalConfig) -> float:
    """radam gains 3 alone; huber gains 1, and 4 more with radam; cosine loses 1, and gains 9 once both are there."""
    radam, huber, cosine = train.optimizer == "radam", train.loss == "huber", train.schedule == "cosine"
    return 30.0 - 3 * radam - huber - 4 * (radam and huber) + cosine - 10 * (radam and huber and cosine)


def test_a_path_takes_the_best_next_step_and_retrains_it(store):
    asked = study(**PATH)
    record = launched(store, asked)
    play(store, asked, record.id, interacting, owner=worker(store))
    known = cells(store, record.id)
    steps = [e.detail["factor"] for e in reversed(events(store, record.id)) if e.kind == "path_step"]
    assert steps == ["optimizer", "loss"]  # the last one is the end, which was known at launch
    confirmed = Counter(cell.arm_name for cell in known if cell.phase == "confirm")
    assert confirmed == dict.fromkeys(
        [
            "baseline",
            "optimizer=radam",
            "optimizer=radam + loss=huber",
            "schedule=cosine + optimizer=radam + loss=huber",
        ],
        2,
    )
    rounds = Counter(cell.arm_name for cell in known if cell.phase == "search")
    assert rounds == dict.fromkeys(
        [
            "schedule=cosine",
            "optimizer=radam",
            "loss=huber",
            "schedule=cosine + optimizer=radam",
            "optimizer=radam + loss=huber",
        ],
        2,
    )
    assert len(known) == study_plan(asked).trainings == 18
    seeds = {
        phase: {run_config(store, c.run_id).seed for c in known if c.phase == phase} for phase in ("search", "confirm")
    }
    assert not seeds["search"] & seeds["confirm"]


def test_a_path_goes_round_a_step_that_diverges(store):
    asked = study(**PATH)
    record = launched(store, asked)

    def formula(train: TrainConfig, evaluation: EvalConfig) -> float | None:
        return None if train.optimizer == "radam" and train.loss != "huber" else interacting(train, evaluation)

    play(store, asked, record.id, formula, owner=worker(store))
    steps = [e.detail["factor"] for e in reversed(events(store, record.id)) if e.kind == "path_step"]
    assert steps == ["loss", "optimizer"]


def test_more_seeds_in_a_later_revision_reach_what_was_decided_on_the_way(store):
    asked = study(**TUNED)
    record = launched(store, asked)
    me = worker(store)
    play(store, asked, record.id, distance_from(1e-3), owner=me)
    more = study(**TUNED, seeds=3)
    launched(store, more, accept_change=True, reason="undecided")
    play(store, more, record.id, distance_from(1e-3), owner=me)
    confirm = [cell for cell in cells(store, record.id) if cell.phase == "confirm"]
    assert Counter(cell.arm_name for cell in confirm) == {"baseline": 3, "schedule=cosine": 3}
    assert len({run_config(store, c.run_id).lr for c in confirm if c.arm_name == "baseline"}) == 1
    assert len([cell for cell in cells(store, record.id) if cell.phase == "search"]) == 8


def test_a_level_added_to_a_running_search_keeps_what_it_learned(store):
    asked = study(**SEARCH)
    record = launched(store, asked)
    me = worker(store)
    play(store, asked, record.id, distance_from(1e-3), owner=me, steps=8)
    before = [cell.arm_name for cell in cells(store, record.id)]
    factors = SEARCH["factors"] | {"schedule": {"role": "scientific", "levels": ["linear_scaled", "cosine", "linear"]}}
    wider = study(**SEARCH | {"factors": factors})
    launched(store, wider, accept_change=True, reason="one more schedule")
    play(store, wider, record.id, distance_from(1e-3), owner=me)
    search = [cell.arm_name for cell in cells(store, record.id) if cell.phase == "search"]
    assert len(search) == 6
    assert search[: len(before)] == before
    assert len(shown(store, wider, record.id)) == 3 * 6


def test_draws_that_make_no_sense_are_shown_as_pruned_and_are_none_of_the_total(store):
    """An infinite weight under some schedules; a worker that starts anew goes on after the last of them."""
    factors = {
        "weighting": {"role": "scientific", "levels": ["simple", "vlb"]},
        "lr": {"role": "nuisance", "range": [1e-5, 1e-2], "log": True},
    }
    asked = study(factors=factors, design={"kind": "search", "trials": 8, "search_sampler": "random"})
    record = launched(store, asked)
    play(store, asked, record.id, distance_from(1e-3), owner=worker(store))
    refused = [event for event in events(store, record.id, limit=1000) if event.kind == "infeasible_draw"]
    assert refused, "the space holds settings that make no sense"
    search = [cell for cell in cells(store, record.id) if cell.phase == "search"]
    assert len(search) == 8
    trials = shown(store, asked, record.id)
    assert [trial.ours for trial in trials] == list(range(8 + len(refused))), "each number once"
    assert len({str(trial.params) for trial in trials}) == len(trials), "none is drawn again"
    assert Counter(trial.state.name for trial in trials) == {"COMPLETE": 8, "PRUNED": len(refused)}


def test_arms_whose_names_begin_alike_keep_their_own_trials(store):
    factors = {
        "T": {"role": "scientific", "levels": [50]},
        "schedule": {"role": "scientific", "levels": ["cosine"]},
        "lr": {"role": "nuisance", "range": [1e-5, 1e-2], "log": True},
    }
    asked = study(factors=factors, design="leave_one_out", tune={"trials": 2})
    record = launched(store, asked)
    play(store, asked, record.id, distance_from(1e-3), owner=worker(store))
    known = TrialRecords(cells(store, record.id), {}, "fid")
    trials = {each.arm.name: list(known.trials(each)) for each in tuning_runs_of(asked)}
    assert trials == {name: [0, 1] for name in ("baseline", "all", "all - T", "all - schedule")}


def test_a_study_that_does_not_grow_is_left_alone(store: Store):
    asked = study(factors={"schedule": {"role": "scientific", "levels": ["cosine"]}})
    record = launched(store, asked)
    add_event(store, "note", "before", study_id=record.id)
    play(store, asked, record.id, distance_from(1e-3), owner=worker(store))
    assert len(cells(store, record.id)) == 4
    assert {arm.name for arm in find(store, "s").arms} == {"baseline", "schedule=cosine"}
