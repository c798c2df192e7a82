"""The factor that matters is named, and one that does nothing is called important in at most 5 % of searches."""

from __future__ import annotations

import random

import pytest
from scipy import stats

from sweep.config.study import Study
from sweep.search.importance import ALLOWED, MIN_TRIALS, PERMUTATIONS, factor_importances, forest_shares


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
                "weight_decay": {"role": "nuisance", "range": [0.0, 0.1]},
                "optimizer": {"role": "nuisance", "levels": ["adam", "radam", "adabelief"]},
                "ema_decay": {"role": "evaluation", "levels": [0, 0.9]},
            },
            "design": {"kind": "search", "trials": 100},
        }
    )


FACTORS = {"T", "schedule", "lr", "weight_decay", "optimizer"}


def trials(count: int, *, number: int = 0, effect: float = 1.0, noise: float = 0.0) -> list[tuple[dict, float]]:
    """Random trials whose scores depend on T alone: the known answer."""
    drawn = random.Random(number)
    found = []
    for _ in range(count):
        changes = {
            "T": drawn.randint(50, 4000),
            "schedule": drawn.choice(["linear_scaled", "cosine"]),
            "lr": 10 ** drawn.uniform(-5, -2),
            "weight_decay": drawn.uniform(0.0, 0.1),
            "optimizer": drawn.choice(["adam", "radam", "adabelief"]),
        }
        found.append((changes, effect * abs(changes["T"] - 2000.0) / 2000 + drawn.gauss(0, noise)))
    return found


def test_the_planted_factor_leads_and_it_alone_is_beyond_chance() -> None:
    found = factor_importances(study(), trials(100))
    assert set(found) == FACTORS
    assert next(iter(found)) == "T"
    assert found["T"].share > 0.8
    assert {name for name, each in found.items() if each.is_beyond_chance} == {"T"}
    assert sum(each.share for each in found.values()) == pytest.approx(1.0)
    forest = forest_shares(study(), trials(100))
    assert set(forest) == FACTORS
    assert forest["T"] > 0.8


def test_the_same_trials_give_the_same_shares_whatever_was_drawn_before() -> None:
    found = [factor_importances(study(), trials(30)) for _ in range(2)]
    assert found[0] == found[1]
    assert forest_shares(study(), trials(30)) == forest_shares(study(), trials(30))


def test_few_trials_say_nothing() -> None:
    assert factor_importances(study(), trials(MIN_TRIALS - 1)) == {}
    assert forest_shares(study(), trials(MIN_TRIALS - 1)) == {}


def test_equal_scores_tell_nothing() -> None:
    equal = [(changes, 1.0) for changes, _ in trials(40)]
    assert not any(each.is_beyond_chance for each in factor_importances(study(), equal).values())
    assert forest_shares(study(), equal) == {}


def test_the_line_of_chance_is_a_95th_percentile_of_at_least_50_permutations() -> None:
    assert PERMUTATIONS >= 50
    # Of a score that is exchangeable with its permutations, it is among the largest with this chance.
    assert (ALLOWED + 1) / (PERMUTATIONS + 1) == 0.05


def called(number: int, effect: float) -> set[str]:
    found = factor_importances(study(), trials(40, number=number, effect=effect, noise=0.2))
    return {name for name, each in found.items() if each.is_beyond_chance}


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("effect", [0.0, 2.0])
def test_a_factor_that_does_nothing_is_called_important_in_at_most_5_percent_of_studies(effect: float) -> None:
    """Not one of five, nor any of them; nor any of four beside one that matters."""
    studies = 150
    named = [called(number, effect) for number in range(studies)]
    idle = FACTORS if effect == 0.0 else FACTORS - {"T"}
    assert sum(bool(names & idle) for names in named) <= stats.binom.ppf(0.999, studies, 0.05)
    if effect:
        assert sum("T" in names for names in named) > 0.5 * studies
