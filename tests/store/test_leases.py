"""Leases over time: expiry, takeover, dead workers, outages, clocks."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from sweep.errors import LeaseLost, StoreMismatch
from sweep.store import (
    MAX_CRASHES,
    Store,
    cells,
    claim,
    end_worker,
    events,
    expire_dead_local,
    finish_training,
    heartbeat,
    open_store,
    progress,
    release,
    status,
)
from sweep.store.clock import moment, now
from sweep.store.leases import DEAD
from sweep.store.schema import ATTEMPT, RUN
from tests.store.tiny import file_of, new_worker, study_with_runs

SOON = 0.05


def lapse(store: Store) -> None:
    """Every lease is over, as if its holder had been silent for long."""
    store.write(lambda connection: connection.execute(update(RUN).values(lease_until=DEAD)))


def attempts(store: Store) -> list[Any]:
    query = select(ATTEMPT.c.token, ATTEMPT.c.end_reason).order_by(ATTEMPT.c.id)
    return store.read(lambda connection: [tuple(row) for row in connection.execute(query)])


def test_a_silent_worker_is_replaced_and_its_writes_refused(store: Store) -> None:
    study = study_with_runs(store, 1)
    zombie = claim(store, study.id, new_worker(store), ttl=SOON)
    assert zombie is not None
    time.sleep(2 * SOON)

    heir = claim(store, study.id, new_worker(store), ttl=SOON)

    assert heir is not None
    assert (heir.run_id, heir.token, heir.crashes) == (zombie.run_id, zombie.token + 1, 1)
    with pytest.raises(LeaseLost):
        progress(store, zombie, step=9, images=72, checkpoint=file_of(zombie, step=9))
    finish_training(store, heir, weights=file_of(heir, "weights"), parameters=1, seconds=1.0)
    assert attempts(store) == [(1, "expired"), (2, "trained")]
    assert "takeover" in {event.kind for event in events(store, study.id)}


def test_a_live_lease_is_not_taken(store: Store) -> None:
    study = study_with_runs(store, 1)
    assert claim(store, study.id, new_worker(store)) is not None

    assert claim(store, study.id, new_worker(store)) is None


def test_an_expired_lease_that_nobody_took_is_simply_renewed(store: Store) -> None:
    study = study_with_runs(store, 1)
    work = claim(store, study.id, new_worker(store), ttl=SOON)
    assert work is not None
    time.sleep(2 * SOON)
    assert status(store, study.id).running[0].is_stale
    assert status(store, study.id).is_stalled

    heartbeat(store, work)

    assert not status(store, study.id).running[0].is_stale
    assert not status(store, study.id).is_stalled
    assert claim(store, study.id, new_worker(store)) is None


def test_a_worker_that_asks_again_gets_what_it_holds(store: Store) -> None:
    study, worker = study_with_runs(store, 2), new_worker(store)
    first = claim(store, study.id, worker)

    assert claim(store, study.id, worker) == first
    assert attempts(store) == [(1, None)]


def test_row_17_a_run_that_kills_its_workers_ends_as_a_crash_loop(store: Store) -> None:
    study = study_with_runs(store, 1, readings=2)
    for crashes in range(MAX_CRASHES + 1):
        work = claim(store, study.id, new_worker(store))
        assert work is not None
        assert work.crashes == crashes
        lapse(store)

    assert claim(store, study.id, new_worker(store)) is None

    (cell,) = cells(store, study.id)
    assert (cell.state, cell.failure) == ("failed", "crash_loop")
    assert {score.state for score in cell.scores} == {"cancelled"}
    assert [reason for _, reason in attempts(store)] == ["expired"] * (MAX_CRASHES + 1)


def test_preemption_is_not_a_crash(store: Store) -> None:
    study, worker = study_with_runs(store, 1), new_worker(store)
    for _ in range(3 * MAX_CRASHES):
        work = claim(store, study.id, worker)
        assert work is not None
        release(store, work, "preempted")

    work = claim(store, study.id, worker)
    assert work is not None
    assert work.crashes == 0


def test_a_worker_killed_on_this_machine_is_replaced_at_once(store: Store) -> None:
    study = study_with_runs(store, 3)
    dead = new_worker(store, pid=11)
    living = new_worker(store, pid=12)
    elsewhere = new_worker(store, host="there", pid=11)
    works = [claim(store, study.id, worker) for worker in (dead, living, elsewhere)]

    gone = expire_dead_local(store, host="here", boot_id="boot", alive=lambda pid, started: pid != 11)

    assert gone == (dead,)
    heir = claim(store, study.id, new_worker(store, pid=12))
    assert heir is not None
    assert works[0] is not None
    assert heir.run_id == works[0].run_id
    assert claim(store, study.id, new_worker(store, pid=12)) is None
    assert expire_dead_local(store, host="here", boot_id="boot", alive=lambda pid, started: pid != 11) == ()


def test_machines_of_one_name_leave_each_others_workers_alone(store: Store) -> None:
    # Cloud images and containers are often all called localhost: each would end the other's leases for ever.
    study, worker = study_with_runs(store, 1), new_worker(store)
    claim(store, study.id, worker)

    assert expire_dead_local(store, host="here", boot_id="another", alive=lambda pid, started: False) == ()
    assert claim(store, study.id, new_worker(store)) is None


def test_work_of_a_worker_that_says_goodbye_is_free_at_once(store: Store) -> None:
    study, worker = study_with_runs(store, 1), new_worker(store)
    claim(store, study.id, worker)

    end_worker(store, worker, "exit 75")

    assert claim(store, study.id, new_worker(store)) is not None


def test_just_after_a_server_start_the_living_may_renew_first(postgres_url: str) -> None:
    """Nobody could renew while the server was away: without this rule live trainings were taken over."""
    store = open_store(postgres_url)
    study = study_with_runs(store, 1)
    claim(store, study.id, new_worker(store), ttl=SOON)
    time.sleep(2 * SOON)
    longer_than_the_server_is_up = 1e9

    assert claim(store, study.id, new_worker(store), ttl=longer_than_the_server_is_up) is None
    assert claim(store, study.id, new_worker(store), ttl=SOON) is not None
    store.close()


def test_row_11_the_clock_of_a_worker_decides_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_with_runs(store, 1)
    work = claim(store, study.id, new_worker(store), ttl=60)
    real = time.time

    for offset in (3600.0, -3600.0):
        monkeypatch.setattr(time, "time", lambda offset=offset: real() + offset)
        assert claim(store, study.id, new_worker(store), ttl=60) is None
        assert work is not None
        heartbeat(store, work, ttl=60)
        left = status(store, study.id).running[0].lease_left_seconds
        assert 50 < left <= 60


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_row_11_the_zone_of_a_worker_shifts_nothing(store_url: str, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("PGTZ", zone)
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    store = open_store(store_url)
    try:
        seconds, instant = store.read(lambda connection: connection.execute(select(now(), moment())).one())
        assert seconds == pytest.approx(time.time(), abs=5)
        assert instant.tzinfo is not None
        assert abs((instant - datetime.now(UTC)).total_seconds()) < 5
    finally:
        store.close()
        monkeypatch.undo()
        time.tzset()


def test_a_config_of_another_version_is_refused_with_the_way_out(store: Store) -> None:
    study, worker = study_with_runs(store, 1), new_worker(store)
    store.write(lambda connection: connection.execute(update(RUN).values(config={"flux_capacitor": 1})))

    with pytest.raises(StoreMismatch, match="flux_capacitor"):
        claim(store, study.id, worker)

    assert attempts(store) == []
