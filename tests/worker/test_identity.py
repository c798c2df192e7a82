"""Which workers can be told to be dead."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweep.store import Store, claim, expire_dead_local
from sweep.store.queue.workers import UNKNOWN_BOOT
from sweep.worker import identity
from sweep.worker.identity import boot_id, is_alive, started, this_worker
from tests.helpers.tiny_store import new_worker, study_with_runs


def test_a_process_is_alive_under_its_start_time_alone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    born = started(child.pid)
    assert born is not None
    assert is_alive(child.pid, born)
    assert not is_alive(child.pid, born + 1.0)  # the number was given to another process
    child.communicate()  # it reads the end of its input, and ends
    assert not is_alive(child.pid, born)
    assert started(os.getpid()) is not None


def test_a_boot_is_the_same_for_every_process_that_sees_the_same_processes() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "from sweep.worker.identity import boot_id; print(boot_id())"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert said.stdout.strip() == boot_id()
    assert boot_id().count(" ") == 1


def test_where_the_system_hides_processes_none_is_called_dead_that_may_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """macOS has no /proc; `hidepid` hides the processes of others."""
    monkeypatch.setattr(identity, "_PROC", tmp_path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        for born in (0.0, 123.0):
            assert is_alive(child.pid, born)
        child.communicate(b"\n")
    assert not is_alive(child.pid, 0.0)
    assert is_alive(1, 123.0)  # of another user
    assert this_worker("cpu", {}).pid_started == 0.0
    assert boot_id() == UNKNOWN_BOOT


def test_a_start_time_that_was_hidden_and_is_told_now_is_no_other_process() -> None:
    assert is_alive(os.getpid(), 0.0)


def test_workers_of_an_unknown_boot_are_replaced_when_their_leases_run_out(store: Store) -> None:
    study, worker = study_with_runs(store, 1), new_worker(store, boot_id=UNKNOWN_BOOT)
    assert claim(store, study.id, worker) is not None
    assert expire_dead_local(store, host="here", boot_id=UNKNOWN_BOOT, alive=lambda pid, started: False) == ()
    assert claim(store, study.id, new_worker(store)) is None
