"""Who passes a rung, against Optuna's own halving and median; where rungs lie; what a study file may say."""

from __future__ import annotations

import random
from statistics import median

import optuna
import pytest
from pydantic import ValidationError

from sweep.config.designs.pruner import Pruner
from sweep.config.keys import eval_key
from sweep.config.run import EvalConfig
from sweep.config.study import Study
from sweep.planning.rungs import first_rung_step, is_promoted, trial_rungs
from tests.helpers.played_studies import PROTOCOL


def study(**fields: object) -> Study:
    return Study.model_validate(
        {
            "name": "s",
            "question": "?",
            "baseline": {"net": "mlp_small", "batch": 10, "images": 1000},
            "factors": {"lr": {"role": "nuisance", "range": [1e-5, 1e-2], "log": True}},
            "design": {"kind": "search", "trials": 9, "pruner": {"kind": "asha", "rungs": [0.1, 0.3]}},
            "protocol": {"n": 64, "ladder": [{"n": 16}, {"n": 32, "noise_sets": 2}]},
        }
        | fields
    )


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_halving_decides_as_optunas_does(factor):
    values = random.Random(factor).sample(range(1000), 40)
    asked = optuna.create_study(pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=factor))
    theirs = []
    for value in values:
        trial = asked.ask()
        trial.report(value, 1)
        theirs.append(not trial.should_prune())
        asked.tell(trial, state=optuna.trial.TrialState.PRUNED)
    pruner = Pruner(kind="asha", rungs=(0.5,), reduction_factor=factor, startup=1)
    assert [is_promoted(pruner, value, values[:i]) for i, value in enumerate(values)] == theirs
    assert True in theirs[1:]
    assert False in theirs


def test_the_median_decides_as_optunas_does():
    values = random.Random(7).sample(range(1000), 40)
    asked = optuna.create_study(pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_min_trials=4))
    theirs = []
    for value in values:
        trial = asked.ask()
        trial.report(value, 1)
        theirs.append(not trial.should_prune())
        asked.tell(trial, value)
    pruner = Pruner(kind="median", rungs=(0.5,), startup=4)
    assert [is_promoted(pruner, value, values[:i]) for i, value in enumerate(values)] == theirs
    assert not is_promoted(pruner, median(values) + 1, values)


def test_a_decision_asked_twice_is_the_same_and_optunas_is_not():
    """Why halving is ours: killed before the decision was recorded, Optuna's counts the second asking as a new rung."""
    asked = optuna.create_study(pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2))
    first, second = asked.ask(), asked.ask()
    first.report(0.1, 1)
    assert not first.should_prune()
    second.report(0.9, 1)
    assert [second.should_prune(), second.should_prune()] == [True, False]
    pruner = Pruner(kind="asha", rungs=(0.5,), reduction_factor=2, startup=1)
    assert [is_promoted(pruner, 0.9, [0.1])] * 2 == [False, False]


def test_trials_meet_at_equal_images_whatever_their_batch_or_budget():
    asked = study()
    places = {
        (batch, images): [(r.images, r.step) for r in trial_rungs(asked, PROTOCOL, batch=batch, images=images)]
        for batch, images in [(10, 1000), (20, 1000), (10, 250), (10, 2000)]
    }
    assert places == {
        (10, 1000): [(100, 10), (300, 30)],
        (20, 1000): [(100, 5), (300, 15)],
        (10, 250): [(100, 10)],
        (10, 2000): [(100, 10), (300, 30)],
    }
    assert first_rung_step(asked, batch=20, images=1000) == 5
    assert first_rung_step(study(design={"kind": "search", "trials": 9}), batch=20, images=1000) is None
    used = [(r.protocol.n, r.protocol.noise_sets) for r in trial_rungs(asked, PROTOCOL, batch=10, images=1000)]
    assert used == [(16, (0,)), (32, (0, 1))]


def test_the_score_of_a_rung_has_a_key_of_its_own():
    final = eval_key(EvalConfig(), PROTOCOL)
    assert len({final, eval_key(EvalConfig(), PROTOCOL, step=5), eval_key(EvalConfig(), PROTOCOL, step=6)}) == 3
    assert eval_key(EvalConfig(), PROTOCOL, step=None) == final


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"protocol": {"n": 64, "ladder": [{"n": 64}]}}, "n must ascend and end below"),
        ({"protocol": {"n": 64, "ladder": [{"n": 32}, {"n": 16}]}}, "n must ascend"),
        # A jackknife leaves out half of four images at least, and a covariance needs two.
        ({"protocol": {"n": 64, "ladder": [{"n": 3}]}}, "greater than or equal to 4"),
        ({"design": "one_at_a_time", "tune": {"trials": 2}}, "belongs to `design: search`"),
        ({"design": {"kind": "search", "pruner": {"kind": "asha", "rungs": [0.5, 0.1]}}}, "must ascend"),
        ({"design": {"kind": "search", "pruner": {"kind": "asha", "rungs": [1.0]}}}, "less than 1"),
    ],
)
def test_a_ladder_that_makes_no_sense_is_refused(fields, said):
    with pytest.raises(ValidationError, match=said):
        study(**fields)
