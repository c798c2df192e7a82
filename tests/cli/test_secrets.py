"""A password in --storage is in no output, no file of a report, no row of the store, no list of processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import MetaData, make_url, select

from sweep.executors.local import LocalWorkers
from sweep.executors.placement import Assignment
from sweep.store import open_store
from tests.helpers.report_specs import ablation
from tests.helpers.report_stores import fill

SECRET = "hunter2-and-more"


def with_secret(url: str, form: str) -> str:
    """The URL with a password, which the server of the tests does not ask for."""
    parsed = make_url(url)
    if form == "user:password":
        return parsed.set(password=SECRET).render_as_string(hide_password=False)
    return parsed.update_query_dict({"password": SECRET}).render_as_string(hide_password=False)


def command(storage: str, folder: Path, *arguments: str) -> str:
    """What a command prints, whether it ends well or not."""
    environment = os.environ | {"SWEEP_STORAGE": storage, "SWEEP_FILES": str(folder / "files"), "SWEEP_DEBUG": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "sweep", *arguments], env=environment, cwd=folder, capture_output=True, text=True
    )
    return done.stdout + done.stderr


@pytest.mark.timeout(300)
@pytest.mark.slow
@pytest.mark.parametrize("form", ["user:password", "query"])
def test_a_password_in_the_storage_url_is_nowhere_else(postgres_url: str, tmp_path: Path, form: str) -> None:
    storage = with_secret(postgres_url, form)
    store = open_store(storage, patience_seconds=20)
    fill(store, ablation(), tmp_path)
    said = [
        command(storage, tmp_path, "status", "digits"),
        command(storage, tmp_path, "status", "no-such-study"),
        command(storage.replace("/sweep_", "/no_such_"), tmp_path, "status"),
        command(storage, tmp_path, "doctor", "--json"),
        command(storage, tmp_path, "worker", "--study", "digits", "--device", "cpu"),
        command(storage, tmp_path, "report", "digits", "--out", str(tmp_path / "report")),
        command(storage, tmp_path, "export", "digits", "--out", str(tmp_path / "tables")),
    ]
    assert "digits" in said[0]
    assert (tmp_path / "report" / "report.html").exists(), said[5]
    assert not [text for text in said if SECRET in text]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]
    tables = MetaData()
    tables.reflect(store.engine)
    with store.engine.connect() as connection:
        for table in tables.sorted_tables:
            assert SECRET not in repr(connection.execute(select(table)).all()), table.name
    store.close()


def test_workers_get_the_url_by_environment(tmp_path: Path) -> None:
    storage = f"postgresql://me:{SECRET}@127.0.0.1:1/nowhere?connect_timeout=1"
    wanted = Assignment(study="tiny", storage=storage, files=str(tmp_path), device="cpu", workers=1, work=1)
    workers = LocalWorkers(wanted)
    workers.start()
    (worker,) = workers._workers
    process = worker._process
    assert process is not None
    try:
        assert SECRET.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
        assert SECRET.encode() in Path(f"/proc/{process.pid}/environ").read_bytes()
    finally:
        workers.stop()
        workers.join()
        assert process.stderr is not None
        process.stderr.close()
