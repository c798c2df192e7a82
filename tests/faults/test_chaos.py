"""Many faults in no order. `make chaos` sets SWEEP_CHAOS_FAULTS to 200; SWEEP_CHAOS_SEED draws others."""

from __future__ import annotations

import os
from typing import Any

import pytest

from sweep.store import Store
from sweep.store import status as status_of
from tests.faults.conftest import Calm, Team
from tests.helpers.chaos import TIMING, Attacked, Chaos
from tests.helpers.chaos_control import ALL, extend, give_more, is_left_out
from tests.helpers.study_outcome import check_invariants, outcome
from tests.helpers.tiny_studies import ABLATION, SEARCH, more, with_baseline

FAULTS = int(os.environ.get("SWEEP_CHAOS_FAULTS", "12"))
SEED = int(os.environ.get("SWEEP_CHAOS_SEED", "1"))
# Enough steps that the work outlasts the faults.
SPECS: tuple[dict[str, Any], ...] = (
    with_baseline(ABLATION, images=16 * 15 * FAULTS) | {"name": "chaos", "seeds": 3},
    with_baseline(SEARCH, images=16 * 15 * FAULTS) | {"name": "chaos-search"},
)


@pytest.mark.faults
@pytest.mark.timeout(120 + 60 * FAULTS)
def test_chaos_changes_no_number(store: Store, team: Team, calm: Calm) -> None:
    attacked = [Attacked(*team(store, spec, timing=TIMING)) for spec in SPECS]
    chaos = Chaos(store, attacked, SEED, ALL)
    comparison, _ = attacked
    # A search that has ended may confirm another arm after an extension; an arm has its seeds whenever they are added.
    chaos.attack(FAULTS, lambda: give_more(chaos, comparison))
    for each in attacked:
        extend(chaos, each)
    chaos.settle()
    print(f"{store.engine.dialect.name}: {chaos.done.total()} faults {dict(chaos.done)}")
    assert chaos.done.total() == FAULTS
    check_invariants(store)
    for each, spec in zip(attacked, SPECS, strict=True):
        now = status_of(store, each.study.id)
        assert (now.runs_left, now.scores_left, now.failures) == (0, 0, ())
        disturbed = outcome(store, each.study.id)
        # How often it saves changes no number, so the undisturbed study need not save at every step.
        extended = spec
        for _ in range(each.extensions):
            extended = more(extended)
        undisturbed = calm(extended | {"cadence": spec["cadence"] | {"checkpoint_seconds": 60}})
        assert disturbed.keys() == undisturbed.keys(), "a run or a trial was lost"
        if each.excluded:
            left_out = [cell for cell in undisturbed if is_left_out(*_arm_and_replicate(cell))]
            assert [disturbed.pop(cell)["state"] for cell in left_out] == ["excluded"]
            undisturbed = {cell: told for cell, told in undisturbed.items() if cell not in left_out}
        assert {cell["state"] for cell in disturbed.values()} == {"complete"}
        assert disturbed == undisturbed


def _arm_and_replicate(cell: str) -> tuple[str, int]:
    arm, _, replicate = cell.split("/")
    return arm, int(replicate)
