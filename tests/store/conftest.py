"""Databases without tables, for what makes or misses them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sweep.store import Store
from sweep.store.sql.access import Access
from sweep.store.sql.engine import open_engine


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/bare.db"
    url: str = request.getfixturevalue("bare_postgres_url")
    return url


@pytest.fixture
def bare(bare_url: str) -> Iterator[Store]:
    store = Store(open_engine(bare_url, Access.CREATE), patience_seconds=20)
    yield store
    store.close()
