"""Work that cannot be done ends as such, and the worker that met it goes on."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sweep.config.run import EvalConfig
from sweep.console_log import log_to_console
from sweep.files.file_store import FileStore
from sweep.store import Store, cells, claim, fail, forget_artifact, release, rerun
from sweep.store.queue.completion import pause_training
from sweep.store.records import ArtifactRecord, Measurement, ScoreResult, StudyRecord
from sweep.store.studies.rungs import add_rung_score
from sweep.worker import worker as module
from sweep.worker.messages import Outcome, Ready, Scored, Trained
from sweep.worker.options import Timing, WorkerOptions
from sweep.worker.orders import Job, ScoreJob, TrainJob
from sweep.worker.worker import Worker
from tests.helpers.tiny_store import PROTOCOL, file_of, new_worker
from tests.helpers.tiny_studies import ABLATION
from tests.helpers.worker_processes import registered

RUNG = 10


class NoTorch:
    """A trial process that is done at once; what its scores are is given by `value`."""

    value: Callable[[ScoreJob], float] = staticmethod(lambda _: 1.0)

    def __init__(self, **_: Any) -> None: ...

    def start(self) -> Ready:
        return Ready("cpu", {})

    def run(self, job: Job, **_: Any) -> Outcome:
        if isinstance(job, TrainJob):
            return Trained(
                ArtifactRecord("weights", f"{job.folder}/weights.pt", "b" * 64, 10, job.config.steps), 1, 0.0
            )
        assert isinstance(job, ScoreJob)
        measured = [Measurement("fid", noise_set, self.value(job)) for noise_set in (0, -1)]
        return Scored(ScoreResult(measured, [], "c" * 64, 0.0, 0.0, 0.0))

    def close(self) -> None: ...


@pytest.fixture
def study(store: Store, monkeypatch: pytest.MonkeyPatch) -> StudyRecord:
    monkeypatch.setattr(module, "Child", NoTorch)
    return registered(store, ABLATION, PROTOCOL)


def work(store: Store, study: StudyRecord, folder: Path) -> None:
    options = WorkerOptions(device="cpu", threads=1, files=FileStore(folder), timing=Timing(idle=0.01))
    assert Worker(store, study, options).work() == 0


def test_a_score_of_weights_that_are_gone_fails_and_the_worker_does_the_rest(
    store: Store, study: StudyRecord, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A rung's score that failed is planned again; then the run goes on from the rung."""
    me = new_worker(store)
    paused = claim(store, study.id, me, kinds=("train",))
    assert paused is not None
    rung = file_of(paused, "rung", RUNG)
    pause_training(store, paused, weights=rung, seconds=0.0)
    (cell, *_) = [cell for cell in cells(store, study.id) if cell.run_id == paused.run_id]
    add_rung_score(store, cell, EvalConfig(sampling_steps=8), PROTOCOL, step=RUNG)
    scored = claim(store, study.id, me, kinds=("score",))
    assert scored is not None
    fail(store, scored, "bug", "the first try", final=True)
    assert rerun(store, study.id, ["bug"]) == 1
    going_on = claim(store, study.id, me, kinds=("train",))
    assert going_on is not None
    forget_artifact(store, going_on, rung.path, "the run goes on")
    release(store, going_on, "preempted")

    caplog.set_level(logging.INFO, logger="sweep")
    work(store, study, tmp_path)

    assert [cell.state for cell in cells(store, study.id)] == ["complete"] * 4
    refusal = f"weights: the store lists no weights of run {paused.run_id} at step {RUNG}"
    assert any(refusal in line for line in caplog.messages)


def test_a_score_that_is_no_number_fails_alone(
    store: Store, study: StudyRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NoTorch, "value", staticmethod(lambda job: math.nan if job.train.seed == 0 else 1.0))

    work(store, study, tmp_path)

    states = {(cell.replicate, cell.state): cell.scores[0].failure for cell in cells(store, study.id)}
    assert states == {(0, "failed"): "nan", (1, "complete"): None}


def test_a_worker_whose_stderr_is_closed_does_its_work(
    store: Store, study: StudyRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed:
        def write(self, _: str) -> None:
            raise BrokenPipeError

    log_to_console()
    monkeypatch.setattr("sys.stderr", Closed())
    work(store, study, tmp_path)
    assert [cell.state for cell in cells(store, study.id)] == ["complete"] * 4
