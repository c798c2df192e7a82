"""Errors of the database by their codes: tried again, or told with what to do; never a traceback."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, make_url, text

from sweep.errors import StoreError, StoreMismatch
from sweep.store import Store, open_existing, open_store, read_store, studies
from sweep.store.sql import sqlite
from sweep.store.sql.access import Access
from sweep.store.sql.engine import display_url, open_engine
from tests.conftest import run_sql

PASSING = [
    "08006",
    "25P03",
    "40001",
    "40P01",
    "53100",
    "53200",
    "53300",
    "55P03",
    "57014",
    "57P01",
    "57P02",
    "57P03",
    "25006",
    "58030",
]
LASTING = {
    "28P01": "user and password",
    "28000": "user and password",
    "3D000": "createdb",
    "3F000": "search_path",
    "42501": "GRANT",
    "42P01": "version",
    "25001": "Check",
    "22003": "doctor",
    "22021": "doctor",
    "57P04": "Check",
    "XX001": "Check",
}


def raising(code: str) -> str:
    return f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}', MESSAGE = 'said by the server'; END $$"


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Store]:
    store = open_store(postgres_url, patience_seconds=20)
    yield store
    store.close()


def test_what_passes_by_itself_is_tried_again_and_told_when_it_does_not(postgres: Store) -> None:
    impatient = Store(postgres.engine, patience_seconds=0.0)
    for code in PASSING:
        tries: list[int] = []

        def work(connection: Connection, code: str = code, tries: list[int] = tries) -> int:
            tries.append(1)
            if len(tries) == 1:
                connection.exec_driver_sql(raising(code))
            return connection.execute(text("SELECT 1")).scalar_one()

        assert postgres.write(work) == 1
        assert len(tries) == 2, code
        with pytest.raises(StoreError, match="said by the server") as caught:
            impatient.write(lambda connection, code=code: connection.exec_driver_sql(raising(code)))
        assert caught.value.next


def test_what_lasts_is_told_at_once_with_what_to_do(postgres: Store) -> None:
    for code, following in LASTING.items():
        tries: list[int] = []

        def work(connection: Connection, code: str = code, tries: list[int] = tries) -> None:
            tries.append(1)
            connection.exec_driver_sql(raising(code))

        with pytest.raises(StoreError, match="said by the server") as caught:
            postgres.write(work)
        assert len(tries) == 1, code
        assert following in caught.value.next, code
        assert caught.value.exit_code == 5


def test_a_database_that_only_reads_is_refused_for_writing_and_can_be_read(bare_postgres_url: str) -> None:
    open_store(bare_postgres_url).close()
    name = make_url(bare_postgres_url).database
    run_sql(bare_postgres_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(StoreError, match="cannot be written") as caught:
        open_existing(bare_postgres_url)
    assert "primary" in caught.value.next
    read_store(bare_postgres_url).close()


def test_a_user_without_rights_is_told(bare_postgres_url: str) -> None:
    run_sql(bare_postgres_url, "DROP ROLE IF EXISTS sweep_guest")
    run_sql(bare_postgres_url, "CREATE ROLE sweep_guest LOGIN")
    guest = make_url(bare_postgres_url).set(username="sweep_guest", password="hunter2")
    with pytest.raises(StoreError, match="permission denied") as caught:
        open_store(guest.render_as_string(hide_password=False))
    assert "GRANT" in caught.value.next
    run_sql(bare_postgres_url, "ALTER ROLE sweep_guest CONNECTION LIMIT 0")
    with pytest.raises(StoreError, match="too many connections"):
        open_store(guest.render_as_string(hide_password=False), patience_seconds=0.0)


def test_an_unknown_user_is_told_at_once(bare_postgres_url: str) -> None:
    stranger = make_url(bare_postgres_url).set(username="nobody_of_that_name")
    with pytest.raises(StoreError, match="nobody_of_that_name"):
        open_store(stranger.render_as_string(hide_password=False))


@pytest.mark.parametrize("damage", ["zeros", "text", "cut"])
def test_a_damaged_or_encrypted_file_is_told_at_once(sqlite_url: str, damage: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    whole = path.read_bytes()
    path.write_bytes(
        {
            "zeros": whole[:4096] + bytes(len(whole) - 4096),
            "text": os.urandom(len(whole)),
            "cut": whole[: len(whole) // 3],
        }[damage]
    )
    for opens in (read_store, open_existing, open_store):
        with pytest.raises(StoreError) as caught:
            studies(opens(sqlite_url))
        assert caught.value.next


def test_a_full_sqlite_is_tried_again_and_then_told(sqlite_url: str) -> None:
    store = open_store(sqlite_url, patience_seconds=0.3)

    def fill(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        connection.exec_driver_sql("CREATE TABLE large (x)")
        connection.exec_driver_sql("INSERT INTO large VALUES (zeroblob(10000000))")

    with pytest.raises(StoreError, match="full") as caught:
        store.write(fill)
    assert "Make room" in caught.value.next
    store.close()


def test_a_locked_sqlite_is_tried_again(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.01)
    holder = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    tries: list[int] = []

    def free() -> bool:
        tries.append(1)
        if holder.in_transaction:
            holder.rollback()
        return False

    store = replace(open_store(sqlite_url, patience_seconds=20), give_up=free)
    assert store.write(lambda connection: connection.execute(text("SELECT 1")).scalar_one()) == 1
    assert len(tries) == 1
    holder.close()
    store.close()


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
@pytest.mark.parametrize("opens", [read_store, open_existing, open_store])
def test_what_is_no_file_is_no_store(tmp_path: Path, kind: str, opens) -> None:
    path = Path("/dev/zero") if kind == "device" else tmp_path / kind
    path.mkdir() if kind == "folder" else os.mkfifo(path) if kind == "pipe" else None
    before = time.monotonic()
    with pytest.raises(StoreError, match="is no file"):
        opens(f"sqlite:///{path}")
    assert time.monotonic() - before < 2.0


def test_tables_that_are_gone_are_a_mismatch(store: Store) -> None:
    with pytest.raises(StoreMismatch, match="nowhere") as caught:
        store.write(lambda connection: connection.execute(text("SELECT * FROM nowhere")))
    assert "version" in caught.value.next


@pytest.mark.parametrize("option", ["sslpassword", "passfile", "sslkey", "options"])
def test_options_that_may_hold_a_secret_are_masked(option: str) -> None:
    engine = open_engine(f"postgresql://me:hunter2@db/x?sslmode=require&{option}=hunter2", Access.READ)
    address = display_url(engine)
    assert "hunter2" not in address
    assert "sslmode=require" in address
    assert "me:***@db/x" in address
