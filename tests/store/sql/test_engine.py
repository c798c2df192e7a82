"""Reaching the database: what is refused, what is kept secret, how SQLite is set up."""

from __future__ import annotations

import logging
import pickle
import stat
import traceback
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from sweep.errors import StoreError
from sweep.store import open_store
from sweep.store.sql.access import Access
from sweep.store.sql.engine import display_url, open_engine
from sweep.store.sql.transaction import Store


def test_sqlite_is_private_durable_and_checks_foreign_keys(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/new/folder/a.db")
    pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    values = store.read(
        lambda connection: [connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in pragmas]
    )

    assert values == ["wal", 2, 1, 60_000]
    for file in (tmp_path / "new/folder").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    store.close()


def test_a_home_folder_and_a_relative_path_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert open_engine("sqlite:///a.db", Access.CREATE).url.database == str(tmp_path / "a.db")
    assert open_engine("sqlite:///~/b.db", Access.CREATE).url.database == str(tmp_path / "b.db")


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?uri=true", "mysql://me:hunter2@db/x", "hunter2", ""]
)
def test_what_cannot_keep_a_store_is_refused(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        open_engine(url, Access.CREATE)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.why
    assert caught.value.next


def test_a_file_that_is_no_database_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"x" * 4096)
    with pytest.raises(StoreError, match="not a database"):
        open_store(f"sqlite:///{tmp_path}/a.db")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(f"sqlite:///{tmp_path}/file/a.db")


@pytest.mark.parametrize("spelling", ["postgresql", "postgresql+psycopg"])
def test_postgresql_is_spelt_either_way_and_kept_in_utc(
    postgres_url: str, spelling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")
    url = make_url(postgres_url).set(drivername=spelling).render_as_string(hide_password=False)
    store = open_store(url)

    zone = store.read(lambda connection: connection.execute(text("SHOW timezone")).scalar_one())

    assert zone == "UTC"
    store.close()


def test_options_of_the_user_are_kept(postgres_url: str) -> None:
    url = make_url(postgres_url).update_query_dict({"options": "-c application_name=mine"})
    store = open_store(url.render_as_string(hide_password=False))
    show = text("SELECT current_setting('application_name') || current_setting('timezone')")
    assert store.read(lambda connection: connection.execute(show).scalar_one()) == "mineUTC"
    store.close()


def test_a_connection_leaves_nothing_prepared_on_the_server(postgres_url: str) -> None:
    """PgBouncer gives each transaction another session: what was prepared there is met by others, or is not there.

    Seen with PgBouncer 1.18: `prepared statement "_pg3_1" already exists`.
    """
    engine = open_engine(postgres_url, Access.CREATE)
    with engine.connect() as connection:
        for _ in range(10):
            connection.execute(text("SELECT count(*) FROM study"))
        assert connection.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar_one() == 0
    engine.dispose()


def test_a_missing_database_is_told_at_once(postgres_server: str) -> None:
    url = make_url(postgres_server).set(database="nowhere").render_as_string(hide_password=False)
    with pytest.raises(StoreError, match="does not exist"):
        open_store(url, patience_seconds=60)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter2@127.0.0.1:1/sweep?connect_timeout=1",
        "postgresql://127.0.0.1:1/sweep?connect_timeout=1&user=me&password=hunter2",
        "postgresql://me@127.0.0.1:1/sweep?password=hunter2&connect_timeout=1",
    ],
)
def test_a_password_is_nowhere_but_in_the_connection(caplog: pytest.LogCaptureFixture, url: str) -> None:
    caplog.set_level(logging.DEBUG)
    engine = open_engine(url, Access.CREATE)
    store = Store(engine, patience_seconds=0.3)
    with pytest.raises(StoreError) as caught:
        store.read(lambda connection: None)

    told = "".join(traceback.format_exception(caught.value))
    for told_text in (told, repr(caught.value), repr(store), repr(engine), display_url(engine), caplog.text):
        assert "hunter2" not in told_text
    assert b"hunter2" not in pickle.dumps(caught.value)
    assert ":***@" in told or engine.url.username is None
    assert engine.url.password == "hunter2"


def test_a_writing_transaction_keeps_other_writers_out_from_its_begin(sqlite_url: str) -> None:
    """One that reads first would fail at its first write, whatever the timeout, when another wrote in between."""
    store = open_store(sqlite_url)
    impatient = create_engine(sqlite_url, connect_args={"timeout": 0.05})
    refused = []

    def reads_first(connection: Connection) -> None:
        connection.execute(text("SELECT count(*) FROM run"))
        with pytest.raises(OperationalError, match="locked"), impatient.begin() as other:
            other.execute(text("DELETE FROM run"))
        refused.append(True)

    store.write(reads_first)
    assert refused == [True]
    impatient.dispose()
    store.close()


def test_errors_in_the_work_itself_are_not_tried_again(store: Store) -> None:
    tries = []

    def broken(connection: object) -> None:
        tries.append(1)
        raise KeyError("bug")

    with pytest.raises(KeyError):
        store.write(broken)
    assert len(tries) == 1


def test_a_statement_that_is_wrong_is_not_tried_again(store: Store) -> None:
    tries = []

    def broken(connection: object) -> None:
        tries.append(1)
        connection.execute(text("SELECT * FROM nowhere"))

    with pytest.raises(Exception, match="nowhere"):
        store.write(broken)
    assert len(tries) == 1
