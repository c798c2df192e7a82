"""SQLite on a local disk: how its file is made, opened for writing, and read where nothing may be written."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, NullPool, QueuePool, create_engine, event

from sweep.errors import StoreError, StoreMissing
from sweep.store.sql.access import Access
from sweep.store.sql.mounts import network_file_system_of
from sweep.store.sql.text import from_json, to_json

BUSY_SECONDS = 60.0
CACHE_KIB = 32_768


def open_sqlite(path: Path, access: Access) -> Engine:
    """Make an engine for a file; only `Access.CREATE` makes the file and its folder.

    Args:
        path: Path of the database file.
        access: What may be changed.

    Returns:
        The engine. Its connections write nothing under `Access.READ`.

    Raises:
        StoreMissing: There is no such file.
        StoreError: It is no file, may not be used, or lies on a network file system.
    """
    try:
        path = path.resolve()
        exists = _is_file(path)
    except (OSError, RuntimeError) as error:  # a name too long, a loop of links, a folder that may not be entered
        raise _unusable(path, getattr(error, "strerror", None) or str(error)) from None
    file_system = network_file_system_of(path)
    if file_system is not None:
        raise StoreError(
            f"{path} lies on a network file system ({file_system})",
            why="SQLite's locks do not hold there: two workers would take the same run, and files get damaged.",
            next="Keep the store on a local disk, or use postgresql://USER@HOST/DATABASE.",
        )
    if not exists and access is not Access.CREATE:
        raise StoreMissing(
            f"there is no store at sqlite:///{path}",
            why="There is no such file, and this command makes none.",
            next="sweep launch FILE makes a store; --storage or SWEEP_STORAGE names another one.",
        )
    if access is not Access.READ:
        _make_private(path)
    return _engine(path, _reader(path) if access is Access.READ else lambda: _connect(path, "mode=rw"), access)


def _engine(path: Path, creator: Callable[[], sqlite3.Connection], access: Access) -> Engine:
    url = URL.create("sqlite", database=str(path))
    if access is Access.READ:
        # How the file may be opened is found out anew by each connection: a writer may have come or gone.
        pool: dict[str, Any] = {"poolclass": NullPool}
    else:
        pool = {"poolclass": QueuePool, "pool_size": 2}
    engine = create_engine(
        url, creator=creator, hide_parameters=True, json_serializer=to_json, json_deserializer=from_json, **pool
    )
    if access is not Access.READ:
        event.listen(engine, "connect", _prepare_for_writing)
    event.listen(engine, "begin", _begin)
    return engine


def _connect(path: Path, options: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(os.fsencode(path))}?{options}", uri=True, timeout=BUSY_SECONDS, check_same_thread=False
    )
    connection.isolation_level = None  # BEGIN is ours, see below
    connection.text_factory = _text
    # Runs carry their configs, so a pass over thousands passes over megabytes, of which SQLite keeps 2 by itself.
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}").close()
    return connection


def _text(stored: bytes) -> str:
    # A damaged byte is met by whoever reads the value, and fails no query over many rows.
    return stored.decode(errors="replace")


def _reader(path: Path) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        connection = _connect(path, _how_to_read(path))
        connection.execute("PRAGMA query_only = ON").close()
        return connection

    return connect


def _how_to_read(path: Path) -> str:
    """Options under which SQLite reads a file and leaves its folder as it was."""
    log = path.with_name(path.name + "-wal")
    index = path.with_name(path.name + "-shm")
    may_write = _allowed(path, os.W_OK) and _allowed(path.parent, os.W_OK | os.X_OK)
    if log.exists() and (index.exists() or may_write):
        # Others use it, or were killed: their log is read with it, and stays theirs.
        return "mode=ro"
    if log.exists() and log.stat().st_size:
        raise StoreError(
            f"the store {path} cannot be read where it is",
            why=f"Its newest changes are in {log.name}, which SQLite reads only with {index.name} beside it, and that "
            "may not be made here.",
            next=f"Copy {path.name} and {log.name} to a folder that you may write, and name the copy by --storage.",
        )
    # Nobody has it open. A reader that may write cleans up after itself; `mode=ro` would leave an empty log. Where
    # nothing may be written, a writer that comes meanwhile first fills its log, so that this one still reads what was.
    return "mode=rw" if may_write else "immutable=1"


def _allowed(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _is_file(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(mode):
        raise StoreError(
            f"the store {path} is no file",
            why="It is a folder or a device; SQLite keeps a store in a file.",
            next="Give the path of a file: sqlite:///PATH",
        )
    return True


def _make_private(path: Path) -> None:
    # SQLite gives its -wal and -shm files the mode of the database.
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from None
    if not _allowed(path.parent, os.W_OK | os.X_OK):
        raise _unusable(path, f"SQLite keeps two more files beside it, and {path.parent} may not be written")


def _unusable(path: Path, why: str) -> StoreError:
    return StoreError(
        f"the store {path} cannot be opened", why=f"{why}.", next="Give a path that you may write: sqlite:///PATH"
    )


def _prepare_for_writing(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    # Switching an open file is refused at once when busy, so it is done only when needed.
    if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once, whatever the timeout, when another wrote between.
    writes = connection.get_execution_options().get("sweep_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
