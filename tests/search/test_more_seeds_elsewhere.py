"""Seeds that stop where an arm is decided, in searches and under a budget."""

from __future__ import annotations

from sweep.config.run import EvalConfig, TrainConfig
from sweep.config.study import Study
from sweep.planning.cells import SEARCH_SEED_OFFSET
from sweep.planning.plan import expected_trainings
from sweep.reporting.frames.frames import load_frames
from sweep.reporting.stats.comparison import compare_arms
from sweep.search.remaining import status_of
from sweep.search.scheduler import advance
from sweep.search.scheduling_result import SchedulingResult
from sweep.store import Store, cells, claim
from sweep.store.states import Phase
from sweep.worker.budget import device_hours, over_budget
from tests.helpers.played_studies import finish, launched, play, worker
from tests.search.simulated_studies import AT, EFFECTS, Drawn, study

CONFIRMED = 3


def searched(**changes: object) -> Study:
    """A search over learning rates whose best three settings are confirmed on up to twelve seeds."""
    lr = {"role": "nuisance", "range": [1e-4, 1e-2], "log": True}
    design = {"kind": "search", "trials": 8, "search_sampler": "random", "confirm": CONFIRMED}
    return study("searched", factors={"lr": lr}, design=design, **changes)


class Valley:
    """Settings above the baseline's learning rate are better by three standard deviations, others worse by two."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __call__(self, train: TrainConfig, evaluation: EvalConfig) -> float:
        effect = 0.0 if train.lr == 1e-3 else -3.0 if train.lr > 1e-3 else 2.0
        return Drawn({train.lr: effect}, self._number)(train, evaluation)


def test_the_settings_that_a_search_confirms_get_the_seeds_that_they_need(store: Store) -> None:
    asked = searched()
    record = launched(store, asked)
    play(store, asked, record.id, Valley(1), owner=worker(store))
    frames = load_frames(store.engine, asked.name)
    confirm = frames.cells[frames.cells["phase"] == Phase.CONFIRM]
    seeds = confirm.groupby("arm")["replicate"].count().to_dict()
    comparison = compare_arms(frames)
    assert len(comparison.compared) == CONFIRMED
    assert seeds["baseline"] == max(seeds.values()) < AT[-1]
    assert set(comparison.stopped) == set(comparison.compared["arm"])
    assert {arm: AT[number - 1] for arm, (number, _) in comparison.stopped.items()} == {
        arm: count for arm, count in seeds.items() if arm != "baseline"
    }
    assert status_of(store, record.id).to_come == 0
    assert len(frames.cells) < expected_trainings(asked)


def test_a_search_that_is_killed_while_it_confirms_gives_the_same_seeds(store: Store) -> None:
    found = []
    for first_seed, parts in ((0, (10_000,)), (0, (25, 1, 7, 10_000))):
        asked = searched(first_seed=first_seed, question=f"in {len(parts)} parts?")
        asked = asked.model_copy(update={"name": f"searched-{len(parts)}"})
        record = launched(store, asked)
        for part, steps in enumerate(parts):
            play(store, asked, record.id, Valley(2), owner=worker(store, f"w{len(parts)}-{part}"), steps=steps)
        found.append(sorted((cell.arm_name, cell.phase, cell.replicate) for cell in cells(store, record.id)))
    assert found[0] == found[1]


def test_trials_are_compared_on_one_seed_and_its_noise_and_confirmed_on_others(store: Store) -> None:
    asked = searched()
    record = launched(store, asked)
    play(store, asked, record.id, Valley(3), owner=worker(store))
    frames = load_frames(store.engine, asked.name)
    seeds = frames.cells.groupby("phase")["seed"].unique()
    assert seeds[Phase.SEARCH].tolist() == [SEARCH_SEED_OFFSET]
    per_seed = record.protocol.model_copy(update={"noise": "per_seed"})
    noise = {phase: {per_seed.noise_stream(0, seed=int(s)) for s in seeds[phase]} for phase in seeds.index}
    assert len(noise[Phase.SEARCH]) == 1
    assert not noise[Phase.SEARCH] & noise[Phase.CONFIRM]


def worked(store: Store, asked: Study, study_id: int, owner: str) -> None:
    """Work as a worker does, which looks at the budget before it takes anything."""
    while not over_budget(store, asked, study_id):
        claimed = claim(store, study_id, owner)
        if claimed is not None:
            finish(store, claimed, Drawn(EFFECTS["large"], 4))
        elif advance(store, asked, study_id, owner=owner) is not SchedulingResult.ADDED:
            return


def test_a_budget_ends_a_study_between_its_analyses_and_a_larger_one_goes_on(store: Store) -> None:
    """Each training takes a second, and the first analysis needs 15."""
    budgets = [{"gpu_hours": seconds / 3600} for seconds in (10, 20, 1000)]
    record, trained = launched(store, study(budget=budgets[0])), []
    for number, budget in enumerate(budgets):
        worked(store, study(budget=budget), record.id, worker(store, f"w{number}"))
        hours, done = device_hours(store, record.id), load_frames(store.engine, "adaptive").cells
        trained.append(len(done[done["status"] == "done"]))
        assert hours <= budget["gpu_hours"] + 1 / 3600
    assert trained[0] <= 10
    assert 15 <= trained[1] <= 20
    assert trained[2] > 20
    whole = launched(store, free := study("free", question="without a budget?", first_seed=0))
    play(store, free, whole.id, Drawn(EFFECTS["large"], 4), owner=worker(store, "free"))
    stopped = [compare_arms(load_frames(store.engine, name)).stopped for name in ("adaptive", "free")]
    assert stopped[0] == stopped[1] != {}
    assert trained[2] == len(cells(store, whole.id))
