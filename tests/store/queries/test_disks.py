"""Full disks: work that waits for room is shown with the machine and the file, and in the log."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from sweep.cli.app import app
from sweep.files.file_store import FileStore
from sweep.store import Store, claim, events, open_store, release, status
from sweep.store.queries.disks import room_left
from sweep.store.sql.access import Access
from sweep.store.sql.engine import open_engine
from sweep.store.states import FailureClass
from tests.helpers.tiny_store import new_worker, study_with_runs

REASON = "the checkpoint of step 3 could not be written: no room\nNo space left on device [x]: 12.0 MB to /scratch"


def test_work_that_waits_for_room_is_told_until_it_is_taken_again(store: Store) -> None:
    study = study_with_runs(store, 2)
    for host in ("node-7", "node-7"):
        held = claim(store, study.id, new_worker(store, host=host))
        assert held is not None
        release(store, held, FailureClass.DISK_FULL, delay=0.0, detail=REASON)
        held = claim(store, study.id, new_worker(store, host=host))
        assert held is not None
        release(store, held, FailureClass.DISK_FULL, delay=3600.0, detail=REASON)
    (disk,) = status(store, study.id).full_disks
    assert (disk.host, disk.waiting, disk.reason) == ("node-7", 2, REASON)
    told = [event for event in events(store, study.id) if event.kind == FailureClass.DISK_FULL]
    assert len(told) == 4
    assert all("no room" in event.message and event.run_id is not None for event in told)

    other = study_with_runs(store, 1, name="other")  # asks for the first run too
    assert [disk.waiting for disk in status(store, other.id).full_disks] == [1]


def test_a_disk_that_has_room_again_is_told_no_more(store: Store) -> None:
    study = study_with_runs(store, 1)
    held = claim(store, study.id, new_worker(store))
    assert held is not None
    release(store, held, FailureClass.DISK_FULL, detail=REASON)
    assert status(store, study.id).full_disks
    assert claim(store, study.id, new_worker(store)) is not None
    assert status(store, study.id).full_disks == ()


def command(url: str, folder: Path, *arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments), env={"SWEEP_STORAGE": url, "SWEEP_FILES": str(folder)})


@pytest.fixture
def local_store(sqlite_url: str) -> Iterator[Store]:
    opened = open_store(sqlite_url)
    yield opened
    opened.close()


def test_status_and_doctor_tell_of_full_disks(local_store: Store, sqlite_url: str, tmp_path: Path) -> None:
    store, url = local_store, sqlite_url
    study = study_with_runs(store, 1)
    held = claim(store, study.id, new_worker(store, host="node-7"))
    assert held is not None
    release(store, held, FailureClass.DISK_FULL, delay=3600.0, detail=REASON)
    for verb in (("status", study.name), ("doctor",)):
        shown = command(url, tmp_path, *verb)
        assert "disk of node-7" in shown.stdout
        assert "could not be written: no room" in " ".join(shown.stdout.split())
        assert "sweep gc --delete" in shown.stdout
    assert '"host": "node-7"' in command(url, tmp_path, "status", study.name, "--json").stdout


def test_status_and_doctor_tell_that_the_disk_of_the_database_is_nearly_full(
    local_store: Store, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = study_with_runs(local_store, 1)
    room = room_left(local_store.engine)
    assert room is not None
    assert room.folder == tmp_path
    monkeypatch.setattr(
        "sweep.store.queries.disks.shutil", SimpleNamespace(disk_usage=lambda _: SimpleNamespace(free=5_000))
    )
    assert "disk of the store is nearly full" in command(sqlite_url, tmp_path, "status", study.name).stdout
    doctor = command(sqlite_url, tmp_path, "doctor")
    assert doctor.exit_code == 1
    assert "room for the store" in doctor.stdout


def test_a_server_keeps_its_disk_to_itself() -> None:
    assert room_left(open_engine("postgresql://nobody@localhost/none", Access.READ)) is None


@contextmanager
def short_files(bytes: int) -> Iterator[None]:
    """The kernel refuses longer files of this process, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_without_room_for_a_byte_is_not_called_writable(tmp_path: Path) -> None:
    file_store = FileStore(tmp_path / "files")
    with short_files(100):
        reason = file_store.check()
    assert str(file_store.folder) in reason
    assert list(file_store.folder.iterdir()) == []
    assert file_store.check() == ""
