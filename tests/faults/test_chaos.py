"""Row 34: many faults in no order. `make chaos` sets SWEEP_CHAOS_FAULTS to 200; SWEEP_CHAOS_SEED draws others."""

from __future__ import annotations

import os
from typing import Any

import pytest

from sweep.store import Store
from sweep.store import status as status_of
from tests.faults.chaos import TIMING, Chaos
from tests.faults.conftest import Calm, Team
from tests.faults.state import check_invariants, outcome
from tests.faults.tiny import ABLATION, with_baseline

FAULTS = int(os.environ.get("SWEEP_CHAOS_FAULTS", "12"))
SEED = int(os.environ.get("SWEEP_CHAOS_SEED", "1"))
# Enough steps that the work outlasts the faults.
LONG: dict[str, Any] = with_baseline(ABLATION, images=16 * 20 * FAULTS) | {"name": "chaos", "seeds": 3}


@pytest.mark.faults
@pytest.mark.timeout(60 + 60 * FAULTS)
def test_row_34_chaos_changes_no_number(store: Store, team: Team, calm: Calm) -> None:
    study, workers = team(store, LONG, timing=TIMING)
    chaos = Chaos(store, study, workers, SEED)
    chaos.attack(FAULTS)
    chaos.settle()
    for worker in workers.running:
        worker.join(60)
    print(f"{store.engine.dialect.name}: {sum(chaos.done.values())} faults {dict(chaos.done)}")
    now = status_of(store, study.id)
    assert (now.runs_left, now.scores_left, now.failures) == (0, 0, ())
    check_invariants(store)

    disturbed = outcome(store, study.id)
    assert {cell["state"] for cell in disturbed.values()} == {"complete"}
    # How often it saves changes no number, so the undisturbed study need not save at every step.
    assert disturbed == calm(LONG | {"cadence": LONG["cadence"] | {"checkpoint_seconds": 60}})
