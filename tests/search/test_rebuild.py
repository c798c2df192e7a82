"""Optuna's tables are lost in the middle of a search: `sweep doctor --rebuild-adviser` gives it back all it knew."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from math import log10
from pathlib import Path
from typing import Any

import optuna
import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from sweep.cli.app import app
from sweep.config.run import EvalConfig, TrainConfig
from sweep.config.study import Study
from sweep.errors import StoreError, UsageError
from sweep.search.advance import advance, rebuild
from sweep.search.explorations import is_over
from sweep.search.memory import Memory
from sweep.search.outline import outline
from sweep.search.samplers import SEARCH_SAMPLERS
from sweep.store import advisor_lease, cells, claim, events, open_store
from sweep.store.registry import study as find
from tests.search.played import finish, launched, play, worker

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


def study(**fields: object) -> Study:
    spec: dict[str, Any] = {
        "name": "s", "question": "?", "seeds": 1,
        "baseline": {"data": "digits", "net": "mlp_small", "T": 100, "batch": 10, "images": 1000},
        "factors": {
            "schedule": {"role": "scientific", "levels": ["linear_scaled", "cosine", "jsd"]},
            "lr": {"role": "nuisance", "range": [1e-5, 1e-2], "log": True},
            "ema_decay": {"role": "evaluation", "levels": [0]},
        },
        "design": {
            "kind": "search", "trials": 14, "pruner": {"kind": "asha", "rungs": [0.1], "startup": 2},
        },
        "protocol": {"n": 64, "ladder": [{"n": 16}]},
    }  # fmt: skip
    return Study.model_validate(spec | fields)


def formula(train: TrainConfig, evaluation: EvalConfig) -> float | None:
    """Large steps diverge; elsewhere the score is best at 1e-3."""
    return None if train.lr > 5e-3 else 20.0 + abs(log10(train.lr / 1e-3)) + 3.0 * (evaluation.ema_decay == 0)


def copied(path: Path, to: Path) -> str:
    """URL of a copy of a database, of what its write-ahead log holds too."""
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)
    return f"sqlite:///{to}"


def lose_optuna(url: str) -> None:
    """Drop every table of Optuna's and no other."""
    tables = optuna.storages._rdb.models.BaseModel.metadata.sorted_tables
    engine = create_engine(url)
    with engine.begin() as connection:
        for table in reversed(tables):
            connection.execute(text(f"DROP TABLE {table.name}"))
        connection.execute(text("DROP TABLE alembic_version"))
    engine.dispose()


def known_to_optuna(url: str) -> list[tuple[Any, ...]]:
    """What Optuna was told, in its order."""
    return [
        (t.params, t.state.name, t.value, t.user_attrs, t.intermediate_values)
        for t in optuna.load_study(study_name=None, storage=url).trials
    ]


def drawn(url: str) -> list[tuple[Any, ...]]:
    """Every trial of the finished search with its end."""
    store = open_store(url, patience_seconds=20)
    changes = {arm.name: dict(arm.changes) for arm in find(store, "s").arms}
    told = [(c.arm_name, changes[c.arm_name], c.state, c.step) for c in cells(store, 1) if c.phase == "search"]
    store.close()
    return told


@pytest.mark.parametrize(
    "search_sampler",
    [pytest.param(name, marks=[pytest.mark.slow] if name != "tpe" else []) for name in SEARCH_SAMPLERS],
)
def test_what_was_lost_comes_back_and_the_search_goes_on_as_if_it_had_not_been(sqlite_url, tmp_path, search_sampler):
    asked = study()
    asked = asked.model_copy(update={"design": asked.design.model_copy(update={"search_sampler": search_sampler})})
    store = open_store(sqlite_url, patience_seconds=20)
    record = launched(store, asked)
    me = worker(store)
    play(store, asked, record.id, formula, owner=me, steps=36)
    while any(is_over(cell) and not cell.told for cell in cells(store, record.id)):
        play(store, asked, record.id, formula, owner=me, steps=1)  # so that Optuna had heard of all that ended
    assert 8 <= len(cells(store, record.id)) < outline(asked).trainings, "in the middle"
    other_url = copied(tmp_path / "store.db", tmp_path / "other.db")
    before = known_to_optuna(other_url)
    assert {state for _, state, *_ in before} == {"COMPLETE", "PRUNED"}
    lose_optuna(other_url)
    shown = CliRunner().invoke(
        app, ["doctor", "--rebuild-adviser", "s"], env={"SWEEP_STORAGE": other_url, "SWEEP_FILES": str(tmp_path)}
    )
    trials = sum(c.phase == "search" for c in cells(store, record.id))
    assert f"Optuna was told {trials} trials of s" in shown.stderr
    assert known_to_optuna(other_url) == before
    play(store, asked, record.id, formula, owner=me)
    store.close()
    again = open_store(other_url, patience_seconds=20)
    play(again, asked, record.id, formula, owner=me)
    again.close()
    assert drawn(other_url) == drawn(sqlite_url)
    assert known_to_optuna(other_url) == known_to_optuna(sqlite_url)


def test_a_finished_search_is_told_whole_and_twice_is_once(sqlite_url, tmp_path):
    store = open_store(sqlite_url, patience_seconds=20)
    record = launched(store, study())
    play(store, study(), record.id, formula, owner=worker(store))
    before = known_to_optuna(sqlite_url)
    for _ in range(2):
        assert rebuild(store, study(), record.id, owner="me") == 14
        assert known_to_optuna(sqlite_url) == before
    store.close()


def test_a_worker_that_knew_the_lost_trials_goes_on_with_the_new_ones(sqlite_url):
    """Its memory names trials of Optuna's that are gone; what it asks next is as after a start."""
    store = open_store(sqlite_url, patience_seconds=20)
    record = launched(store, study())
    me, memory = worker(store), Memory()
    while advance(store, study(), record.id, owner=me, memory=memory):
        claimed = claim(store, record.id, me)
        assert claimed is not None
        finish(store, claimed, formula)
        if len(cells(store, record.id)) == 3:
            rebuild(store, study(), record.id, owner="another")
            break
    while (claimed := claim(store, record.id, me)) or advance(store, study(), record.id, owner=me, memory=memory):
        if claimed:
            finish(store, claimed, formula)
    assert sum(cell.phase == "search" for cell in cells(store, record.id)) == 14
    numbers = [attributes["trial"] for *_, attributes, _ in known_to_optuna(sqlite_url) if "trial" in attributes]
    assert len(numbers) == len(set(numbers)) >= 14
    memory.forget()
    store.close()


def test_arms_whose_names_begin_alike_keep_their_own_trials(sqlite_url):
    asked = study(
        factors={
            "T": {"role": "scientific", "levels": [50]},
            "schedule": {"role": "scientific", "levels": ["cosine"]},
            "lr": {"role": "nuisance", "range": [1e-5, 1e-2], "log": True},
        },
        design="leave_one_out", tune={"trials": 2}, protocol={"n": 64},
    )  # fmt: skip
    store = open_store(sqlite_url, patience_seconds=20)
    record = launched(store, asked)
    play(store, asked, record.id, formula, owner=worker(store))
    assert rebuild(store, asked, record.id, owner="me") == 8
    counted = {s.study_name.rpartition(" ")[0]: s.n_trials for s in optuna.get_all_study_summaries(sqlite_url)}
    assert counted == dict.fromkeys(["s/baseline", "s/all", "s/all - T", "s/all - schedule"], 2)
    store.close()


def test_draws_that_made_no_sense_come_back_too(sqlite_url):
    """An infinite weight under some schedules: Optuna keeps being told that nothing is to be had there."""
    factors = {
        "weighting": {"role": "scientific", "levels": ["simple", "vlb"]},
        "lr": {"role": "nuisance", "range": [1e-5, 1e-2], "log": True},
    }
    asked = study(factors=factors, design={"kind": "search", "trials": 8, "search_sampler": "random"})
    asked = asked.model_copy(update={"protocol": asked.protocol.model_copy(update={"ladder": ()})})
    store = open_store(sqlite_url, patience_seconds=20)
    record = launched(store, asked)
    play(store, asked, record.id, formula, owner=worker(store))
    refused = [e for e in events(store, record.id, limit=1000) if e.kind == "infeasible_draw"]
    assert refused, "the space holds settings that make no sense"
    before = known_to_optuna(sqlite_url)
    rebuild(store, asked, record.id, owner="me")
    assert known_to_optuna(sqlite_url) == before
    assert len(before) == 8 + len(refused)
    store.close()


def test_what_cannot_be_rebuilt_says_why(sqlite_url):
    plain = study(factors={"T": {"role": "scientific", "levels": [50]}}, design="one_at_a_time", protocol={"n": 64})
    store = open_store(sqlite_url, patience_seconds=20)
    record = launched(store, plain)
    with pytest.raises(UsageError, match="Optuna chooses nothing"):
        rebuild(store, plain, record.id, owner="me")
    advisor_lease(store, record.id, "another")
    with pytest.raises(StoreError, match="a worker is asking"):
        rebuild(store, study(), record.id, owner="me", patience=0.3)
    store.close()
