"""A whole study whose machines share a store of files and nothing else: no folder, and no memory of each other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from sweep.config.run import Protocol
from sweep.files.file_store import FileStore
from sweep.store import Store, artifacts, events, open_store, status
from sweep.store.sql.schema import ATTEMPT
from tests.helpers.object_store import BUCKET, object_store, served
from tests.helpers.study_outcome import attempt_ends, check_invariants, outcome
from tests.helpers.tiny_studies import ABLATION, write
from tests.helpers.worker_processes import ended, registered, training, until
from tests.helpers.worker_processes import workers as team_of

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


@pytest.fixture(params=["file", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where the machines leave their files for each other."""
    if request.param == "file":
        yield f"file://{tmp_path}/shared"
        return
    with object_store() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield f"s3://{BUCKET}/{tmp_path.name}"


class Machine:
    """A machine of its own as far as files go: it shares the database, the URL, and no folder."""

    def __init__(self, folder: Path, storage: str, url: str) -> None:
        folder.mkdir()
        self.folder, self.storage, self.url = folder, storage, url

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The command on one core, hence one thread, so that numbers are equal bit for bit."""
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(cores)})  # is inherited
        own = {"SWEEP_STORAGE": self.storage, "SWEEP_FILES": self.url, "XDG_CACHE_HOME": str(self.folder / "cache")}
        try:
            return subprocess.Popen(
                [sys.executable, "-m", "sweep", *arguments],
                cwd=self.folder,
                env=os.environ | own,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        finally:
            os.sched_setaffinity(0, cores)

    def files(self, pattern: str) -> set[str]:
        """Names of the files here."""
        return {path.name for path in (self.folder / "cache").rglob(pattern)}


@contextmanager
def killed_at_the_end(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def said(process: subprocess.Popen[str], seconds: float = 300.0) -> str:
    """Everything that a command that ends well says."""
    text, _ = process.communicate(timeout=seconds)
    assert process.returncode == 0, text
    return text


def test_a_study_is_continued_and_reported_on_machines_that_share_only_a_url(
    sqlite_url: str, tmp_path: Path, url: str, prepared: tuple[Path, Protocol], undisturbed: dict[str, Any]
) -> None:
    FileStore(prepared[0], url).push("extractors")  # so that no machine trains the classifier
    one, two, three = (Machine(tmp_path / name, sqlite_url, url) for name in ("one", "two", "three"))
    file = write(ABLATION, tmp_path)
    store = open_store(sqlite_url, patience_seconds=60)
    with killed_at_the_end(one.start("launch", str(file), "--device", "cpu", "-n", "1")) as launched:
        until(lambda: _checkpoints(store), 240)
        launched.kill()  # as the machine does that loses its power; its workers follow
        launched.communicate()
    join = ("worker", "--study", "tiny", "--device", "cpu", "--threads", "1")
    with killed_at_the_end(two.start(*join)) as second, killed_at_the_end(three.start(*join)) as third:
        said(second)
        said(third)
    now = status(store, 1)
    assert (now.runs_left, now.scores_left, now.failures) == (0, 0, ())
    # The begun run went on from the checkpoint of a machine that is gone.
    assert _continued(store)
    assert [event.message for event in events(store, 1) if event.kind == "artifact"] == []
    check_invariants(store)
    assert outcome(store, 1) == undisturbed

    four = Machine(tmp_path / "four", sqlite_url, url)
    said(four.start("report", "tiny", "--out", str(four.folder / "report")))
    assert four.files("*.png")
    page = (four.folder / "report" / "report.html").read_text()
    assert "data:image/svg+xml" in page
    assert "sample sheet missing" not in page
    assert "sample sheets missing" not in page
    assert (four.folder / "report" / "figures" / "samples.svg").is_file()
    store.close()


def _checkpoints(store: Store) -> bool:
    return any(artifact.kind == "checkpoint" for artifact in artifacts(store))


def _continued(store: Store) -> bool:
    started_late = select(ATTEMPT.c.id).where(ATTEMPT.c.score_id.is_(None), ATTEMPT.c.first_step > 0)
    return store.read(lambda connection: connection.execute(started_late).first() is not None)


def test_a_worker_leaves_in_time_though_the_store_of_files_hangs(
    local_store: Store, prepared: tuple[Path, Protocol], files: Path, undisturbed: dict[str, Any]
) -> None:
    study = registered(local_store, ABLATION, prepared[1])
    file_store = FileStore(files, f"s3://{BUCKET}/study")
    with (
        served() as server,
        team_of(local_store, study, files, environment=server.environment, files=file_store) as workers,
    ):
        first = workers.start()
        until(lambda: training(local_store, study))
        os.kill(server.pid, signal.SIGSTOP)  # it takes calls and never answers
        try:
            time.sleep(2.0)
            asked = time.monotonic()
            os.kill(first.pid or 0, signal.SIGTERM)
            assert ended(first, 60) == 75
            assert time.monotonic() - asked < 30.0
        finally:
            os.kill(server.pid, signal.SIGCONT)
        assert attempt_ends(local_store)[-1] == "released: preempted"
        assert ended(workers.start()) == 0
        check_invariants(local_store)
        assert outcome(local_store, study.id) == undisturbed
