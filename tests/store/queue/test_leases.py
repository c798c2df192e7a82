"""Leases over time: expiry, takeover, dead workers, outages, clocks."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, text, update

from sweep.errors import LeaseLost
from sweep.store import (
    MAX_CRASHES,
    MAX_LOST_WORKERS,
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
from sweep.store.queue.leases import EXPIRED_AT_ONCE
from sweep.store.sql.clock import moment, now
from sweep.store.sql.schema import ATTEMPT, RUN
from tests.helpers.tiny_store import file_of, new_worker, study_with_runs

SOON = 0.05


def lapse(store: Store) -> None:
    """Every lease is over, as if its holder had been silent for long."""
    store.write(lambda connection: connection.execute(update(RUN).values(lease_until=EXPIRED_AT_ONCE)))


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
    assert (heir.run_id, heir.token, heir.crashes) == (zombie.run_id, zombie.token + 1, 0)
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


def test_workers_that_are_killed_one_after_another_fail_no_run_that_gets_further(store: Store) -> None:
    """By a person, a dead machine or a dead launcher: progress that no checkpoint keeps counts too."""
    study = study_with_runs(store, 1)
    for step in range(1, 2 * MAX_LOST_WORKERS):
        work = claim(store, study.id, new_worker(store))
        assert work is not None
        assert work.crashes == 0
        if step % MAX_LOST_WORKERS == 0:
            progress(store, work, step=step, images=step)
        lapse(store)

    assert claim(store, study.id, new_worker(store)) is not None


def test_a_run_that_takes_every_worker_down_ends(store: Store) -> None:
    """As where the kernel ends a whole container when memory runs out: nobody is left to say why."""
    study = study_with_runs(store, 1, score_requests=2)
    for _ in range(MAX_LOST_WORKERS + 1):
        assert claim(store, study.id, new_worker(store)) is not None
        lapse(store)

    assert claim(store, study.id, new_worker(store)) is None

    (cell,) = cells(store, study.id)
    assert (cell.state, cell.failure) == ("failed", "crash_loop")
    assert "workers in a row were lost" in (cell.failure_reason or "")
    assert {score.state for score in cell.scores} == {"cancelled"}
    assert [reason for _, reason in attempts(store)] == ["expired"] * (MAX_LOST_WORKERS + 1)


def test_a_run_that_took_several_workers_down_waits_for_all_others(store: Store) -> None:
    study = study_with_runs(store, 2)
    for _ in range(MAX_CRASHES + 2):
        suspect = claim(store, study.id, new_worker(store))
        assert suspect is not None
        lapse(store)

    others = claim(store, study.id, new_worker(store))

    assert others is not None
    assert others.run_id != suspect.run_id
    again = claim(store, study.id, new_worker(store))
    assert again is not None
    assert again.run_id == suspect.run_id


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


def test_the_clock_of_a_worker_decides_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_the_zone_of_a_worker_shifts_nothing(store_url: str, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
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


DAMAGED = {
    "a field of another version": {"config": {"flux_capacitor": 1}},
    "no mapping": {"config": []},
    "no JSON": {"config": text("'{\"net\": '")},
    "no text": {"config": text("CAST(x'7bff7d' AS TEXT)")},
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_row_that_cannot_be_read_ends_its_own_work_and_no_worker(store: Store, damage: str) -> None:
    if store.engine.dialect.name == "postgresql" and damage in ("no JSON", "no text"):
        return  # its column takes nothing else
    study, worker = study_with_runs(store, 2, score_requests=2), new_worker(store)
    first = cells(store, study.id)[0]
    store.write(lambda c: c.execute(update(RUN).where(RUN.c.id == first.run_id).values(DAMAGED[damage])))

    work = claim(store, study.id, worker)

    assert work is not None
    assert work.run_id != first.run_id
    broken = cells(store, study.id)[0]
    assert (broken.state, broken.failure) == ("failed", "bug")
    assert f"run {first.run_id} was stored by a version of sweep" in (broken.failure_reason or "")
    assert {score.state for score in broken.scores} == {"cancelled"}
    assert attempts(store) == [(1, "bug"), (1, None)]


def test_held_work_whose_row_is_damaged_meanwhile_fails_alone(store: Store) -> None:
    study, worker = study_with_runs(store, 2), new_worker(store)
    held = claim(store, study.id, worker)
    assert held is not None
    damage = update(RUN).where(RUN.c.id == held.run_id).values(config={"flux_capacitor": 1})
    store.write(lambda connection: connection.execute(damage))

    other = claim(store, study.id, worker)

    assert other is not None
    assert other.run_id != held.run_id
    assert attempts(store) == [(1, "bug"), (1, None)]
