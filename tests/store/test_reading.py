"""Reading leaves a store as it was: its rows, its tables, its file and the folder around it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from sweep.errors import OlderTables, StoreError, StoreMismatch, StoreMissing
from sweep.store import Store, end_worker, open_existing, open_store, read_store, studies
from sweep.store import migrations as tables
from sweep.store.migrations import upgrade
from sweep.store.sql.schema import EVENT
from sweep.store.sql.version import HEAD, version_of
from tests.helpers.tiny_store import new_study, new_worker
from tests.store.test_migrations import tables_of

NOBODY = 65_534
KILLED_WRITER = """
import os, sys
from sweep.store import add_event, open_store
add_event(open_store(sys.argv[1]), "note", "not yet in the file itself")
os._exit(0)
"""


@pytest.fixture
def folder(sqlite_template: Path) -> Iterator[Path]:
    """A folder with a store of one study, which every user may enter."""
    made = Path(tempfile.mkdtemp(prefix="sweep-read-"))
    made.chmod(0o755)
    shutil.copy(sqlite_template, made / "store.db")
    store = open_store(f"sqlite:///{made}/store.db")
    new_study(store, "tiny")
    store.close()
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)


@pytest.fixture
def not_root() -> Iterator[None]:
    """Root may write everywhere, so what follows runs as another user."""
    mine = os.geteuid()
    if mine == 0:
        os.seteuid(NOBODY)
    yield
    os.seteuid(mine)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def close_to_writing(folder: Path, mode: int) -> None:
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(mode)


def names(folder: Path) -> list[str]:
    store = read_store(f"sqlite:///{folder}/store.db")
    found = [record.name for record in studies(store)]
    store.close()
    return found


def test_reading_a_store_leaves_its_folder_as_it_was(folder: Path) -> None:
    before = contents(folder)
    assert names(folder) == ["tiny"]
    assert contents(folder) == before


def test_what_a_killed_writer_left_is_read_and_stays(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED_WRITER, f"sqlite:///{folder}/store.db"], check=True)
    before = contents(folder)
    assert before["store.db-wal"]
    store = read_store(f"sqlite:///{folder}/store.db")
    last = "SELECT message FROM event ORDER BY id DESC LIMIT 1"
    assert store.read(lambda c: c.execute(text(last)).scalar_one()) == "not yet in the file itself"
    after = contents(folder)
    assert {name: after[name] for name in ("store.db", "store.db-wal")} == {
        name: before[name] for name in ("store.db", "store.db-wal")
    }


class TestAsAUserWhoMayNotWrite:
    """Set up by `folder`, then closed to writing, then read as another user than root."""

    @pytest.fixture(params=["closed", "killed", "written to"])
    def state(self, request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
        url = f"sqlite:///{folder}/store.db"
        writer = None
        if request.param == "killed":
            subprocess.run([sys.executable, "-c", KILLED_WRITER, url], check=True)
        if request.param == "written to":
            writer = open_store(url)
        close_to_writing(folder, 0o555)
        yield request.param
        if writer is not None:
            writer.close()

    def test_a_store_is_read_where_nothing_may_be_written(self, folder: Path, state: str, not_root: None) -> None:
        before = contents(folder)
        assert names(folder) == ["tiny"]
        assert contents(folder).keys() == before.keys()
        assert contents(folder)["store.db"] == before["store.db"]

    def test_it_is_refused_for_writing(self, folder: Path, state: str, not_root: None) -> None:
        before = contents(folder)
        with pytest.raises(StoreError, match="cannot be opened"):
            open_existing(f"sqlite:///{folder}/store.db")
        assert contents(folder) == before


def test_a_log_without_its_index_is_told_where_none_can_be_made(folder: Path, request: pytest.FixtureRequest) -> None:
    subprocess.run([sys.executable, "-c", KILLED_WRITER, f"sqlite:///{folder}/store.db"], check=True)
    (folder / "store.db-shm").unlink()
    close_to_writing(folder, 0o555)
    request.getfixturevalue("not_root")
    with pytest.raises(StoreError, match="cannot be read where it is") as caught:
        names(folder)
    assert "Copy store.db and store.db-wal" in caught.value.next


@pytest.mark.parametrize("opens", [read_store, open_existing])
def test_where_there_is_no_store_none_is_made(tmp_path: Path, opens) -> None:
    with pytest.raises(StoreMissing, match="no store at sqlite:///") as caught:
        opens(f"sqlite:///{tmp_path}/none/sweep.db")
    assert caught.value.exit_code == 5
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("opens", [read_store, open_existing])
def test_a_database_without_our_tables_stays_without_them(bare: Store, bare_url: str, opens) -> None:
    bare.read(version_of)
    with pytest.raises(StoreMissing, match="holds no table of sweep"):
        opens(bare_url)
    assert bare.read(version_of) is None


def test_a_reader_writes_nothing_even_when_it_tries(store_url: str) -> None:
    reader = read_store(store_url, patience_seconds=0.0)
    with pytest.raises(StoreError, match=r"read-?only"):
        reader.write(lambda c: c.execute(insert(EVENT).values(kind="note", message="?", detail={})))
    reader.close()


def test_reading_tables_of_an_older_version_changes_none(bare: Store, bare_url: str) -> None:
    with tables_of("0003"):
        bare.write(upgrade)
    with pytest.raises(OlderTables, match="0003") as caught:
        read_store(bare_url)
    assert "sweep doctor --migrate" in caught.value.next
    assert bare.read(version_of) == "0003"


@pytest.mark.parametrize("end", ["ended", "silent"])
def test_tables_are_not_changed_under_workers_of_an_older_version(
    bare: Store, bare_url: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tables_of("0003"):
        bare.write(upgrade)
    worker = new_worker(bare)
    for opens in (open_store, open_existing):
        with pytest.raises(StoreMismatch, match="workers of an older version") as caught:
            opens(bare_url)
        assert "sweep stop" in caught.value.next
    assert bare.read(version_of) == "0003"
    if end == "ended":
        end_worker(bare, worker, "done")
    else:
        monkeypatch.setattr(tables, "SILENCE_SECONDS", 0.0)
    open_existing(bare_url).close()
    assert bare.read(version_of) == HEAD


def test_workers_of_this_version_are_in_nobodys_way(store: Store, store_url: str) -> None:
    new_worker(store)
    open_store(store_url).close()
