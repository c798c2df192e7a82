"""Samplers that are asked directly draw what Optuna draws when it asks them itself, from a study that it keeps."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, GPSampler, QMCSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from sweep.planning.tuning import MAX_MODELLED
from sweep.search.optuna_samplers import SEARCH_SAMPLERS, Shown, draw
from sweep.search.search_space import Space
from sweep.search.subset import MAX_UNDER_WAY, modelled

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")

SPACE: Space = {
    "schedule": CategoricalDistribution(["linear", "cosine", "jsd"]),
    "lr": FloatDistribution(1e-5, 1e-2, log=True),
    "T": IntDistribution(50, 4000),
    "only": CategoricalDistribution(["this"]),
    "ema_decay": CategoricalDistribution(["baseline", "0"]),
}
FIXED = {"ema_decay": "baseline"}
# group is how Optuna is asked for a joint model of all factors; what it infers from all trials is given here.
OPTUNAS: dict[str, Callable[[], BaseSampler]] = {
    "tpe": lambda: TPESampler(seed=7, multivariate=True, group=True, constant_liar=True),
    "gp": lambda: GPSampler(seed=7),
    "random": lambda: RandomSampler(seed=7),
}


def trials(count: int) -> list[FrozenTrial]:
    """Finished ones, one in five pruned, and at the end two that are under way."""
    draws, made = random.Random(0), list[FrozenTrial]()
    for number in range(count):
        params = {
            "schedule": draws.choice(["linear", "cosine", "jsd"]),
            "lr": 10 ** draws.uniform(-5, -2),
            "T": draws.randint(50, 4000),
            "only": "this",
            "ema_decay": draws.choice(["baseline", "0"]),
        }
        state = TrialState.PRUNED if number % 5 == 4 else TrialState.COMPLETE
        state = TrialState.RUNNING if number >= count - 2 else state
        value = draws.random() if state is TrialState.COMPLETE else None
        trial = create_trial(state=state, params=params, distributions=SPACE, value=value)
        trial.number = number
        made.append(trial)
    return made


@pytest.mark.parametrize("count", [5, 40])
@pytest.mark.parametrize("search_sampler", OPTUNAS)
def test_a_draw_is_optunas_own(search_sampler: str, count: int) -> None:
    history = trials(count)
    kept = optuna.create_study(sampler=OPTUNAS[search_sampler]())
    kept.add_trials(history)
    kept.enqueue_trial(FIXED)
    asked = kept.ask()
    expected = {
        "schedule": asked.suggest_categorical("schedule", ["linear", "cosine", "jsd"]),
        "lr": asked.suggest_float("lr", 1e-5, 1e-2, log=True),
        "T": asked.suggest_int("T", 50, 4000),
        "only": asked.suggest_categorical("only", ["this"]),
        "ema_decay": asked.suggest_categorical("ema_decay", ["baseline", "0"]),
    }
    assert (
        draw(search_sampler, 7, count, SPACE, [Shown(trial, SPACE, trial.number) for trial in history], FIXED)
        == expected
    )


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_a_gaussian_process_estimates_the_noise_of_the_scores(noise: float) -> None:
    """A slope over the learning rate: its residual variance is the noise that the model finds, in units of its own."""
    draws, history = random.Random(1), list[Shown]()
    space: Space = {"lr": FloatDistribution(0.0, 1.0)}
    for number in range(40):
        params = {"lr": draws.random()}
        value = 3.0 * params["lr"] + draws.gauss(0, noise)
        history.append(Shown(create_trial(params=params, distributions=space, value=value), space, number))
    study = optuna.create_study(sampler=(sampler := SEARCH_SAMPLERS["gp"](0, 40, space)))
    study.add_trials([create_trial(params=t.params, distributions=space, value=t.value) for t in history])
    study.ask(space)
    (model,) = sampler._gprs_cache_list  # what was fitted is nowhere else
    total = statistics.variance(trial.value for trial in history)
    assert float(model.noise_var) * total == pytest.approx(noise**2, rel=0.5, abs=0.01)


def test_points_of_a_sequence_are_optunas_own_from_the_second_trial_on() -> None:
    kept = optuna.create_study(sampler=QMCSampler(seed=7, scramble=True))
    kept.add_trial(trials(3)[0])
    drawn = []
    for number in range(1, 5):
        asked = kept.ask()
        expected = {
            "schedule": asked.suggest_categorical("schedule", ["linear", "cosine", "jsd"]),
            "lr": asked.suggest_float("lr", 1e-5, 1e-2, log=True),
            "T": asked.suggest_int("T", 50, 4000),
        }
        got = draw("qmc", 7, number, SPACE, [], FIXED)
        assert {name: got[name] for name in expected} == expected
        drawn.append(str(got))
        kept.tell(asked, 1.0)
    assert len(set(drawn)) == 4


def test_nothing_in_the_history_is_changed() -> None:
    history = [Shown(trial, SPACE, trial.number) for trial in trials(30)]
    before = [(t.number, t.state, dict(t.params), dict(t.system_attrs)) for t in history]
    draw("tpe", 0, 30, SPACE, history, FIXED)
    assert [(t.number, t.state, t.params, t.system_attrs) for t in history] == before


def test_a_gaussian_process_models_a_bounded_number_of_trials_the_best_among_them() -> None:
    history = [Shown(trial, SPACE, trial.number) for trial in trials(800) if trial.state is not TrialState.PRUNED]
    finished = [trial.value for trial in history if trial.value is not None]
    assert len(finished) > MAX_MODELLED["gp"]
    kept = modelled("gp", history)
    assert [trial.ours for trial in kept] == sorted(trial.ours for trial in kept)
    values = [trial.value for trial in kept if trial.value is not None]
    assert len(values) == MAX_MODELLED["gp"]
    assert set(sorted(finished)[: MAX_MODELLED["gp"] // 2]) <= set(values)
    assert max(values) > sorted(finished)[-10], "what to keep away from is modelled too"
    assert [trial.ours for trial in kept if trial.state is TrialState.RUNNING] == [798, 799]
    assert modelled("gp", history[:400]) == history[:400]
    for search_sampler in ("tpe", "qmc", "random"):
        assert modelled(search_sampler, history) is history


def test_what_is_under_way_is_bounded_too() -> None:
    running = trials(150)
    for trial in running:
        trial.state, trial.value = TrialState.RUNNING, None
    kept = modelled("gp", [Shown(trial, SPACE, trial.number) for trial in running])
    assert [trial.ours for trial in kept] == list(range(150 - MAX_UNDER_WAY, 150))
