"""Frames against the rows that a store was filled with."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import insert, select, update

from sweep.config.keys import protocol_key
from sweep.errors import StoreError
from sweep.report.frames.frames import load_study
from sweep.store.sql.schema import (
    ARM,
    CELL,
    MEASUREMENT,
    METRIC,
    READING,
    REVISION,
    RUN,
    SCORE,
    STUDY,
)
from tests.report.conftest import make_store
from tests.report.stores import PROTOCOL, START, ArmSpec, StoreSpec, ablation


def test_values_are_those_of_the_store(store):
    frames = load_study(store.engine, "digits")
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
    frames = load_study(store.engine, "digits")
    assert frames.arms["arm"].tolist()[:2] == ["baseline", "schedule=cosine"]
    assert set(frames.scores["reading"]) == {
        "baseline level", "ema_decay = 0.99", "ema_decay = 0", "sampling_steps = 10", "sampling_steps = 100",
    }  # fmt: skip
    assert frames.data_as_of == START + timedelta(hours=9)


def test_every_cell_has_a_status(store):
    cells = load_study(store.engine, "digits").cells
    assert cells["status"].value_counts().to_dict() == {"done": 38, "failed": 1, "excluded": 1}
    failed = cells[cells["status"] == "failed"].iloc[0]
    assert failed["reason"] == "training infeasible at step 3906 of 7812: diverged; loss is not finite at step 400"


@pytest.mark.parametrize(
    ("run", "score", "told"),
    [
        ("planned", "planned", "not started"),
        ("training", "planned", "training, step 7812 of 7812"),
        ("trained", "planned", "trained; waiting to be scored"),
        ("trained", "scoring", "trained; being scored"),
    ],
)
def test_missing_cells_say_what_they_wait_for(tmp_path, run, score, told):
    store = make_store(tmp_path, StoreSpec([ArmSpec("baseline", {})], seeds=1, curves=False, grids=False))
    with store.engine.begin() as connection:
        connection.execute(MEASUREMENT.delete())
        connection.execute(update(RUN).values(state=run, owner="w" if run == "training" else None))
        connection.execute(update(SCORE).values(state=score, owner="w" if score == "scoring" else None))
    cell = load_study(store.engine, "digits").cells.iloc[0]
    assert (cell["status"], cell["reason"]) == ("missing", told)
    store.engine.dispose()


def add_revision(store, number: int, protocol) -> None:
    with store.engine.begin() as connection:
        first = connection.execute(select(REVISION)).one()
        connection.execute(
            insert(REVISION).values(
                study_id=first.study_id,
                number=number,
                spec=first.spec,
                spec_sha256="33" * 32,
                arms_sha256="44" * 32,
                protocol=protocol.model_dump(mode="json"),
                protocol_key=protocol_key(protocol),
                versions={},
                reason="more images",
                accepted_at=START + timedelta(days=1),
            )
        )
        connection.execute(update(CELL).where(CELL.c.replicate == 1).values(revision=number))


def test_protocols_never_meet_and_a_revision_can_be_asked_for(tmp_path):
    store = make_store(tmp_path, replace(ablation(), seeds=2, curves=False, grids=False))
    add_revision(store, 2, PROTOCOL.model_copy(update={"n": 5000}))
    now, before = load_study(store.engine, "digits"), load_study(store.engine, "digits", as_of=1)
    assert (len(now.scores), now.other_protocols, now.protocol["n"]) == (0, 50, 5000)
    assert before.protocol["n"] == 1000
    assert set(before.cells["replicate"]) == {0}
    assert len(before.scores) == 5 * 5 * 5  # arms, levels, metrics
    store.engine.dispose()


def test_what_is_not_there_is_said(store):
    with pytest.raises(StoreError, match="no study 'nothing'"):
        load_study(store.engine, "nothing")
    with pytest.raises(StoreError, match="no revision 7"):
        load_study(store.engine, "digits", as_of=7)


def test_five_thousand_runs_load_in_seconds(tmp_path):
    store = make_store(tmp_path, StoreSpec([ArmSpec("baseline", {})], seeds=1, grids=False))
    n = 5000
    with store.engine.begin() as connection:
        study = connection.execute(select(STUDY)).one()
        first = {
            table: connection.execute(select(table)).mappings().first() for table in (RUN, SCORE, CELL, READING, ARM)
        }
        ids = range(10, 10 + n)

        def many(table, **changes) -> None:
            rows = [{**first[table], **{key: of(i) for key, of in changes.items()}} for i in ids]
            connection.execute(insert(table), rows)

        many(
            ARM,
            id=lambda i: i,
            name=lambda i: f"trial {i}",
            is_baseline=lambda i: False,
            changes=lambda i: {"lr": i / 1e6},
        )
        many(RUN, id=lambda i: i, train_key=lambda i: f"{i:064d}")
        many(
            CELL,
            id=lambda i: i,
            run_id=lambda i: i,
            arm_id=lambda i: i,
            phase=lambda i: "search",
            trial_number=lambda i: i,
        )
        many(SCORE, id=lambda i: i, run_id=lambda i: i)
        many(READING, cell_id=lambda i: i, score_id=lambda i: i)
        measured = [
            {"score_id": i, "name": name, "noise_set": s, "value": i / 100, "standard_error": 0.1}
            for i in ids
            for name in ("fid", "kid")
            for s in (-1, 0, 1)
        ]
        connection.execute(insert(MEASUREMENT), measured)
        curve = [
            {"run_id": i, "name": "train_loss", "step": s, "images": s, "value": 0.1, "token": 1}
            for i in ids
            for s in range(20)
        ]
        connection.execute(insert(METRIC), curve)
        assert study.name == "digits"
    start = time.process_time()
    frames = load_study(store.engine, "digits")
    seconds = time.process_time() - start
    assert len(frames.cells) == n + 1
    assert len(frames.scores) == 2 * n + 5
    assert seconds < 10
    store.engine.dispose()
