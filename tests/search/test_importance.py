"""The factor that matters is named, and nothing is claimed beside a parameter that does nothing."""

from __future__ import annotations

import random

import pytest

from sweep.config.study import Study
from sweep.search.importance import MIN_TRIALS, factor_importances

CANARY = "nothing"


def study() -> Study:
    return Study.model_validate(
        {
            "name": "s",
            "question": "?",
            "baseline": {"data": "digits", "net": "unet_8", "T": 100},
            "factors": {
                "T": {"role": "scientific", "range": [50, 4000]},
                "schedule": {"role": "scientific", "levels": ["linear_scaled", "cosine"]},
                "lr": {"role": "nuisance", "range": [1e-5, 1e-2], "log": True},
                "ema_decay": {"role": "evaluation", "levels": [0, 0.9]},
            },
            "design": {"kind": "search", "trials": 100},
        }
    )


def trials(count: int) -> list[tuple[dict, float]]:
    """Scores that depend on T alone: the known answer."""
    drawn = random.Random(0)
    told = []
    for _ in range(count):
        changes = {
            "T": drawn.randint(50, 4000),
            "schedule": drawn.choice(["linear_scaled", "cosine"]),
            "lr": 10 ** drawn.uniform(-5, -2),
        }
        told.append((changes, abs(changes["T"] - 2000.0)))
    return told


@pytest.mark.parametrize("method", ["ped_anova", "fanova"])
def test_the_planted_factor_leads_and_the_others_do_not_beat_nothing(method):
    shares = factor_importances(study(), trials(200), canary=CANARY, method=method)
    assert set(shares) == {"T", "schedule", "lr", CANARY}
    assert shares["T"] > 0.8
    assert max(shares["schedule"], shares["lr"], shares[CANARY]) < 0.1


def test_the_same_trials_give_the_same_shares():
    for method in ("ped_anova", "fanova"):
        told = [factor_importances(study(), trials(50), canary=CANARY, method=method) for _ in range(2)]
        assert told[0] == told[1]


def test_few_trials_say_nothing():
    for method in ("ped_anova", "fanova"):
        assert factor_importances(study(), trials(MIN_TRIALS - 1), canary=CANARY, method=method) == {}


def test_equal_scores_have_no_variance_to_explain():
    equal = [(changes, 1.0) for changes, _ in trials(40)]
    assert factor_importances(study(), equal, canary=CANARY, method="fanova") == {}
