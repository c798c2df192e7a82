"""A worker of another version does not touch the study."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sweep.config.study import Study
from sweep.errors import StoreMismatch
from sweep.executors.register import register
from sweep.files.file_store import FileStore
from sweep.planning.plan import study_plan
from sweep.store import open_store
from sweep.worker.options import WorkerOptions
from sweep.worker.worker import Worker
from tests.cli.test_control import PROTOCOL, SPEC


def test_a_worker_with_another_optuna_refuses(sqlite_url: str, tmp_path: Path) -> None:
    # Optuna 4 and 5 draw other trials from one seed.
    store = open_store(sqlite_url, patience_seconds=10)
    study = register(store, study_plan(Study.model_validate(SPEC)), PROTOCOL, accept_change=False)
    older = replace(study, versions={**study.versions, "optuna": "4.9.0"})
    options = WorkerOptions(device="cpu", threads=1, files=FileStore(tmp_path))
    with pytest.raises(StoreMismatch, match=r"Optuna 4\.9\.0"):
        Worker(store, older, options).work()
    store.close()
