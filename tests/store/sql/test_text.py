"""Text that no database holds: cleaned on the way in, by every verb and alike on both databases."""

from __future__ import annotations

import time

from sweep.store import Store, add_event, cells, claim, events, exclude, fail, register_study, set_study_state, study
from sweep.store.records import ArmRecord
from tests.helpers.tiny_store import PROTOCOL, new_worker, study_with_runs

ODD = "a\x00b\ud800c süd 数"
CLEAN = "a\N{REPLACEMENT CHARACTER}b?c süd 数"


def test_a_study_of_odd_text_is_registered_and_read_back(store: Store) -> None:
    register_study(
        store,
        "odd",
        question=ODD,
        spec={"name": "odd", ODD: [ODD, {"x": ODD}]},
        spec_sha256="a" * 64,
        arms=[ArmRecord("baseline", {ODD: ODD}, is_baseline=True)],
        protocol=PROTOCOL,
        versions={"torch": ODD},
        reason=ODD,
    )
    found = study(store, "odd")
    assert found.question == CLEAN
    assert found.spec == {"name": "odd", CLEAN: [CLEAN, {"x": CLEAN}]}
    assert found.arms[0].changes == {CLEAN: CLEAN}
    assert found.versions == {"torch": CLEAN}


def test_reasons_of_odd_text_are_kept(store: Store) -> None:
    record = study_with_runs(store, 2)
    held = claim(store, record.id, new_worker(store, host=ODD))
    assert held is not None
    fail(store, held, "bug", ODD, final=True, detail={ODD: ODD})
    exclude(store, cells(store, record.id)[1].cell_id, ODD)
    set_study_state(store, record.id, "stopped", reason=ODD)
    add_event(store, "note", ODD, study_id=record.id, detail={ODD: [ODD]})
    first, second = cells(store, record.id)
    assert first.failure_reason == CLEAN
    assert second.excluded_reason == CLEAN
    told = [event.message for event in events(store, record.id)]
    assert all(CLEAN in message for message in told[:3])


def test_a_megabyte_of_a_library_s_words_holds_no_lock(store: Store) -> None:
    record = study_with_runs(store, 1)
    held = claim(store, record.id, new_worker(store))
    assert held is not None
    before = time.process_time()
    fail(store, held, "bug", "password-" * 110_000, final=True, detail={"traceback": "a-" * 500_000})
    assert time.process_time() - before < 2.0
