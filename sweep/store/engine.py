"""Reaching the database: SQLite on a local disk for one machine, PostgreSQL for many."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError

from sweep.errors import StoreError
from sweep.store.redaction import clean

BUSY_SECONDS = 60.0
CACHE_KIB = 32_768
# WAL needs memory shared between all readers, and file locks: neither crosses a network.
NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre", "gpfs", "beegfs", "ceph", "afs", "9p", "panfs", "orangefs",
     "pvfs2", "glusterfs", "ocfs2", "gfs2", "ncpfs", "davfs", "virtiofs"}
)  # fmt: skip
_LOCAL_FUSE = frozenset({"fuse.fuse-overlayfs", "fuse.overlayfs"})
# A worker that was frozen inside a transaction must not hold its row locks for ever.
_POSTGRES_OPTIONS = "-c idle_in_transaction_session_timeout=60000 -c lock_timeout=30000"


def open_engine(url: str) -> Engine:
    """An engine for `sqlite:///path` or `postgresql://...`; nothing is created but the folder and an empty file.

    Raises:
        StoreError: another kind of database, a URL that is not one, SQLite in memory or on a network file system.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        # The text itself is kept out of the message: it may hold a password.
        raise StoreError(
            "the store's URL cannot be read",
            why="It is not of the form sqlite:///PATH or postgresql://USER@HOST/DATABASE.",
            next="Give --storage or SWEEP_STORAGE such a URL; percent-encode special characters of a password.",
        ) from None
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    if parsed.get_backend_name() == "postgresql":
        return _postgresql(parsed)
    raise StoreError(
        f"no store can be kept in {parsed.get_backend_name()}",
        why="Leases need its locks to be known and tested; SQLite's and PostgreSQL's are.",
        next="Use sqlite:///PATH on one machine or postgresql://USER@HOST/DATABASE on many.",
    )


def is_new(url: str) -> bool:
    """Whether opening this URL would create a file. False for a server, and for a URL that opening will refuse."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return False
    name = parsed.database or ""
    named = parsed.get_backend_name() == "sqlite" and name not in ("", ":memory:") and not name.startswith("file:")
    return named and not Path(name).expanduser().exists()


def shown(engine: Engine) -> str:
    """The engine's URL for messages and logs; passwords are masked, also those among its options."""
    return clean(engine.url.render_as_string(hide_password=True))


def file_system_of(path: Path, mounts: str) -> str:
    """Type of the file system that holds an absolute path, by the text of /proc/mounts; "" when it says nothing."""
    found, longest = "", -1
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        # The kernel writes space, tab, newline and backslash in octal.
        point = Path(fields[1].encode().decode("unicode_escape"))
        # The last mount on a point hides the earlier ones.
        if path.is_relative_to(point) and len(point.parts) >= longest:
            found, longest = fields[2], len(point.parts)
    return found


def is_network(file_system: str) -> bool:
    """Whether SQLite must not be put there. Unknown FUSE file systems count as network."""
    fuse = file_system == "fuse" or file_system.startswith("fuse.")
    return file_system in NETWORK_FILE_SYSTEMS or (fuse and file_system not in _LOCAL_FUSE)


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise StoreError(
            "a store must be a file",
            why="A database in memory is gone with its process.",
            next="Give a path: sqlite:///sweep.db",
        )
    path = Path(url.database).expanduser().resolve()
    mounts = Path("/proc/mounts")
    file_system = file_system_of(path, mounts.read_text()) if mounts.exists() else ""
    if is_network(file_system):
        raise StoreError(
            f"{path} lies on a network file system ({file_system})",
            why="SQLite's locks do not hold there: two workers would take the same run, and files get damaged.",
            next="Keep the store on a local disk, or use postgresql://USER@HOST/DATABASE.",
        )
    _make_private(path)
    engine = create_engine(
        url.set(database=str(path)),
        connect_args={"timeout": BUSY_SECONDS},
        hide_parameters=True,
        pool_size=2,
        json_deserializer=_from_json,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private(path: Path) -> None:
    # SQLite gives its -wal and -shm files the mode of the database.
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(
            f"the store {path} cannot be opened",
            why=f"{error.strerror}.",
            next="Give a path that you may write: sqlite:///PATH",
        ) from None


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # BEGIN is ours, see below
    connection.text_factory = _text
    cursor = connection.cursor()
    # Switching an open file is refused at once when busy, so it is done only when needed.
    if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    # Runs carry their configs, so a pass over thousands passes over megabytes, of which SQLite keeps 2 by itself.
    cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    cursor.close()


def _text(stored: bytes) -> str:
    # A damaged byte is met by whoever reads the value, and fails no query over many rows.
    return stored.decode(errors="replace")


def _from_json(stored: str) -> Any:
    # What is no JSON is given as it is, for the same reason: no model takes a text.
    try:
        return json.loads(stored)
    except ValueError:
        return stored


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once, whatever the timeout, when another wrote between.
    writes = connection.get_execution_options().get("sweep_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: URL) -> Engine:
    query: dict[str, Any] = dict(url.query)
    if "password" in query:  # only there is it masked wherever the engine is shown
        url = url.set(password=str(query.pop("password")))
    options = " ".join([str(query.pop("options", "")), _POSTGRES_OPTIONS]).strip()
    engine = create_engine(
        url.set(drivername="postgresql+psycopg", query=query),
        pool_pre_ping=True,
        pool_size=2,  # the work and its heartbeat
        hide_parameters=True,
        isolation_level="READ COMMITTED",
        connect_args={
            "options": options,
            # A pooler in transaction mode gives each transaction another session, which has prepared nothing.
            "prepare_threshold": None,
            "connect_timeout": 10,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            # Keepalives rest while something is unanswered; then the kernel alone would go on trying for 15 minutes.
            "tcp_user_timeout": 30_000,
        },
    )
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_postgresql(connection: DBAPIConnection, _record: object) -> None:
    # By statement: a PGTZ in the environment wins over options.
    cursor = connection.cursor()
    cursor.execute("SET TIME ZONE 'UTC'")
    cursor.close()
    connection.commit()
