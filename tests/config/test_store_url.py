"""Addresses of stores: what they mean, and that putting one together and taking it apart are inverse."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweep.config.store_url import PostgresUrl, SqliteUrl, parse_store_url
from sweep.errors import StoreUrlError


@pytest.mark.parametrize("name", ["a.db", "run%20one/a.db", "a?b/c.db", "a#b.db", "a b.db", "süd/a.db", "a+b&c=d.db"])
@pytest.mark.parametrize("driver", ["sqlite", "sqlite+pysqlite", "SQLite"])
def test_a_path_is_taken_as_it_is(name: str, driver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert parse_store_url(f"{driver}:///{name}") == SqliteUrl(tmp_path / name)
    assert parse_store_url(f"{driver}:///{tmp_path}/{name}") == SqliteUrl(tmp_path / name)
    assert parse_store_url(f"{driver}:////{tmp_path}/{name}") == SqliteUrl(tmp_path / name)
    assert parse_store_url(f"{driver}:///~/{name}") == SqliteUrl(Path("/home/me") / name)


@pytest.mark.parametrize("name", ["run%20one", "a?b", "a#b", "a b", "süd", "a%b", "~"])
def test_what_is_put_together_is_taken_apart_to_the_same(name: str) -> None:
    made = SqliteUrl(Path("/data") / name / "a.db")
    assert parse_store_url(made.text) == made


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+asyncpg", "PostgreSQL"])
def test_drivers_of_postgresql_are_left_out(scheme: str) -> None:
    assert parse_store_url(f"{scheme}://me:p%40ss@db/x") == PostgresUrl("postgresql://me:p%40ss@db/x")


def test_a_password_is_in_no_representation() -> None:
    assert "hunter2" not in repr(parse_store_url("postgresql://me:hunter2@db/x"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sqlite://", "gone with its process"),
        ("sqlite:///", "gone with its process"),
        ("sqlite:///:memory:", "gone with its process"),
        ("sqlite://:memory:", "gone with its process"),
        ("sqlite:///file:x?mode=memory&uri=true", "gone with its process"),
        ("sqlite://sweep.db", "three"),
        ("sqlite:///sweep.db?mode=ro", "Options"),
        ("sqlite:///folder/", "slash"),
        ("sqlite:///~nobody-of-that-name/a.db", "home folder"),
        ("sweep.db", "form"),
        ("", "form"),
        ("sqlite:///a\nb.db", "control character"),
        ("sqlite:///a\x00b.db", "control character"),
        ("sqlite:///a\ud800b.db", "UTF-8"),
        ("sqlite:///" + "a" * 5_000, "characters"),
        ("sqlite+pysqlcipher://:hunter2@/a.db", "locks"),
        ("mysql://me:hunter2@db/x", "locks"),
        ("postgresql+evil://db/x", "locks"),
        ("postgresql://me:pw@hunter2@db/x", "more than one @"),
    ],
)
def test_what_is_no_address_of_a_store_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(StoreUrlError, match=why) as caught:
        parse_store_url(text)
    assert "hunter2" not in str(caught.value)
    assert caught.value.next


def test_a_working_folder_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(StoreUrlError, match="is gone"):
        parse_store_url("sqlite:///a.db")
