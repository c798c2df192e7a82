"""A claim reads the few runs that are free, however many a study has."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from sweep.store import claim, open_store
from tests.helpers.tiny_store import new_worker, study_with_runs


@pytest.mark.parametrize("kind", ["run", "score"])
def test_sqlite_starts_from_free_work_and_not_from_all_cells(sqlite_url: str, kind: str) -> None:
    store = open_store(sqlite_url)
    study_id, me = study_with_runs(store, 3).id, new_worker(store)
    plans: list[str] = []

    @event.listens_for(store.engine, "before_cursor_execute")
    def explain(_: Any, cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith(f"UPDATE {kind} SET ") and "LIMIT" in statement:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.append(" / ".join(row[3] for row in cursor.fetchall()))

    assert claim(store, study_id, me) is not None
    (plan,) = plans
    assert f"ix_{kind}_state_not_before" in plan
    assert "ix_cell_study_id" not in plan
    store.close()
