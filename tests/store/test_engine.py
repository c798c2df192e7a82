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
from sweep.store.engine import file_system_of, is_network, open_engine, shown
from sweep.store.redaction import clean, clean_json
from sweep.store.transaction import Store

MOUNTS = r"""
overlay / overlay rw 0 0
/dev/sda1 /home ext4 rw 0 0
server:/export /home/shared nfs4 rw 0 0
server:/export /with\040space nfs rw 0 0
/dev/sda1 /home/shared/local ext4 rw 0 0
bucket /s3 fuse.s3fs rw 0 0
first /twice ext4 rw 0 0
second /twice lustre rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "file_system", "network"),
    [
        ("/tmp/a.db", "overlay", False),
        ("/home/me/a.db", "ext4", False),
        ("/home/shared/a.db", "nfs4", True),
        ("/home/sharedX/a.db", "ext4", False),
        ("/home/shared/local/a.db", "ext4", False),
        ("/with space/a.db", "nfs", True),
        ("/s3/a.db", "fuse.s3fs", True),
        ("/twice/a.db", "lustre", True),
    ],
)
def test_network_file_systems_are_known_by_their_mount(path: str, file_system: str, network: bool) -> None:
    assert file_system_of(Path(path), MOUNTS) == file_system
    assert is_network(file_system) is network


def test_sqlite_on_a_network_file_system_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = Path.read_text
    mounts = f"server:/x {tmp_path} nfs4 rw 0 0\n"
    monkeypatch.setattr(
        Path, "read_text", lambda self, *a, **k: mounts if str(self) == "/proc/mounts" else real(self, *a, **k)
    )

    with pytest.raises(StoreError, match="nfs4") as caught:
        open_engine(f"sqlite:///{tmp_path}/a.db")

    assert "postgresql://" in caught.value.next
    assert not (tmp_path / "a.db").exists()


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
    assert open_engine("sqlite:///a.db").url.database == str(tmp_path / "a.db")
    assert open_engine("sqlite:///~/b.db").url.database == str(tmp_path / "b.db")


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?uri=true", "mysql://me:hunter2@db/x", "hunter2", ""]
)
def test_what_cannot_keep_a_store_is_refused(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        open_engine(url)
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
    engine = open_engine(postgres_url)
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
def test_row_29_a_password_is_nowhere_but_in_the_connection(caplog: pytest.LogCaptureFixture, url: str) -> None:
    caplog.set_level(logging.DEBUG)
    engine = open_engine(url)
    store = Store(engine, patience_seconds=0.3)
    with pytest.raises(StoreError) as caught:
        store.read(lambda connection: None)

    told = "".join(traceback.format_exception(caught.value))
    for told_text in (told, repr(caught.value), repr(store), repr(engine), shown(engine), caplog.text):
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
        connection.execute(text("SELECT * FROM nowhere"))  # type: ignore[attr-defined]

    with pytest.raises(Exception, match="nowhere"):
        store.write(broken)
    assert len(tries) == 1


@pytest.mark.parametrize(
    ("text_", "kept"),
    [
        ("at postgresql+psycopg://me:hunter2@db:5432/x", "at postgresql+psycopg://me:***@db:5432/x"),
        ("password=hunter2 host=db", "password=*** host=db"),
        ("password = 'hunter2 3' host=db", "password = *** host=db"),
        ("x://me:p/@ss@db", "x://me:***@db"),
        ("postgresql://db/x?user=me&sslpassword=hunter2&y=1", "postgresql://db/x?user=me&sslpassword=***&y=1"),
        (
            "s3://b/x?X-Amz-Signature=hunter2&aws_secret_access_key=hunter2",
            "s3://b/x?X-Amz-Signature=***&aws_secret_access_key=***",
        ),
        ("AccountName=me;AccountKey=hunter2==;x=1", "AccountName=me;AccountKey=***;x=1"),
        ("https://example.org:443/ab", "https://example.org:443/ab"),
        ("loss: 3 @ step 4", "loss: 3 @ step 4"),
    ],
)
def test_passwords_in_text_are_masked(text_: str, kept: str) -> None:
    assert clean(text_) == kept


def test_json_is_cleaned_to_the_bottom() -> None:
    found = clean_json({"a\x00": [float("nan"), ("x://u:p@h", 1)], "b": None})
    assert found == {"a\N{REPLACEMENT CHARACTER}": ["nan", ["x://u:***@h", 1]], "b": None}
