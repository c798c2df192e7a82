"""What happens to one worker, or to its trial process, while it trains; the numbers come out the same, bit for bit."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sweep.store import Store, artifacts, cells, events, set_study_state, status
from sweep.worker.budget import device_hours
from sweep.worker.identity import started
from sweep.worker.interrupt import SAME_REQUEST_SECONDS
from tests.faults.conftest import Team
from tests.helpers.study_outcome import attempt_ends, check_invariants, outcome
from tests.helpers.tiny_studies import ABLATION, with_baseline
from tests.helpers.worker_processes import (
    QUICK,
    children_of,
    ended,
    kill_tree,
    stopped_outside_a_transaction,
    training,
    trial_of,
    until,
)

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT])
def test_a_worker_that_is_asked_to_leave_saves_and_releases(
    local_store: Store, team: Team, undisturbed: dict[str, Any], number: int
) -> None:
    # submitit#1732, hydra#2042, torchx#394: save at the signal, not some steps before it.
    study, workers = team(local_store)
    first = workers.start()
    until(lambda: training(local_store, study))
    assert first.pid is not None
    os.kill(first.pid, number)
    assert ended(first, 60) == (130 if number == signal.SIGINT else 75)
    assert children_of(first.pid) == []
    assert attempt_ends(local_store)[-1] == "released: preempted"
    assert ended(workers.start()) == 0
    check_invariants(local_store)
    assert outcome(local_store, study.id) == undisturbed


def test_a_killed_trial_process_is_retried_and_its_worker_lives_on(
    local_store: Store, team: Team, undisturbed: dict[str, Any]
) -> None:
    # optuna#1224, optuna#5931: what a trial does to its process must not reach the next trial.
    study, workers = team(local_store)
    worker = workers.start()
    until(lambda: training(local_store, study))
    os.kill(trial_of(worker), signal.SIGKILL)
    assert ended(worker) == 0
    assert "infra" in attempt_ends(local_store)
    assert "killed by signal 9" in workers.said()
    check_invariants(local_store)
    assert outcome(local_store, study.id) == undisturbed


def test_a_killed_worker_takes_its_trial_process_along_and_is_replaced_at_once(
    local_store: Store, team: Team, undisturbed: dict[str, Any]
) -> None:
    # optuna#485, optuna#913, optuna#1532: killed trials stay RUNNING; neps#30: a killed worker's config pends for ever.
    study, workers = team(local_store)
    first = workers.start()
    until(lambda: training(local_store, study))
    trial = trial_of(first)
    os.kill(trial, signal.SIGSTOP)  # it cannot end by itself
    first.kill()
    first.join()
    until(lambda: started(trial) is None, 10)
    # The lease has 30 s to go; the process is known to be dead, so nobody waits for it.
    assert ended(workers.start()) == 0
    assert "expired" in attempt_ends(local_store)
    check_invariants(local_store)
    assert outcome(local_store, study.id) == undisturbed


def test_a_worker_stopped_past_its_lease_writes_nothing_when_it_wakes_up(
    store: Store, team: Team, undisturbed: dict[str, Any]
) -> None:
    # optuna#4234, optuna#5470: a superseded worker must neither write nor crash. Kleppmann: only a token stops it.
    study, workers = team(store, timing=replace(QUICK, lease=3.0, heartbeat=0.5))
    sleeper = workers.start()
    until(lambda: training(store, study))
    frozen = [sleeper.pid or 0, trial_of(sleeper)]
    until(lambda: stopped_outside_a_transaction(store, frozen))
    assert ended(workers.start()) == 0
    done = outcome(store, study.id)
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    assert ended(sleeper) == 0
    assert "no longer held under token 1" in workers.said()
    assert "expired" in attempt_ends(store)
    check_invariants(store)
    assert outcome(store, study.id) == done == undisturbed


def test_a_hung_trial_process_is_given_up_and_its_run_retried(
    local_store: Store, team: Team, undisturbed: dict[str, Any]
) -> None:
    study, workers = team(local_store, timing=replace(QUICK, stall=4.0))
    worker = workers.start()
    until(lambda: training(local_store, study))
    os.kill(trial_of(worker), signal.SIGSTOP)
    assert ended(worker) == 0
    assert "sent no message for 4 s" in workers.said()
    assert "infra" in attempt_ends(local_store)
    assert outcome(local_store, study.id) == undisturbed


def test_a_second_signal_ends_a_worker_at_once(local_store: Store, team: Team) -> None:
    study, workers = team(local_store)
    worker = workers.start()
    until(lambda: training(local_store, study))
    trial = trial_of(worker)
    os.kill(trial, signal.SIGSTOP)  # it cannot save, so the worker waits for it
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGTERM)
    time.sleep(SAME_REQUEST_SECONDS + 0.5)
    assert worker.is_alive()
    os.kill(worker.pid, signal.SIGTERM)
    assert ended(worker, 5) == 75
    os.kill(trial, signal.SIGKILL)
    assert ended(workers.start()) == 0
    check_invariants(local_store)


def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before(
    local_store: Store, team: Team, files: Path, undisturbed: dict[str, Any]
) -> None:
    study, workers = team(local_store)
    first = workers.start()
    until(lambda: training(local_store, study, step=20))
    kill_tree(first)
    (key,) = [cell.train_key for cell in cells(local_store, study.id) if cell.run_state == "training"]
    found = [a for a in artifacts(local_store) if a.kind == "checkpoint" and key[:16] in a.path]
    newest = max(found, key=lambda artifact: artifact.step)
    content = bytearray((files / newest.path).read_bytes())
    content[len(content) // 2] ^= 1
    (files / newest.path).write_bytes(content)
    assert ended(workers.start()) == 0
    told = [event.message for event in events(local_store, study.id) if event.kind == "artifact"]
    assert any(newest.path in message for message in told)
    check_invariants(local_store)
    assert outcome(local_store, study.id) == undisturbed


def test_a_time_limit_drains_in_time(local_store: Store, team: Team) -> None:
    # hydra#2042, wandb#4237: leave before the scheduler kills, with everything saved.
    long = with_baseline(ABLATION, images=16_000_000)
    study, workers = team(local_store, long, time_limit=15.0)
    assert ended(workers.start(), 90) == 75
    assert attempt_ends(local_store) == ["released: preempted"]
    assert max(cell.step for cell in cells(local_store, study.id)) > 0


def test_a_pause_is_heard_by_heartbeat_and_work_goes_on_after_it(
    local_store: Store, team: Team, undisturbed: dict[str, Any]
) -> None:
    study, workers = team(local_store, timing=replace(QUICK, heartbeat=0.1))
    worker = workers.start()
    until(lambda: training(local_store, study))
    set_study_state(local_store, study.id, "paused")
    until(lambda: "the study is paused" in workers.said())
    assert not status(local_store, study.id).running
    assert worker.is_alive()
    set_study_state(local_store, study.id, "active")
    assert ended(worker) == 0
    assert outcome(local_store, study.id) == undisturbed


def test_a_cancelled_study_ends_its_workers(local_store: Store, team: Team) -> None:
    study, workers = team(local_store, with_baseline(ABLATION, images=1_600_000), timing=replace(QUICK, heartbeat=0.1))
    worker = workers.start()
    until(lambda: training(local_store, study))
    set_study_state(local_store, study.id, "cancelled")
    assert ended(worker, 60) == 0
    assert {cell.run_state for cell in cells(local_store, study.id)} == {"cancelled"}


def test_a_spent_budget_ends_the_work_with_its_own_code(local_store: Store, team: Team) -> None:
    # optuna#3009: a limit that overshoots by a whole trial is none.
    spec = with_baseline(ABLATION, images=1_600_000) | {"budget": {"gpu_hours": 5.0 / 3600}}
    study, workers = team(local_store, spec, timing=replace(QUICK, heartbeat=0.2))
    assert ended(workers.start(), 60) == 3
    assert ended(workers.start(), 60) == 3
    assert device_hours(local_store, study.id) < 20.0 / 3600
    assert 0 < max(cell.step for cell in cells(local_store, study.id)) < 100_000
