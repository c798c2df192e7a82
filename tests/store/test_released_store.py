"""A store that 0.1.0 made, in the middle of two studies, goes on as if nothing had been renamed since.

`tests/golden/store_0_1_0.sql` is a dump of what `sweep launch` of that version wrote until it was stopped, and
`studies_0_1_0` holds the study files, in which interim analyses are still called looks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from sweep.config.keys import eval_key, train_key
from sweep.config.run import EvalConfig, TrainConfig
from sweep.config.study_file import load_study
from sweep.executors.register import matching_study, register
from sweep.planning.plan import study_plan
from sweep.store import Store, cells, open_store, studies
from sweep.store.queries.views import status, work_left
from sweep.store.sql.schema import RUN, SCORE
from tests.helpers.played_studies import play
from tests.helpers.tiny_store import new_worker

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = sorted((GOLDEN / "studies_0_1_0").glob("*.yaml"))


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Store]:
    """The store, opened by this version."""
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as database:
        database.executescript((GOLDEN / "store_0_1_0.sql").read_text())
    database.close()
    store = open_store(f"sqlite:///{path}", patience_seconds=20)
    yield store
    store.close()


def scores_of(store: Store, study_id: int) -> dict[str, float]:
    """Value of each measurement by cell, evaluation level, name and noise set."""
    return {
        f"{cell.arm_name}/{cell.replicate}/{dict(score.level)}/{each.name}/{each.noise_set}": each.value
        for cell in cells(store, study_id)
        for score in cell.scores
        for each in score.measurements
    }


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_its_study_files_say_the_same_and_its_keys_are_those_of_today(old: Store, file: Path) -> None:
    plan = study_plan(load_study(file))
    record = matching_study(old, plan, accept_change=False)
    assert record is not None
    assert record.revision == 1
    stored = old.read(lambda connection: connection.execute(select(RUN.c.train_key, RUN.c.config)).all())
    assert [train_key(TrainConfig.model_validate(config)) for _, config in stored] == [key for key, _ in stored]
    assert {train_key(cell.train_config) for cell in plan.cells} <= {key for key, _ in stored}
    scored = old.read(lambda connection: connection.execute(select(SCORE.c.eval_key, SCORE.c.config)).all())
    configs = [EvalConfig.model_validate(config) for _, config in scored]
    assert [eval_key(config, record.protocol) for config in configs] == [key for key, _ in scored]


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_its_studies_go_on_to_their_ends_and_keep_every_score(old: Store, file: Path) -> None:
    study = load_study(file)
    (before,) = [record for record in studies(old) if record.name == study.name]
    scores = scores_of(old, before.id)
    assert scores
    assert not work_left(old, before.id).nothing
    record = register(old, study_plan(study), before.protocol, accept_change=False)
    assert record.revision == 1
    play(old, study, record.id, lambda train, evaluation: 1.0, owner=new_worker(old))
    assert work_left(old, record.id).nothing
    assert status(old, record.id).failures == ()
    after = scores_of(old, record.id)
    assert scores.items() <= after.items()
    assert len(after) > len(scores)
