"""Frames against the rows that a store was filled with."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from sweep.bench.filled_study import add_curves
from sweep.bench.finished_search import finished_search
from sweep.errors import StoreError, UsageError
from sweep.reporting.frames.frames import load_frames
from sweep.reporting.text.warnings import warnings_of
from sweep.store import claim, events, open_store, progress, study
from sweep.store.records import Claim
from tests.helpers.report_specs import PROTOCOL, ArmSpec, StoreSpec, ablation, gpu_worker
from tests.helpers.report_stores import fill
from tests.reporting.conftest import make_store

RUNS = 5000


def test_values_are_those_of_the_store(store):
    frames = load_frames(store.engine, "digits")
    primary = frames.scores[frames.scores["is_primary"] & (frames.scores["metric"] == "fid")]
    found = {
        (arm, rep): value
        for arm, rep, value in zip(primary["arm"], primary["replicate"], primary["value"], strict=True)
    }
    assert found == store.told
    for sets, mean in zip(primary["noise_values"], primary["value"], strict=True):
        assert list(sets) == [0, 1, 2]
        assert np.mean(list(sets.values())) == pytest.approx(mean)


def test_baseline_comes_first_and_levels_have_names(store):
    frames = load_frames(store.engine, "digits")
    assert frames.arms["arm"].tolist()[:2] == ["baseline", "schedule=cosine"]
    assert set(frames.scores["evaluation_level"]) == {
        "baseline level",
        "ema_decay = 0.99",
        "ema_decay = 0",
        "sampling_steps = 10",
        "sampling_steps = 100",
    }
    assert frames.data_as_of == events(store.opened)[0].at  # a cell was excluded when all was done


def test_every_cell_has_a_status(store):
    cells = load_frames(store.engine, "digits").cells
    assert cells["status"].value_counts().to_dict() == {"done": 38, "failed": 1, "excluded": 1}
    failed = cells[cells["status"] == "failed"].iloc[0]
    assert failed["reason"] == "training infeasible at step 3906 of 7812: diverged; loss is not finite at step 400"


def begun(store) -> Claim:
    """The next piece of work, taken."""
    claimed = claim(store.opened, study(store.opened, "digits").id, gpu_worker().id)
    assert claimed is not None
    return claimed


@pytest.mark.parametrize(
    ("done", "taken", "says"),
    [
        (0, False, "not started"),
        (0, True, "training, step 5000 of 7812"),
        (1, False, "trained; waiting to be scored"),
        (1, True, "trained; being scored"),
    ],
)
def test_missing_cells_say_what_they_wait_for(tmp_path, done, taken, says):
    spec = StoreSpec([ArmSpec("baseline", {})], seeds=1, curves=False, grids=False)
    store = make_store(tmp_path, spec, pieces=done)
    if taken and (claimed := begun(store)).kind == "train":
        progress(store.opened, claimed, step=5000, images=5000 * 128)
    cell = load_frames(store.engine, "digits").cells.iloc[0]
    assert (cell["status"], cell["reason"]) == ("missing", says)
    store.engine.dispose()


def test_an_earlier_revision_has_its_own_seeds_and_scores(tmp_path):
    spec = replace(ablation(), seeds=2, curves=False, grids=False)
    store = make_store(tmp_path, spec)
    before = load_frames(store.engine, "digits")
    fill(store.opened, replace(spec, seeds=3), tmp_path)
    now, then = load_frames(store.engine, "digits"), load_frames(store.engine, "digits", as_of=1)
    assert set(now.cells["replicate"]) == {0, 1, 2}
    assert (now.revision, then.revision) == (2, 1)
    assert then.scores.equals(before.scores)
    assert then.cells.drop(columns="revision").equals(before.cells.drop(columns="revision"))
    store.engine.dispose()


def test_protocols_never_meet(tmp_path):
    """A new protocol asks for new scores of the arms; the trials of a search keep those that they have."""
    trials = [ArmSpec(f"trial {k}", {"lr": 1e-3 * k}, replicates=(0,), phase="search") for k in range(1, 4)]
    base = ArmSpec("baseline", {})
    spec = StoreSpec([base, *trials], seeds=2, design={"kind": "search", "trials": 3}, curves=False, grids=False)
    store = make_store(tmp_path, spec)
    assert load_frames(store.engine, "digits").other_protocols == 0
    fill(store.opened, replace(spec, arms=[base], protocol=PROTOCOL.model_copy(update={"n": 5000})), tmp_path)
    frames = load_frames(store.engine, "digits")
    assert (frames.other_protocols, frames.protocol["n"]) == (5, 5000)
    assert set(frames.scores["arm"]) == {"baseline"}
    assert any("5 scores under other protocols" in text for text in warnings_of(frames))
    then = load_frames(store.engine, "digits", as_of=1)
    assert then.other_protocols == 0
    assert set(then.scores["arm"]) == {each.name for each in trials}, "the baseline is asked for other scores now"
    store.engine.dispose()


def test_what_is_not_there_is_said(store):
    with pytest.raises(UsageError, match="no study named 'nothing'"):
        load_frames(store.engine, "nothing")
    with pytest.raises(StoreError, match="no revision 7"):
        load_frames(store.engine, "digits", as_of=7)


@pytest.mark.slow
def test_five_thousand_runs_load_in_seconds(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    _, study_id = finished_search(store, "digits", trials=RUNS, more=0)
    add_curves(store, study_id, ("train_loss",), 20)
    start = time.process_time()
    frames = load_frames(store.engine, "digits")
    seconds = time.process_time() - start
    assert len(frames.cells) == RUNS
    assert len(frames.scores) == RUNS
    assert seconds < 10
    store.close()
