"""Many processes on one store, and what happens to it when they or the database are killed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from sweep.errors import StoreError
from sweep.store import (
    Store,
    cells,
    claim,
    expire_dead_local,
    heartbeat,
    open_store,
    studies,
)
from tests.helpers.store_processes import (
    CONTEXT,
    claim_all,
    claim_and_hang,
    lock_file,
    migrate_at_once,
    register,
    results,
    running,
    search_until_full,
)
from tests.helpers.tiny_store import new_study, new_worker, study_with_runs


def is_alive(pid: int, started: float) -> bool:
    """Whether a process is there and not a zombie of ours."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.faults
def test_eight_processes_get_400_runs_once_each(store: Store, store_url: str) -> None:
    study = study_with_runs(store, 400)

    with running(8, claim_all, store_url, study.id) as (processes, queue):
        taken = results(processes, queue)

    ids = [run_id for of_one in taken for run_id in of_one]
    assert len(ids) == 400
    assert set(ids) == {cell.run_id for cell in cells(store, study.id)}


@pytest.mark.faults
def test_the_total_of_a_search_is_exact_under_eight_processes(store: Store, store_url: str) -> None:
    study = new_study(store)

    with running(8, search_until_full, store_url, study.id, 50) as (processes, queue):
        added = results(processes, queue)

    assert sorted(number for of_one in added for number in of_one) == list(range(50))
    assert len(cells(store, study.id)) == 50


@pytest.mark.faults
@pytest.mark.parametrize("revision", [1, 2])
def test_registering_twice_at_once_makes_one_revision(store: Store, store_url: str, revision: int) -> None:
    if revision == 2:
        new_study(store)
    start = CONTEXT.Event()
    with running(4, register, store_url, start, "b" * 64) as (processes, queue):
        start.set()
        found = results(processes, queue)

    assert len(set(found)) == 1
    assert [study.revision for study in studies(store)] == [revision]


@pytest.mark.faults
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_migrating_at_once_makes_the_tables_once(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    bare = f"sqlite:///{tmp_path}/bare.db" if kind == "sqlite" else request.getfixturevalue("bare_postgres_url")
    start = CONTEXT.Event()

    with running(4, migrate_at_once, bare, start) as (processes, queue):
        start.set()
        assert results(processes, queue) == ["open"] * 4

    store = open_store(bare)
    assert studies(store) == ()
    store.close()


@pytest.mark.faults
def test_work_of_a_killed_process_goes_on_at_once(store: Store, store_url: str) -> None:
    study = study_with_runs(store, 1)
    with running(1, claim_and_hang, store_url, study.id) as (processes, queue):
        held = queue.get(timeout=60)
        worker = new_worker(store, pid=os.getpid())
        assert expire_dead_local(store, host="here", boot_id="boot", alive=is_alive) == ()
        assert claim(store, study.id, worker) is None

        processes[0].kill()
        processes[0].join()
        assert len(expire_dead_local(store, host="here", boot_id="boot", alive=is_alive)) == 1

    work = claim(store, study.id, worker)
    assert work is not None
    assert (work.run_id, work.token) == (held[0], held[1] + 1)


@pytest.mark.faults
def test_a_locked_file_is_waited_for(sqlite_url: str) -> None:
    store = open_store(sqlite_url)
    study = study_with_runs(store, 1)
    path = make_url(sqlite_url).database
    with running(1, lock_file, path, 3.0) as (_, queue):
        assert queue.get(timeout=60) == "locked"
        begun = time.monotonic()
        assert claim(store, study.id, new_worker(store)) is not None
        assert time.monotonic() - begun > 2.0
    store.close()


@pytest.mark.faults
def test_connections_cut_in_the_middle_cost_only_a_retry(postgres_url: str, caplog: pytest.LogCaptureFixture) -> None:
    store = open_store(postgres_url, patience_seconds=20)
    study = study_with_runs(store, 1)
    work = claim(store, study.id, new_worker(store))
    assert work is not None
    cut = text("SELECT pg_terminate_backend(:pid)")
    tries = []

    def interrupted(connection: object) -> int:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        tries.append(pid)
        if len(tries) <= 3:
            killer.read(lambda other: other.execute(cut, {"pid": pid}))
        return int(connection.execute(text("SELECT 1")).scalar_one())

    killer = open_store(postgres_url)
    assert store.write(interrupted) == 1
    assert len(tries) == 4
    # Also when it was cut while idle.
    killer.read(
        lambda other: other.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND datname = current_database()"
            )
        )
    )
    assert heartbeat(store, work) == "active"
    assert "trying again" in caplog.text
    killer.close()
    store.close()


@pytest.mark.faults
def test_a_server_that_is_away_is_waited_for_and_then_told(caplog: pytest.LogCaptureFixture) -> None:
    begun = time.monotonic()
    with pytest.raises(StoreError, match="cannot be used") as caught:
        open_store("postgresql://me:hunter2@127.0.0.1:1/sweep", patience_seconds=1.0)

    assert 0.9 < time.monotonic() - begun < 10
    assert "hunter2" not in f"{caught.value} {caught.value!r} {caplog.text}"
    assert "me:***@127.0.0.1" in str(caught.value)
