"""Filled stores of tests that read them: one for all that read the same, others at a test's request."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from sweep import store as verbs
from sweep.reporting.sections import ReportedStudy, read_study
from tests.helpers.report_specs import StoreSpec, ablation
from tests.helpers.report_stores import Told, fill


@dataclass(frozen=True)
class Store:
    """A store with a study, and the FIDs that were scored in it."""

    opened: verbs.Store
    url: str
    files: Path
    told: Told

    @property
    def engine(self) -> Engine:
        return self.opened.engine

    def study(self, name: str = "digits") -> ReportedStudy:
        return read_study(self.engine, name, files_root=self.files)


def make_store(folder: Path, spec: StoreSpec, *, pieces: int | None = None) -> Store:
    """A new store in a folder with a study, worked through or, if `pieces` are given, only that far."""
    url = f"sqlite:///{folder / 'store.db'}"
    opened = verbs.open_store(url)
    event.listen(opened.engine, "connect", _wait_for_no_disk)
    opened.close()  # so that what follows is on new connections
    return Store(opened, url, folder, fill(opened, spec, folder, pieces=pieces))


def _wait_for_no_disk(connection: sqlite3.Connection, _: object) -> None:
    # A thousand transactions take as long as the disk takes to confirm them; no test here is about a loss of power.
    connection.execute("PRAGMA synchronous = OFF").close()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = make_store(tmp_path_factory.mktemp("store"), ablation())
    yield made
    made.engine.dispose()
