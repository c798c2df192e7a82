"""Studies that grew, played through their stores: who added seeds after a look at scores is warned of it."""

from __future__ import annotations

from typing import Any

import pytest

from sweep.config.study import Study
from sweep.reporting.frames.frames import load_frames
from sweep.reporting.text.warnings import warnings_of
from sweep.store import open_store
from tests.helpers.played_studies import launched, play, worker

ADDED = "changed the number of seeds (from 3 to 5)"


def study(seeds: int, **more: Any) -> Study:
    baseline = {"net": "mlp_small", "images": 80, "batch": 8, "lr": 1e-3}
    factors = {"lr": {"role": "scientific", "levels": [2e-3]}}
    return Study.model_validate(
        {"name": "grown", "question": "?", "baseline": baseline, "factors": factors, "seeds": seeds} | more
    )


@pytest.mark.parametrize(
    ("scored", "planned", "warned"),
    [(True, {}, True), (False, {}, False), (True, {"interim_analyses": {"at": [3, 5], "shape": "pocock"}}, True)],
    ids=["after scores", "before any score", "with a plan made after scores"],
)
def test_seeds_added_after_scores_without_a_plan_are_told(
    store_url: str, scored: bool, planned: dict[str, Any], warned: bool
) -> None:
    store = open_store(store_url, patience_seconds=20)
    first = study(3)
    record = launched(store, first)
    if scored:
        play(store, first, record.id, lambda train, _: train.lr * 1e3, owner=worker(store))
    launched(store, study(5, **planned), accept_change=True)
    assert any(ADDED in text for text in warnings_of(load_frames(store.engine, "grown"))) is warned
    store.close()
