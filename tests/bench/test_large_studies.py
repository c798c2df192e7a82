"""Measurements of a store measure what they say: real trials, real queries, and nothing left to do afterwards."""

from __future__ import annotations

from sweep.bench.large_studies import measure_status, measure_suggestions
from sweep.store import cells, curves, open_store, status
from sweep.store.studies.studies import studies


def test_the_next_trial_of_a_filled_search_is_a_real_one(store_url: str) -> None:
    first, later = measure_suggestions(store_url, trials=30, repeats=2)
    assert (first.errors, later.errors) == (0, 0)
    assert 0.0 < later.median_ms <= later.p95_ms <= later.longest_ms
    store = open_store(store_url)
    (study,) = studies(store)
    found = cells(store, study.id)
    assert study.state == "cancelled"
    assert len(found) == 33
    assert sum(cell.state == "complete" for cell in found) == 32
    changes = {str(sorted(arm.changes.items())) for arm in study.arms}
    assert len(changes) == len(study.arms)
    store.close()
    measure_suggestions(store_url, trials=30, repeats=1)  # again in the same store: its runs are others


def test_a_large_study_has_the_runs_and_points_that_were_asked_for(store_url: str) -> None:
    queries, commands = measure_status(store_url, runs=40, points=400, repeats=1)
    assert queries.median_ms < commands.median_ms
    store = open_store(store_url)
    (study,) = studies(store)
    found = cells(store, study.id)
    assert sum(len(points) for points in curves(store, [cell.run_id for cell in found]).values()) == 400
    assert status(store, study.id).arms[0].counts == {"complete": 1, "cancelled": 1}
    store.close()
