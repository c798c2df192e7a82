"""`sweep trials show`: what became of a run, attempt by attempt."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from sweep import api
from sweep.cli.app import app
from sweep.store import claim, fail, finish_training, open_store, progress, register_worker, release
from sweep.store.records import ArtifactRecord, WorkerRecord
from sweep.store.states import FailureClass, WorkKind
from tests.helpers.tiny_store import study_with_runs

TRACEBACK = 'Traceback (most recent call last):\n  File "net.py", line 1\nOutOfMemoryError: 80 GiB are too few'


@pytest.fixture
def attempted(store_url: str) -> str:
    """A store with a run that was preempted on one machine, ran out of memory on another, was trained there, and whose
    score is being made on the first.
    """
    store = open_store(store_url)
    study = study_with_runs(store, 1)
    for name in ("alpha", "beta"):
        register_worker(store, WorkerRecord(name, f"{name}.example", "boot", 1, 0.0, "cuda:0", {"threads": 4}))
    first = claim(store, study.id, "alpha")
    assert first is not None
    progress(store, first, step=4, images=32, peak_bytes=1_000)
    release(store, first, FailureClass.PREEMPTED)
    second = claim(store, study.id, "beta")
    assert second is not None
    fail(store, second, FailureClass.OOM, TRACEBACK, final=False)
    third = claim(store, study.id, "beta")
    assert third is not None
    progress(store, third, step=10, images=80)
    weights = ArtifactRecord("weights", "runs/1.pt", "b" * 64, 10, 10)
    finish_training(store, third, weights=weights, parameters=10, seconds=1.0)
    assert claim(store, study.id, "alpha") is not None
    store.close()
    return store_url


def test_the_attempts_of_a_run_are_read_with_worker_device_steps_and_end(attempted: str) -> None:
    attempts = api.trials.read_run("tiny", 1, storage=attempted).attempts
    assert [(each.kind, each.host, each.device) for each in attempts] == [
        (WorkKind.TRAIN, "alpha.example", "cuda:0"),
        (WorkKind.TRAIN, "beta.example", "cuda:0"),
        (WorkKind.TRAIN, "beta.example", "cuda:0"),
        (WorkKind.SCORE, "alpha.example", "cuda:0"),
    ]
    assert [(each.first_step, each.last_step) for each in attempts[:3]] == [(0, 4), (4, 4), (4, 10)]
    assert [each.end for each in attempts] == ["released: preempted", "oom", "trained", None]
    assert [each.reason for each in attempts] == [None, TRACEBACK, None, None]
    assert attempts[0].peak_bytes == 1_000
    for each in attempts[:3]:
        assert each.ended_at is not None
        assert each.seconds == (each.ended_at - each.started_at).total_seconds() >= 0.0
    assert attempts[3].ended_at is None
    assert 0.0 <= attempts[3].seconds < 60.0


def test_show_prints_the_attempts_and_the_reasons_of_their_failures(attempted: str) -> None:
    printed = CliRunner().invoke(
        app, ["trials", "show", "tiny", "1"], env={"SWEEP_STORAGE": attempted, "COLUMNS": "120"}
    )
    assert printed.exit_code == 0
    rows = [line.split() for line in printed.stdout.splitlines() if ".example" in line]
    assert [row[0] for row in rows] == ["training", "training", "training", "score"]
    assert [row[1] for row in rows[:3]] == ["alpha.example", "beta.example", "beta.example"]
    assert [" ".join(row[6:]) for row in rows[:3]] == ["0 to 4 released: preempted", "4 to 4 oom", "4 to 10 trained"]
    assert rows[3][-2:] == ["under", "way"]
    assert "attempt 2 ended as oom: OutOfMemoryError: 80 GiB are too few" in printed.stdout
    assert "Traceback" not in printed.stdout


def test_show_gives_the_attempts_as_json_with_the_whole_reason(attempted: str) -> None:
    printed = CliRunner().invoke(app, ["trials", "show", "tiny", "1", "--json"], env={"SWEEP_STORAGE": attempted})
    attempts = json.loads(printed.stdout)["attempts"]
    assert [each["end"] for each in attempts] == ["released: preempted", "oom", "trained", None]
    assert attempts[1]["reason"] == TRACEBACK
    assert {"host", "device", "started_at", "seconds", "first_step", "last_step", "worker_id"} <= set(attempts[0])


def test_a_run_that_nobody_attempted_says_so(store_url: str) -> None:
    store = open_store(store_url)
    study_with_runs(store, 1)
    store.close()
    printed = CliRunner().invoke(app, ["trials", "show", "tiny", "1"], env={"SWEEP_STORAGE": store_url})
    assert "No worker has attempted this run yet." in printed.stdout
    assert api.trials.read_run("tiny", 1, storage=store_url).attempts == ()
