"""A command computes the plan of its study once, and hands it on."""

from __future__ import annotations

from pathlib import Path

import pytest

import sweep
from sweep.api.study_plan import plan_of
from sweep.config.study import Study
from sweep.config.study_file import load_study
from sweep.executors.register import register
from sweep.planning import plan as compiler
from sweep.store.opening import open_store
from tests.helpers.played_studies import PROTOCOL, play, worker

FILE = """\
name: once
question: How often is the plan computed?
baseline: {data: digits, net: mlp_small, T: 50, images: 1k}
factors:
  schedule: {role: scientific, levels: [cosine]}
seeds: 3
"""


@pytest.fixture
def file(tmp_path) -> Path:
    (tmp_path / "once.yaml").write_text(FILE)
    return tmp_path / "once.yaml"


@pytest.fixture
def storage(tmp_path, file) -> str:
    """A database in which the study of the file is complete, so that a launch has nothing to start."""
    url = f"sqlite:///{tmp_path}/sweep.db"
    store, study = open_store(url), load_study(file)
    record = register(store, compiler.study_plan(study), PROTOCOL, accept_change=False)
    play(store, study, record.id, lambda _train, _eval: 1.0, owner=worker(store))
    store.close()
    return url


@pytest.fixture
def computed(monkeypatch, storage) -> list[Study]:
    """Studies whose plan is computed from now on."""
    studies: list[Study] = []
    original = compiler.study_plan

    def counting(study: Study) -> compiler.StudyPlan:
        studies.append(study)
        return original(study)

    for module in ("sweep.planning.plan", "sweep.api.study_plan", "sweep.api.extend"):
        monkeypatch.setattr(f"{module}.study_plan", counting)
    return studies


def test_plan(computed, file, storage):
    sweep.plan(file, measure=False, storage=storage, device="cpu")
    assert len(computed) == 1


def test_launch(computed, file, storage, tmp_path):
    sweep.launch(file, storage=storage, files=str(tmp_path / "files"), device="cpu", workers=1)
    assert len(computed) == 1


def test_extend(computed, storage):
    sweep.extend("once", seeds="+1", storage=storage)
    assert len(computed) == 1


def test_space_diff(computed, file, storage):
    from sweep.api.space import difference

    difference(file, storage=storage)
    assert len(computed) == 1


def test_a_limit_of_trials(computed, tmp_path):
    search = FILE + "design: {kind: search, trials: 9}\n"
    (tmp_path / "search.yaml").write_text(search)
    assert plan_of(tmp_path / "search.yaml", max_trials=5).study.design.trials == 5
    assert len(computed) == 1
