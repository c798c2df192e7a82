"""Studies that stop decided arms, played through the real scheduler with simulated scores."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sweep.reporting.frames.frames import load_frames
from sweep.reporting.stats.comparison import compare_arms
from sweep.search.remaining import status_of
from sweep.statistics.alpha_spending import AlphaSpending
from sweep.statistics.stopping import Stop, Stopping, stopping
from sweep.store import open_store
from tests.helpers.played_studies import launched, play, worker
from tests.search.simulated_studies import AT, EFFECTS, LRS, SD, Drawn, played, study

MIXED = EFFECTS["large"]
"""Two large effects and two of nothing."""


def seeds_by_arm(frames) -> dict[str, int]:
    return frames.cells.groupby("arm")["replicate"].count().to_dict()


def test_workers_add_seeds_only_to_arms_that_are_not_decided(store_url: str) -> None:
    store = open_store(store_url, patience_seconds=20)
    asked = study()
    record = launched(store, asked)
    assert status_of(store, record.id).to_come == 45, "at most"
    play(store, asked, record.id, Drawn(MIXED, 1), owner=worker(store))
    frames = load_frames(store.engine, "adaptive")
    seeds = seeds_by_arm(frames)
    assert set(seeds.values()) <= set(AT)
    assert seeds["baseline"] == max(seeds.values())
    assert seeds["lr=0.002"] < 12
    assert sum(seeds.values()) < 60
    assert status_of(store, record.id).to_come == 0
    comparison = compare_arms(frames)
    for arm, (number, _) in comparison.stopped.items():
        assert seeds[arm] == AT[number - 1]
    told = comparison.arms.set_index("arm")
    assert told.loc[["lr=0.002", "lr=0.003"], "verdict"].tolist() == ["better", "better"]
    assert comparison.stopped["lr=0.002"][1] == Stop.DIFFERENT
    assert "no more seeds after analysis" in told.at["lr=0.002", "why"]
    store.close()


def test_a_worker_that_dies_in_between_changes_nothing(store_url: str) -> None:
    store = open_store(store_url, patience_seconds=20)
    found = []
    for name, steps in (("whole", (10_000,)), ("parts", (7, 1, 25, 3, 10_000))):
        asked = study(name)
        record = launched(store, asked)
        for part, most in enumerate(steps):
            play(store, asked, record.id, Drawn(MIXED, 2), owner=worker(store, f"{name}-{part}"), steps=most)
        frames = load_frames(store.engine, name)
        found.append((seeds_by_arm(frames), compare_arms(frames).stopped))
    assert found[0] == found[1]
    store.close()


def test_the_report_stops_arms_where_the_workers_did_and_a_study_read_whole_has_all_seeds(store_url: str) -> None:
    """The pure rule on all scores gives the same seeds as the scheduler, which saw them one by one."""
    store = open_store(store_url, patience_seconds=20)
    plan = AlphaSpending(seeds=AT, shape="obrien_fleming")
    for number in range(3, 6):
        first = 100 * number  # studies with the same seeds would share their runs
        asked = study(f"study-{number}", first_seed=first)
        record = launched(store, asked)
        draw = Drawn(MIXED | {4e-3: 1.0}, number)
        play(store, asked, record.id, draw, owner=worker(store, f"w{number}"))
        whole = {
            lr: {
                r: draw(asked.baseline.model_copy(update={"lr": lr}).train_config(seed=first + r, ema_decays=()), None)
                for r in range(12)
            }
            for lr in (1e-3, *LRS)
        }
        decided = stopping(
            plan, whole[1e-3], {f"lr={lr}": whole[lr] for lr in LRS}, may_be_ratio=True, stated_effect=None
        )
        seeds = seeds_by_arm(load_frames(store.engine, asked.name))
        assert seeds == {"baseline": decided.baseline_seeds, **decided.seeds}
    store.close()


def simulated(effects: tuple[float, ...], number: int) -> Stopping:
    """What the rule decides of one study, without a store."""
    random = np.random.default_rng((7, number))
    base = random.normal(0, SD / 2**0.5, 12)
    draws = {f"arm {k}": random.normal(SD * each, SD / 2**0.5, 12) for k, each in enumerate(effects)}
    plan = AlphaSpending(seeds=AT, shape="obrien_fleming")
    scores = {arm: dict(enumerate(np.exp(each).tolist())) for arm, each in draws.items()}
    return stopping(plan, dict(enumerate(np.exp(base).tolist())), scores, may_be_ratio=True, stated_effect=None)


def differs_at_last(effects, number, told) -> set[str]:
    """Arms that go on to the last analysis and are shown to differ there, by the paired t at its level."""
    from sweep.statistics.multiple import compare_family

    random = np.random.default_rng((7, number))
    base = random.normal(0, SD / 2**0.5, 12)
    draws = [random.normal(SD * each, SD / 2**0.5, 12) for each in effects]
    level = float(AlphaSpending(seeds=AT, shape="obrien_fleming").levels()[-1])
    lengths = [told.seeds[f"arm {k}"] for k in range(len(effects))]
    family = compare_family([(d - base)[:n] for d, n in zip(draws, lengths, strict=True)], alpha=level)
    return {
        f"arm {k}"
        for k in range(len(effects))
        if f"arm {k}" not in told.stopped and (family.low[k] >= 0) != (family.high[k] <= 0)
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_placebos_are_called_different_in_at_most_one_study_of_twenty_and_a_third_of_trainings_is_saved() -> None:
    studies, wrong, trainings, hits = 400, 0, 0, 0
    for number in range(studies):
        told = simulated((0.0,) * 4, number)
        wrong += bool(
            [arm for arm, (_, why) in told.stopped.items() if why == Stop.DIFFERENT]
            or differs_at_last((0.0,) * 4, number, told)
        )
        mixed = simulated((-3.0, -3.0, 0.0, 0.0), studies + number)
        late = differs_at_last((-3.0, -3.0, 0.0, 0.0), studies + number, mixed)
        shown = {arm for arm, (_, why) in mixed.stopped.items() if why == Stop.DIFFERENT} | late
        hits += len(shown & {"arm 0", "arm 1"})
        trainings += mixed.baseline_seeds + sum(mixed.seeds.values())
    assert wrong <= stats.binom.ppf(0.999, studies, 0.05)
    assert hits >= 0.99 * 2 * studies
    assert trainings / studies <= 60 * 2 / 3


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_through_the_scheduler_placebos_are_called_different_in_at_most_one_study_of_twenty(sqlite_url: str) -> None:
    store = open_store(sqlite_url, patience_seconds=20)
    studies = 25  # of 2,000: `python -m tests.search.simulated_studies FOLDER`
    wrong = sum(bool(played(store, "placebos", 100 + number).different) for number in range(studies))
    assert wrong <= stats.binom.ppf(0.999, studies, 0.05)
    store.close()


def test_a_range_of_seeds_plans_its_analyses_and_says_what_is_missing() -> None:
    planned = study(seeds={"min": 3, "max": 12, "target": "smallest_effect"}, interim_analyses=None, smallest_effect=1)
    assert planned.seeds == 12
    assert planned.interim_analyses.at == AT
    assert planned.stops_decided
    for changes, said in (
        ({"smallest_effect": None}, "state `smallest_effect`"),
        ({"seeds": {"min": 3, "max": 3}}, "`max` must be above `min`"),
        ({"seeds": {"min": 2, "max": 8}}, "greater than or equal to 3"),
        ({"interim_analyses": {"at": [3, 12]}}, "leave out `interim_analyses`"),
    ):
        fields = {"seeds": {"min": 3, "max": 12}, "interim_analyses": None, "smallest_effect": 1.0} | changes
        with pytest.raises(ValueError, match=said):
            study(**fields)


def test_designs_that_compare_arms_with_each_other_keep_all_seeds() -> None:
    factors = {"lr": {"role": "scientific", "levels": [2e-3]}, "T": {"role": "scientific", "levels": [500]}}
    with pytest.raises(ValueError, match="all need the same seeds"):
        study(design="leave_one_out", factors=factors)
