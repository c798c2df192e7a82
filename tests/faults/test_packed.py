"""Several workers on one device: the same numbers as from one, timings marked, and no more workers than pay."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from sweep.reporting.frames.frames import load_frames
from sweep.reporting.sections.ledger import shared
from sweep.store import Store, open_store, study
from sweep.store.sql.schema import ATTEMPT, METRIC
from tests.faults.conftest import Calm
from tests.helpers.study_outcome import check_invariants, outcome
from tests.helpers.tiny_studies import LONG, write
from tests.helpers.typed_commands import Command
from tests.helpers.worker_processes import until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


@pytest.fixture
def command(sqlite_url: str, files: Path) -> Command:
    """A place to launch a study of four trainings from, each long enough to meet another."""
    return Command(Path(sqlite_url.removeprefix("sqlite:///")), files, write(LONG, files.parent))


def attempts(store: Store) -> list[Any]:
    return store.read(lambda connection: list(connection.execute(select(ATTEMPT).order_by(ATTEMPT.c.id))))


def finished(command: Command, launched: Any) -> tuple[Store, str]:
    """The store and what was said, once a launch has ended well."""
    _, said = launched.communicate(timeout=800)
    assert launched.returncode == 0, said
    store = open_store(f"sqlite:///{command.database}")
    check_invariants(store)
    assert command.strays() == []
    return store, said


def test_two_workers_on_a_device_come_to_the_same_numbers_and_their_timings_are_marked(
    command: Command, calm: Calm
) -> None:
    store, _ = finished(command, command.launch("--pack", "2"))
    assert outcome(store, study(store, "tiny-long").id) == calm(LONG)

    made = attempts(store)
    assert len({attempt.worker_id for attempt in made}) == 2
    assert max(attempt.device_workers for attempt in made) == 2
    assert all(attempt.peak_bytes > 2**25 for attempt in made)
    # While one is scored, the next is trained.
    scores = [attempt for attempt in made if attempt.score_id is not None]
    trainings = [attempt for attempt in made if attempt.score_id is None]
    assert any(s.started_at < t.ended_at and t.started_at < s.ended_at for s in scores for t in trainings)
    told = shared(load_frames(store.engine, "tiny-long").attempts)
    assert "shared their device with other workers, up to 2 in all" in told


def test_alone_on_a_device_nothing_is_marked(command: Command, calm: Calm) -> None:
    store, _ = finished(command, command.launch("--pack", "1"))
    assert outcome(store, study(store, "tiny-long").id) == calm(LONG)
    assert {attempt.device_workers for attempt in attempts(store)} == {1}
    assert shared(load_frames(store.engine, "tiny-long").attempts) == ""


def test_auto_begins_with_one_adds_another_and_lets_it_go_where_it_does_not_pay(command: Command, calm: Calm) -> None:
    launched = command.launch("--pack", "auto", most=2)
    store = open_store(f"sqlite:///{command.database}")
    if len(os.sched_getaffinity(0)) > 1:  # else there is no core for a second
        until(lambda: len(attempted(store)) == 2)
        write_points(store, workers=2, speed=1e-3)
    store, said = finished(command, launched)
    assert outcome(store, study(store, "tiny-long").id) == calm(LONG)

    first, *others = attempted(store)
    if others:
        made = attempts(store)
        pilot = next(attempt for attempt in made if attempt.score_id is not None)
        joined = min(attempt.started_at for attempt in made if attempt.worker_id == others[0])
        assert pilot.worker_id == first
        assert pilot.ended_at < joined
        assert "cpu: starting worker 2; each takes at most" in said
        assert "cpu: 2 workers are not faster than 1: one saves and exits" in said
        assert len(others) == 1


def attempted(store: Store) -> list[str]:
    """Workers that have taken work, the first first."""
    return list(dict.fromkeys(attempt.worker_id for attempt in attempts(store)))


def write_points(store: Store, *, workers: int, speed: float) -> None:
    """Points of the first training, past its end, as if it had been so slow beside so many."""
    first = attempts(store)[0]
    rows = [
        {"run_id": first.run_id, "name": name, "step": 10**6 + k, "images": 0, "value": value, "token": first.token}
        for k in range(400)
        for name, value in (("images_per_second", speed), ("device_workers", float(workers)))
    ]
    store.write(lambda connection: connection.execute(insert(METRIC), rows))
