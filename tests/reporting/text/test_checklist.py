"""The checklist for reviewers: its counts are the store's, and what the store does not know is said to be missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import func, select

from sweep.config.study import Study
from sweep.data.licences import DATASET_LICENCES
from sweep.reporting import sections
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.render.blocks import Document, Table
from sweep.reporting.render.checklist import checklist_tex
from sweep.reporting.stats.work_done import DECIDING, EXPLORATORY, SCORES, counted_runs, runs_of, work_by_kind
from sweep.reporting.text.checklist import ChecklistAnswer, ChecklistItem, checklist_items
from sweep.reporting.text.checklist_resources import asset_licences, compute_facts
from sweep.reporting.text.checklist_statistics import error_bars
from sweep.store.sql.schema import ATTEMPT, RUN
from tests.helpers.report_specs import ArmSpec, StoreSpec
from tests.reporting.conftest import Store, make_store


def items(store: Store) -> dict[str, ChecklistItem]:
    study = store.study()
    return {item.title: item for item in checklist_items(study.frames, study.comparison, study.split)}


def with_data(frames: StudyFrames, data: object, **fields: Any) -> StudyFrames:
    """The frames of a study whose file names other data."""
    last = frames.study_ref.revisions[-1]
    spec = {**last["spec"], "baseline": {**last["spec"]["baseline"], "data": data}, **fields}
    ref = replace(frames.study_ref, revisions=[*frames.study_ref.revisions[:-1], {**last, "spec": spec}])
    return replace(frames, study_ref=ref, spec=spec)


def test_runs_are_counted_as_the_store_has_them(store: Store) -> None:
    frames = store.study().frames
    with store.engine.connect() as connection:
        states = dict(list(connection.execute(select(RUN.c.state, func.count()).group_by(RUN.c.state))))
        attempts = connection.scalar(select(func.count()).select_from(ATTEMPT))
    assert counted_runs(runs_of(frames)) == {"trained to the end": states["trained"], "diverged": states["infeasible"]}
    assert states == {"trained": 39, "infeasible": 1}
    text = " ".join(compute_facts(frames))
    assert "40 trainings that decide: 39 trained to the end and 1 diverged." in text
    assert f"All {attempts} attempts took" in text
    assert "Of the attempts, 1 failed." in text
    assert "Fast 100, 1 worker on 1 machine" in text
    assert "All 40 planned replicates" not in items(store)["Experiment statistical significance"].facts[-1]
    assert "Of 40 planned replicates of all arms, these have no score: 1 diverged and 1 excluded by hand." in " ".join(
        items(store)["Experiment statistical significance"].facts
    )


def test_hours_are_those_of_all_attempts_but_of_lost_ones(store: Store) -> None:
    frames = store.study().frames
    start = pd.Timestamp("2026-01-01", tz="UTC")
    run = int(frames.attempts["run_id"].iloc[0])

    def attempt(minutes: float, end: str | None, score: float | None = None) -> dict[str, Any]:
        ended = start + pd.Timedelta(minutes=minutes) if end is not None else pd.NaT
        return {"run_id": run, "score_id": score, "started_at": start, "ended_at": ended, "end_reason": end}

    planted = pd.DataFrame(
        [
            attempt(60, "trained"),
            attempt(30, "nan"),
            attempt(15, "released: preempted"),
            attempt(600, "expired"),
            attempt(6, "complete", 1.0),
            attempt(3, "oom", 1.0),
            attempt(0, None, 1.0),
        ]
    )
    work = work_by_kind(replace(frames, attempts=planted)).set_index("work")
    assert list(work.index) == [DECIDING, SCORES]
    assert work.loc[DECIDING, ["attempts", "finished", "failed", "interrupted", "lost", "running"]].tolist() == [
        4,
        1,
        1,
        1,
        1,
        0,
    ]
    assert work.loc[DECIDING, ["hours", "failed_hours", "lost_hours"]].tolist() == pytest.approx([1.75, 0.5, 10.0])
    assert work.loc[SCORES, ["hours", "failed_hours", "running"]].tolist() == pytest.approx([0.15, 0.05, 1])


def test_exploratory_trainings_are_counted_apart(tmp_path: Path) -> None:
    trials = [ArmSpec(f"trial {k}", {"lr": 1e-4 * k}, replicates=(0,), phase="search") for k in range(1, 6)]
    confirmed = ArmSpec("best", {"lr": 7e-4}, effect=-1.0)
    spec = StoreSpec(
        [ArmSpec("baseline", {}), confirmed, *trials],
        seeds=3,
        design={"kind": "search", "trials": 5},
        factors={"lr": {"role": "nuisance", "range": [1e-4, 2e-3]}},
        grids=False,
        curves=False,
    )
    store = make_store(tmp_path, spec)
    told = items(store)
    text = " ".join(told["Experiments compute resources"].facts)
    assert "6 trainings that decide: 6 trained to the end." in text
    assert "5 trainings of exploratory trials: 5 trained to the end." in text
    assert EXPLORATORY in set(work_by_kind(store.study().frames)["work"])
    assert "a search of 5 trials" in " ".join(told["Experimental setting/details"].facts)
    methods = str(sections.methods(store.study()))
    assert "Optuna 5.0.0 proposed the trials" in methods
    store.engine.dispose()


def test_what_intervals_cover_is_that_of_the_protocol(store: Store) -> None:
    study = store.study()
    told = " ".join(error_bars(study.frames, study.comparison, study.split))
    assert "valid for all 4 arms at once, from Dunnett's distribution" in told
    assert "all runs are sampled from the same 3 noise sets" in told
    frames = replace(study.frames, protocol={**study.frames.protocol, "noise": "per_seed"})
    told = " ".join(error_bars(frames, study.comparison, study.split))
    assert "each seed has 3 noise sets of its own, which its arms share" in told


@pytest.mark.parametrize("name", sorted(DATASET_LICENCES))
def test_published_data_are_credited(store: Store, name: str) -> None:
    facts, missing = asset_licences(with_data(store.study().frames, name))
    known = DATASET_LICENCES[name]
    assert known.citation in facts[0]
    assert (f"Licence: {known.name}." in facts[0]) == bool(known.name)
    assert "state no licence" in facts[0] or known.name
    assert missing == []


def test_only_the_owner_of_a_folder_knows_its_licence(store: Store) -> None:
    folder = {"name": "image_folder", "path": "/images", "size": 32}
    facts, missing = asset_licences(with_data(store.study().frames, folder))
    assert "not known" in facts[0]
    assert "data_licence" in missing[0]
    facts, missing = asset_licences(with_data(store.study().frames, folder, data_licence="CC0, by the museum."))
    assert "as the study file states it: CC0, by the museum." in facts[0]
    assert "those of a plugin" in asset_licences(with_data(store.study().frames, {"name": "own"}))[0][0]
    assert missing == []


def test_a_licence_is_stated_for_a_folder_alone_and_an_old_file_is_dumped_as_before() -> None:
    question = {"name": "q", "question": "?"}
    assert "data_licence" not in Study.model_validate(question).model_dump(mode="json")
    folder = {"data": {"name": "image_folder", "path": "/images", "size": 8}, "net": "mlp_small"}
    stated = Study.model_validate(question | {"baseline": folder, "data_licence": "CC0"})
    assert stated.model_dump(mode="json")["data_licence"] == "CC0"
    with pytest.raises(ValueError, match="only for images of your own"):
        Study.model_validate(question | {"data_licence": "CC0"})


def test_facts_that_the_store_lacks_are_missing(tmp_path: Path) -> None:
    store = make_store(tmp_path, StoreSpec([ArmSpec("baseline", {})], seeds=1), pieces=0)
    told = items(store)
    assert told["Experiments compute resources"].answer is ChecklistAnswer.AUTHORS
    assert told["Experiment statistical significance"].answer is ChecklistAnswer.NO
    assert (
        told["Experimental result reproducibility"].answer is ChecklistAnswer.AUTHORS
    )  # no worker has recorded a commit
    assert told["Open access to data and code"].answer is ChecklistAnswer.AUTHORS
    store.engine.dispose()


def test_the_latex_has_the_macros_of_the_style_file_and_escapes(store: Store) -> None:
    document, table = sections.checklist(store.study())[1:]
    assert isinstance(document, Document)
    assert isinstance(table, Table)
    assert document.tex.isascii()
    assert document.tex.count(r"\item {\bf") == 6
    assert document.tex.count(r"\answer") == 6
    hostile = ChecklistItem(
        title="50 % & more", question="a_b?", answer=ChecklistAnswer.NO, facts=["$x$ {y}"], missing=["two\nlines"]
    )
    tex = checklist_tex([hostile])
    assert r"50 \% \& more" in tex
    assert r"a\_b?" in tex
    assert r"\$x\$ \{y\}" in tex
    assert [line for line in tex.splitlines() if line.startswith("%")] != []
    assert "\nlines" not in tex
