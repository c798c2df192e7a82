"""Two machines on one study; one is cut off from the database for a minute, and comes back."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from sweep.store import events, open_store
from tests.faults.conftest import Calm, Team
from tests.helpers.machines import two_machines
from tests.helpers.study_outcome import attempt_ends, check_invariants, outcome
from tests.helpers.tiny_studies import LONG
from tests.helpers.worker_processes import until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]

CUT_SECONDS = 60.0
LEASE = ("--lease-seconds", "12")


def test_a_machine_that_is_cut_off_for_a_minute_loses_its_work_to_the_other_and_nothing_else(
    postgres_url: str, team: Team, files: Path, tmp_path: Path, calm: Calm
) -> None:
    # Kleppmann: who was cut off thinks that it holds the lease still; only its token says no.
    store = open_store(postgres_url, patience_seconds=60)
    study, _ = team(store, LONG)
    shared = f"file://{files}"  # each machine works in a folder of its own, and finds the other's checkpoints there
    with two_machines(postgres_url, tmp_path) as (near, far):
        lonely = far.worker("tiny-long", shared, *LEASE)
        until(lambda: "train: run" in far.said() and attempt_ends(store))
        far.cut_off()
        cut_at = time.monotonic()
        other = near.worker("tiny-long", shared, *LEASE)
        until(lambda: "expired" in attempt_ends(store), CUT_SECONDS)
        time.sleep(max(0.0, CUT_SECONDS - (time.monotonic() - cut_at)))
        assert lonely.poll() is None, far.said()
        far.reconnect()
        assert other.wait(240) == 0, near.said()
        assert lonely.wait(120) == 0, far.said()
        assert "is no longer held under token 1" in far.said()
    check_invariants(store)
    assert outcome(store, study.id) == calm(LONG)
    assert [event.kind for event in events(store, study.id)].count("takeover") >= 1
    store.close()
