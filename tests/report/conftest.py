"""One filled store for all tests that only read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from sweep.report.sections import ReportedStudy, read_study
from tests.report.stores import StoreSpec, ablation, fill, open_store


@dataclass(frozen=True)
class Store:
    engine: Engine
    url: str
    files: Path
    told: dict[str, Any]
    """(arm, replicate) -> FID, mean over noise sets."""

    def study(self, name: str = "digits") -> ReportedStudy:
        return read_study(self.engine, name, files_root=self.files)


def make_store(folder: Path, spec: StoreSpec) -> Store:
    engine = open_store(folder / "store.db")
    return Store(engine, f"sqlite:///{folder / 'store.db'}", folder, fill(engine, spec, folder))


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = make_store(tmp_path_factory.mktemp("store"), ablation())
    yield made
    made.engine.dispose()
