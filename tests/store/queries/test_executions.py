from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from sweep.api.doctor import _examine_executions
from sweep.store import Store, claim, finish_score, finish_training, progress
from sweep.store.queries.executions import ExecutionCount, gpu_executions
from sweep.store.records import Claim, ExecutionRecord
from sweep.store.sql.schema import ATTEMPT
from sweep.store.states import StepExecution
from tests.helpers.tiny_store import file_of, score_result, study_with_runs
from tests.store.queue.test_device_load import worker_on

CAPTURED = ExecutionRecord(StepExecution.CAPTURED)
EAGER = ExecutionRecord(StepExecution.EAGER, "CUDA error: operation not permitted")


def claimed(store: Store, study_id: int, worker: str) -> Claim:
    taken = claim(store, study_id, worker)
    assert taken is not None
    return taken


@pytest.mark.parametrize(("device", "expected"), [("cuda:0", 3), ("cpu", 0)])
def test_every_attempt_says_how_it_ran_its_step(store: Store, device: str, expected: int) -> None:
    study = study_with_runs(store, 2)
    worker = worker_on(store, device, "one")
    for execution in (CAPTURED, EAGER):
        run = claimed(store, study.id, worker)
        progress(store, run, step=10, images=80, execution=execution)
        finish_training(store, run, weights=file_of(run, "weights"), parameters=1, seconds=1.0)
        if execution is CAPTURED:
            score = claimed(store, study.id, worker)
            finish_score(store, score, replace(score_result(score), execution=EAGER))

    query = select(ATTEMPT.c.execution, ATTEMPT.c.execution_reason).order_by(ATTEMPT.c.id)
    rows = store.read(lambda connection: [tuple(row) for row in connection.execute(query)])
    assert rows == [("captured", None), ("eager", EAGER.reason), ("eager", EAGER.reason)]
    counts = gpu_executions(store, study.id)
    assert sum(count.attempts for count in counts) == expected
    if expected:
        assert counts[0] == ExecutionCount(StepExecution.EAGER, EAGER.reason, 2)
        (finding,) = _examine_executions(store, study)
        assert finding.state == (
            f"1 of 3 attempts on GPUs launched their step as one CUDA graph; 2 did not: {EAGER.reason}"
        )


def test_an_attempt_that_does_not_know_says_nothing(store: Store) -> None:
    study = study_with_runs(store, 1)
    run = claimed(store, study.id, worker_on(store, "cuda:0", "one"))
    progress(store, run, step=5, images=40, execution=CAPTURED)
    progress(store, run, step=10, images=80)
    assert gpu_executions(store, study.id) == [ExecutionCount(StepExecution.CAPTURED, "", 1)]
