"""Opening a store: to read it, to change what is there, or to make it.

read_store(url)       writes nothing, neither rows nor files nor tables: `status`, `report`, `export`, ...
open_existing(url)    the store must be there: `worker`, `pause`, `extend`, ...
open_store(url)       makes it where there is none: `launch`
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, text

from sweep.errors import OlderTables, StoreError, StoreMissing
from sweep.store.sql.access import Access
from sweep.store.sql.engine import display_url, open_engine
from sweep.store.sql.transaction import PATIENCE_SECONDS, Store
from sweep.store.sql.version import HEAD, check_not_newer, is_current, is_older, version_of

# Somebody waits for what is read, and typing it again costs nothing.
READING_PATIENCE_SECONDS = 1.0
_NO_STORE = "sweep launch FILE makes a store; --storage or SWEEP_STORAGE names another one."


def read_store(url: str, *, patience_seconds: float = READING_PATIENCE_SECONDS) -> Store:
    """Open a store to read it. Nothing is made, migrated or written, whatever the file's mode allows.

    Args:
        url: Address of the database: `sqlite:///PATH` or `postgresql://USER@HOST/DATABASE`.
        patience_seconds: How long a read is tried again, in seconds from its first failure, while the database is busy
            or away.

    Returns:
        The open store.

    Raises:
        StoreUrlError: The URL is no address of a store.
        StoreMissing: There is no store at this address.
        OlderTables: The store was made by an older version of this program.
        StoreMismatch: The store was made by a newer version.
        StoreError: The database cannot be reached or used.
    """
    return _opened(url, Access.READ, patience_seconds, _check_readable)


def open_existing(url: str, *, patience_seconds: float = PATIENCE_SECONDS) -> Store:
    """Open a store that exists, to change it; tables of an older version are brought up to date.

    Args:
        url: Address of the database: `sqlite:///PATH` or `postgresql://USER@HOST/DATABASE`.
        patience_seconds: How long an operation is tried again, in seconds from its first failure, while the database is
            busy or away.

    Returns:
        The open store, with the tables of this version.

    Raises:
        StoreUrlError: The URL is no address of a store.
        StoreMissing: There is no store at this address, and none was made.
        StoreMismatch: The store was made by a newer version of this program, or workers of an older one use it now.
        StoreError: The database cannot be reached or used.
    """
    return _opened(url, Access.CHANGE, patience_seconds, _bring_up_to_date)


def open_store(url: str, *, patience_seconds: float = PATIENCE_SECONDS) -> Store:
    """Open a store to change it, and make it where there is none.

    Args:
        url: Address of the database: `sqlite:///PATH` or `postgresql://USER@HOST/DATABASE`. For SQLite the file and its
            folder are made; a PostgreSQL database must exist, and gets the tables.
        patience_seconds: How long an operation is tried again, in seconds from its first failure, while the database is
            busy or away.

    Returns:
        The open store, with the tables of this version.

    Raises:
        StoreUrlError: The URL is no address of a store.
        StoreMismatch: The store was made by a newer version of this program, or workers of an older one use it now.
        StoreError: The database cannot be reached or used.
    """
    return _opened(url, Access.CREATE, patience_seconds, _make_or_bring_up_to_date)


def _opened(url: str, access: Access, patience_seconds: float, check: Callable[[Store], None]) -> Store:
    store = Store(open_engine(url, access), patience_seconds)
    try:
        check(store)
    except BaseException:
        store.close()
        raise
    return store


def _check_readable(store: Store) -> None:
    version = store.read(version_of)
    if version is None:
        raise _missing(store)
    check_not_newer(version)
    if is_older(version):
        raise OlderTables(
            f"the store {display_url(store.engine)} has the tables of an older version of sweep ({version})",
            why=f"This version reads tables {HEAD}, and a command that reads changes none: older workers may use them.",
            next="sweep doctor --migrate brings them up to date, and so does sweep launch FILE.",
        )


def _bring_up_to_date(store: Store) -> None:
    if store.read(version_of) is None:
        raise _missing(store)
    _make_or_bring_up_to_date(store)


def _make_or_bring_up_to_date(store: Store) -> None:
    if store.read(_only_reads):
        raise StoreError(
            f"the store {display_url(store.engine)} cannot be written",
            why="The server is a standby, or gives this user transactions that only read.",
            next="Give the address of the primary server, and a user who may write.",
        )
    if not store.read(is_current):
        from sweep.store.migrations import upgrade  # alembic is slow to load, and seldom wanted

        store.write(upgrade)


def _only_reads(connection: Connection) -> bool:
    if connection.dialect.name != "postgresql":
        return False
    setting = text("SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool")
    return bool(connection.execute(setting).scalar_one())


def _missing(store: Store) -> StoreMissing:
    return StoreMissing(
        f"there is no store at {display_url(store.engine)}",
        why="The database is there, and holds no table of sweep.",
        next=_NO_STORE,
    )
