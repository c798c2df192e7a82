"""The power goes at one named point, and the next worker makes of it what would have been made anyhow."""

from __future__ import annotations

from typing import Any

import pytest

from sweep.store import Store
from tests.faults.conftest import Calm, Team
from tests.helpers.study_outcome import check_invariants, outcome
from tests.helpers.tiny_studies import ABLATION, SEARCH
from tests.helpers.worker_processes import ended

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

ONE: dict[str, Any] = ABLATION | {"name": "tiny-one", "factors": {}, "seeds": 1}
POINTS = {
    "after the claim": "sweep.worker.worker:claim after 1",
    "before the first progress": "sweep.worker.attempt:record_progress before 1",
    "after the first progress": "sweep.worker.attempt:record_progress after 1",
    "while a checkpoint is written": "os:fsync before 3",
    "after a checkpoint, before its pointer": "sweep.worker.run_files:upload_file before 2",
    "after the pointer": "sweep.worker.attempt:record_progress after 3",
    "after the training, before its record": "sweep.worker.worker:finish_training before 1",
    "after the record of the training": "sweep.worker.worker:finish_training after 1",
    "after the score": "sweep.worker.worker:finish_score after 1",
}
POINTS_OF_A_SEARCH = {
    "after the score, before Optuna is shown it": "sweep.search.trial_history:History.now before 2",
    "after Optuna was shown it, before the asking": "sweep.search.trial_history:History.now after 2",
    "after the asking, before the trial is ours": "sweep.search.scheduler:add_search_cell before 2",
}


def killed_there(store: Store, team: Team, calm: Calm, spec: dict[str, Any], point: str) -> None:
    study, workers = team(store, spec)
    assert ended(workers.start(KILL_AT=point)) == -9
    assert ended(workers.start()) == 0
    check_invariants(store)
    assert outcome(store, study.id) == calm(spec)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_point_of_a_run(local_store: Store, team: Team, calm: Calm, point: str) -> None:
    killed_there(local_store, team, calm, ONE, POINTS[point])


@pytest.mark.parametrize("point", POINTS_OF_A_SEARCH)
def test_killed_at_a_point_of_a_search(local_store: Store, team: Team, calm: Calm, point: str) -> None:
    killed_there(local_store, team, calm, SEARCH, POINTS_OF_A_SEARCH[point])
