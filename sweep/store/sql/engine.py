"""Reaching the database: SQLite on a local disk for one machine, PostgreSQL for many."""

from __future__ import annotations

from sqlalchemy import Engine

from sweep.config.store_url import SqliteUrl, parse_store_url
from sweep.redaction import MASK, clean
from sweep.store.sql.access import Access
from sweep.store.sql.postgresql import open_postgresql
from sweep.store.sql.sqlite import open_sqlite

# Of the options of an address, those that tell where it leads and cannot be a secret.
_SHOWN_OPTIONS = frozenset(
    {
        "application_name",
        "connect_timeout",
        "dbname",
        "host",
        "hostaddr",
        "port",
        "sslmode",
        "target_session_attrs",
        "user",
    }
)


def open_engine(url: str, access: Access) -> Engine:
    """Make an engine for the address of a store.

    Args:
        url: Address of the database: `sqlite:///PATH` or `postgresql://USER@HOST/DATABASE`.
        access: What may be changed. With `CREATE`, a folder and an empty file are made where SQLite has none.

    Returns:
        The engine; PostgreSQL is not connected to yet.

    Raises:
        StoreUrlError: The URL is no address of a store.
        StoreMissing: There is no such file, and `access` makes none.
        StoreError: SQLite may not be used there.
    """
    parsed = parse_store_url(url)
    if isinstance(parsed, SqliteUrl):
        return open_sqlite(parsed.path, access)
    return open_postgresql(parsed.text, access)


def display_url(engine: Engine) -> str:
    """The address of an engine for messages and logs.

    Args:
        engine: The engine of the database.

    Returns:
        The address; passwords are masked, and so are options that may hold one.
    """
    if engine.dialect.name == "sqlite":
        return f"sqlite:///{engine.url.database}"
    query = {name: value if name in _SHOWN_OPTIONS else MASK for name, value in engine.url.query.items()}
    url = engine.url.set(drivername="postgresql", query=query)
    return clean(url.render_as_string(hide_password=True).replace("%2A%2A%2A", MASK))
