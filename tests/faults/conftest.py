"""Studies and workers for every fault; the extractor is trained once and copied."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from sweep.config.data import DataConfig
from sweep.config.protocol_request import ProtocolRequest
from sweep.config.run import Protocol
from sweep.files.file_store import FileStore
from sweep.store import Store, open_store
from sweep.store.records import StudyRecord
from sweep.worker.child import Child
from sweep.worker.messages import Prepared
from sweep.worker.orders import PrepareJob
from tests.helpers import worker_processes as processes
from tests.helpers.study_outcome import outcome
from tests.helpers.tiny_studies import ABLATION
from tests.helpers.worker_processes import Workers


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Protocol]:
    """A folder of files that holds the extractor and its references, and the protocol that they make."""
    files = tmp_path_factory.mktemp("prepared")
    request = ProtocolRequest(**ABLATION["protocol"])
    child = Child(device="cpu", threads=1)
    try:
        done = child.run(
            PrepareJob(DataConfig(), request, FileStore(files)), on_message=lambda _: None, on_poll=lambda: False
        )
    finally:
        child.close()
    assert isinstance(done, Prepared), done
    return files, done.protocol


@pytest.fixture
def files(prepared: tuple[Path, Protocol], tmp_path: Path) -> Path:
    """A folder of files with an extractor and nothing else."""
    return Path(shutil.copytree(prepared[0], tmp_path / "files"))


@pytest.fixture
def local_store(sqlite_url: str) -> Iterator[Store]:
    """An open store on a fresh SQLite file."""
    store = open_store(sqlite_url, patience_seconds=30)
    yield store
    store.close()


Team = Callable[..., tuple[StudyRecord, Workers]]


@pytest.fixture
def team(prepared: tuple[Path, Protocol], files: Path) -> Iterator[Team]:
    """`team(store, spec, **options)` registers a study and gives its workers, none of them started."""
    with ExitStack() as stack:

        def make(store: Store, spec: dict[str, Any] = ABLATION, **changes: Any) -> tuple[StudyRecord, Workers]:
            study = processes.registered(store, spec, prepared[1])
            return study, stack.enter_context(processes.workers(store, study, files, **changes))

        yield make


Calm = Callable[[dict[str, Any]], dict[str, Any]]
# Longer than any: the limit of the test is the one that counts.
CALM_SECONDS = 3600.0


@pytest.fixture(scope="session")
def calm(prepared: tuple[Path, Protocol], sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Calm:
    """`calm(spec)`: what a study comes to when nothing happens to it."""
    known: dict[str, dict[str, Any]] = {}

    def run(spec: dict[str, Any]) -> dict[str, Any]:
        folder = tmp_path_factory.mktemp("calm")
        shutil.copytree(prepared[0], folder / "files")
        shutil.copy(sqlite_template, folder / "store.db")
        store = open_store(f"sqlite:///{folder / 'store.db'}")
        study = processes.registered(store, spec, prepared[1])
        with processes.workers(store, study, folder / "files") as whole:
            assert processes.ended(whole.start(), CALM_SECONDS) == 0, whole.said()
        found = outcome(store, study.id)
        store.close()
        return found

    def once(spec: dict[str, Any]) -> dict[str, Any]:
        key = json.dumps(spec, sort_keys=True)
        if key not in known:
            known[key] = run(spec)
        return known[key]

    return once


@pytest.fixture
def undisturbed(calm: Calm) -> dict[str, Any]:
    """What the small ablation comes to when nothing happens to it."""
    return calm(ABLATION)
