"""Searches with a pruner played through a real store: who is stopped, on what evidence; kills change nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import optuna
import pytest
from typer.testing import CliRunner

from sweep.cli.app import app
from sweep.config.designs.arms import Arm
from sweep.config.run import EvalConfig, TrainConfig
from sweep.config.study import Study
from sweep.planning.cells import cells_of
from sweep.planning.plan import study_plan
from sweep.reporting.frames.frames import load_frames
from sweep.reporting.stats.rank_correlation import MIN_RANKED_TRIALS, rank_correlations
from sweep.search.scheduler import advance
from sweep.search.scheduling_result import SchedulingResult
from sweep.search.trial_cache import TrialCache
from sweep.store import Store, add_cells, artifacts, cells, claim, events, open_store, release, status
from sweep.store.records import ArmRecord
from sweep.store.studies.studies import register_study
from sweep.store.studies.studies import study as find
from tests.helpers.played_studies import PROTOCOL, Formula, finish, launched, play, shown, worker

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
SEARCH = {
    "name": "s",
    "question": "?",
    "seeds": 2,
    "baseline": {"net": "mlp_small", "T": 100, "batch": 10, "images": 1000},
    "factors": {
        "lr": {"role": "nuisance", "range": [1e-5, 1e-2], "log": True},
        "ema_decay": {"role": "evaluation", "levels": [0]},
    },
    "design": {
        "kind": "search",
        "trials": 10,
        "search_sampler": "random",
        "pruner": {"kind": "asha", "rungs": [0.1, 0.3], "startup": 2},
    },
    "protocol": {"n": 64, "ladder": [{"n": 16}]},
}
ASKED = Study.model_validate(SEARCH)


@pytest.fixture
def store(sqlite_url):
    opened = open_store(sqlite_url, patience_seconds=20)
    yield opened
    opened.close()


def better_with_lr(train: TrainConfig, evaluation: EvalConfig) -> float:
    return 1.0 / train.lr + 5.0 * (evaluation.ema_decay == 0)


def disturbed(store: Store, study_id: int, formula: Formula) -> None:
    """Each piece of work by another worker with an empty memory; each is given back once before it is done."""
    for turn in range(1000):
        me = worker(store, f"w{turn}")
        claimed = claim(store, study_id, me)
        if claimed is None:
            if advance(store, ASKED, study_id, owner=me) is not SchedulingResult.ADDED:
                return
            continue
        release(store, claimed, "preempted")
        again = claim(store, study_id, me)
        assert again is not None
        finish(store, again, formula)
    raise AssertionError("no end")


def story(store: Store, study_id: int) -> list[tuple[object, ...]]:
    """What became of every trial, and why."""
    return [
        (
            c.arm_name,
            c.phase,
            c.replicate,
            c.state,
            c.step,
            c.failure_reason,
            sorted((r.step, r.state, r.measurements) for r in c.rungs),
        )
        for c in cells(store, study_id)
    ]


def test_trials_are_stopped_at_rungs_with_their_evidence_and_shown_as_pruned(store):
    record = launched(store, ASKED)
    play(store, ASKED, record.id, better_with_lr, owner=worker(store))
    search = [c for c in cells(store, record.id) if c.phase == "search"]
    pruned = [c for c in search if c.state == "pruned"]
    whole = [c for c in search if c.state == "complete"]
    assert len(search) == 10
    assert len(pruned) + len(whole) == 10
    assert len(pruned) >= 3
    assert {c.step for c in pruned} <= {10, 30}
    assert {c.step for c in whole} == {100}
    why = {e.run_id: e for e in events(store, record.id) if e.kind == "pruned"}
    for cell in pruned:
        told = why[cell.run_id].detail
        assert told["value"] > told["needed"]
        assert told["images"] == cell.step * 10
        assert f"{told['images']:,} of 1,000 images" in str(cell.failure_reason)
        assert not any(score.measurements for score in cell.scores)
    failures = [f for f in status(store, record.id).failures if f.state == "pruned"]
    assert {f.reason for f in failures} == {c.failure_reason for c in pruned}
    trials = shown(store, ASKED, record.id)
    asked = {t.ours: t for t in trials if t.params["ema_decay"] == "baseline"}
    assert len(asked) == 10
    for cell in search:
        assert cell.trial_number is not None
        trial = asked[cell.trial_number]
        assert (trial.state is optuna.trial.TrialState.PRUNED) == (cell.state == "pruned")
        assert set(trial.intermediate_values) == {r.step * 10 for r in cell.rungs if r.step < 100}
    assert sum(t.params["ema_decay"] == "0" for t in trials) == len(whole)
    # The finished ones are scored by the cheap protocol too, once more, at their end.
    assert all(sum(r.step == 100 for r in c.rungs) == 1 for c in whole)
    assert not any(a.kind == "rung" for a in artifacts(store))
    assert all(c.state == "complete" for c in cells(store, record.id) if c.phase == "confirm")
    assert len(cells(store, record.id)) == study_plan(ASKED).trainings


@pytest.mark.slow
def test_preemption_and_new_workers_change_no_decision(store, tmp_path):
    quiet = launched(store, ASKED)
    play(store, ASKED, quiet.id, better_with_lr, owner=worker(store))
    other = open_store(f"sqlite:///{tmp_path}/other.db", patience_seconds=20)
    record = launched(other, ASKED)
    disturbed(other, record.id, better_with_lr)
    assert story(other, record.id) == story(store, quiet.id)
    other.close()


@pytest.mark.timeout(60)
def test_a_worker_that_remembers_decides_as_one_that_reads_everything(store, tmp_path):
    """Kept bug: a trial was taken for settled before its cheap score was added, and that was asked for without end."""
    quiet = launched(store, ASKED)
    play(store, ASKED, quiet.id, better_with_lr, owner=worker(store))
    other = open_store(f"sqlite:///{tmp_path}/other.db", patience_seconds=20)
    record = launched(other, ASKED)
    play(other, ASKED, record.id, better_with_lr, owner=worker(other), cache=TrialCache())
    assert story(other, record.id) == story(store, quiet.id)
    other.close()


def test_several_workers_on_postgresql_decide_each_trial_once(postgres_url):
    """Four at once: exact totals, one decision a trial, each with evidence that bears it out."""
    shared = open_store(postgres_url, patience_seconds=60)
    record = launched(shared, ASKED)

    def work(name: str) -> int:
        own = open_store(postgres_url, patience_seconds=60)
        try:
            return play(own, ASKED, record.id, better_with_lr, owner=worker(own, name))
        finally:
            own.close()

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(work, [f"worker-{k}" for k in range(4)]))
    # Whoever left while others held work: one more takes what came of it.
    done.append(work("last"))
    assert sum(count > 0 for count in done) >= 2
    known = cells(shared, record.id)
    assert len(known) == study_plan(ASKED).trainings
    search = {c.trial_number: c for c in known if c.phase == "search"}
    assert sorted(search) == list(range(10))
    assert {c.state for c in known} == {"pruned", "complete"}
    decisions = [e for e in events(shared, record.id, limit=1000) if e.kind == "pruned"]
    assert sorted(str(e.run_id) for e in decisions) == sorted(
        str(c.run_id) for c in search.values() if c.state == "pruned"
    )
    for told in (e.detail for e in decisions):
        assert told["value"] > told["needed"]
        assert len(told["others"]) >= 2
    primary = [t.ours for t in shown(shared, ASKED, record.id) if t.params["ema_decay"] == "baseline"]
    assert primary == list(range(10))
    shared.close()


def test_a_run_that_another_study_wants_is_trained_whole(store):
    """And one that was pruned goes on when somebody else asks for it."""
    record = launched(store, ASKED)
    play(store, ASKED, record.id, better_with_lr, owner=worker(store))
    lost = next(c for c in cells(store, record.id) if c.state == "pruned")
    changes = next(a.changes for a in find(store, "s").arms if a.name == lost.arm_name)
    whole = Study.model_validate({**SEARCH, "name": "other", "design": {"kind": "search", "trials": 1}})
    spec = whole.model_dump(mode="json")
    again = register_study(
        store,
        "other",
        question="?",
        spec=spec,
        spec_sha256="0" * 64,
        arms=[ArmRecord("a", changes)],
        protocol=PROTOCOL,
        versions={},
    )
    add_cells(store, again.id, cells_of(whole, Arm("a", changes), phase="search", trial_number=0))
    (cell,) = cells(store, again.id)
    assert (cell.run_id, cell.state, cell.step) == (lost.run_id, "planned", lost.step)
    me = worker(store, "other")
    while (claimed := claim(store, again.id, me)) is not None:
        finish(store, claimed, better_with_lr)
    assert [c.state for c in cells(store, again.id)] == ["complete"]


def test_the_report_says_how_well_the_cheap_scores_rank(store):
    """Against scipy on the values themselves; rungs of pruned trials have no deciding score beside them."""
    record = launched(store, ASKED)
    play(store, ASKED, record.id, better_with_lr, owner=worker(store))
    frames = load_frames(store.engine, "s")
    whole = sum(c.state == "complete" and c.phase == "search" for c in cells(store, record.id))
    told = rank_correlations(frames).set_index(["share", "n"])
    assert set(told.index) == {(0.1, 16), (0.3, 16), (1.0, 16)}
    assert told.loc[(1.0, 16), "trials"] == whole
    enough = whole >= MIN_RANKED_TRIALS
    assert np.isnan(told.loc[(1.0, 16), "spearman"]) != enough
    if enough:
        assert told.loc[(1.0, 16), "spearman"] == pytest.approx(1.0)
    looked = CliRunner().invoke(app, ["status", "s"], env={"SWEEP_STORAGE": str(store.engine.url)})
    said = "Spearman 1.00, Kendall 1.00 with the deciding score" if enough else f"too few trials ({whole})"
    assert f"N = 16 at 100% of the training: {said}" in looked.stdout
    assert frames.other_protocols == 0
    stopped = frames.cells[frames.cells["status"] == "pruned"]
    assert len(stopped)
    assert all("images" in reason for reason in stopped["reason"])
