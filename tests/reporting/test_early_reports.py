"""Reports of studies that have not come far, or nowhere: every section has a page to show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sweep.config.study import Study
from sweep.reporting import sections
from sweep.reporting.render.notebook import SECTIONS, SHOWN_WHERE
from sweep.reporting.sections import read_study, record
from sweep.store import Store, cells, claim, exclude, finish_score, open_store, set_study_state
from sweep.store.records import Measurement, ScoreResult
from tests.helpers.played_studies import finish, launched, play, worker

ABLATION = {"factors": {"lr": {"role": "scientific", "levels": [2e-3]}}}
SEARCH = {
    "factors": {"lr": {"role": "nuisance", "range": [1e-4, 1e-2]}},
    "design": {"kind": "search", "trials": 2},
}
FACTORIAL = {
    "factors": {"lr": {"role": "scientific", "levels": [2e-3]}, "flip": {"role": "scientific", "levels": [True]}},
    "design": "factorial",
}
Play = Callable[[Store, Study, int], object]


def begun(store: Store, study: Study, study_id: int) -> None:
    claim(store, study_id, worker(store))


def trained(store: Store, study: Study, study_id: int) -> None:
    me = worker(store)
    while (claimed := claim(store, study_id, me, kinds=("train",))) is not None:
        finish(store, claimed, lambda *_: 1.0)


def failed(store: Store, study: Study, study_id: int) -> None:
    play(store, study, study_id, lambda *_: "oom", owner=worker(store))


def diverged(store: Store, study: Study, study_id: int) -> None:
    play(store, study, study_id, lambda *_: None, owner=worker(store))


def excluded(store: Store, study: Study, study_id: int) -> None:
    for cell in cells(store, study_id):
        exclude(store, cell.cell_id, "not this one")


def cancelled(store: Store, study: Study, study_id: int) -> None:
    set_study_state(store, study_id, "cancelled")


def without_the_deciding_score(store: Store, study: Study, study_id: int) -> None:
    me = worker(store)
    while (claimed := claim(store, study_id, me)) is not None:
        if claimed.kind == "train":
            finish(store, claimed, lambda *_: 1.0)
        else:
            finish_score(store, claimed, ScoreResult([Measurement("kid", -1, 0.1)], [], "c" * 64, 1.0, 1.0, 1.0))


PLAYED: tuple[Play, ...] = (
    lambda *_: None,
    begun,
    trained,
    failed,
    diverged,
    excluded,
    cancelled,
    without_the_deciding_score,
)


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("design", [ABLATION, SEARCH, FACTORIAL], ids=["ablation", "search", "factorial"])
@pytest.mark.parametrize("played", PLAYED, ids=lambda play: play.__name__)
def test_every_section_has_something_to_show(played: Play, design: dict, sqlite_url: str, tmp_path: Path) -> None:
    store = open_store(sqlite_url)
    baseline = {"net": "mlp_small", "images": 80, "batch": 8, "lr": 1e-3}
    study = Study.model_validate({"name": "early", "question": "?", "baseline": baseline, "seeds": 2} | design)
    record_of_study = launched(store, study)
    played(store, study, record_of_study.id)
    reported = read_study(store.engine, "early", files_root=tmp_path)
    for name, _ in SECTIONS:
        if name not in SHOWN_WHERE or SHOWN_WHERE[name](reported.frames.study_ref):
            for block in getattr(sections, name)(reported):
                assert "nan" not in getattr(block, "html", "").lower().split()
    record(reported, tmp_path)
    store.close()
