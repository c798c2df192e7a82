"""What an error of a driver means: it passes by itself, it is for people, or it is a mistake of ours.

PostgreSQL gives its errors a code of five letters (SQLSTATE), whose first two are a class; SQLite gives numbers. Texts
are read only where there is no code: they differ by version and language.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from sweep.errors import StoreError, StoreMismatch
from sweep.redaction import MASK, clean
from sweep.store.sql.engine import display_url

_CHECK = "Check that it is there and writable, then type the same command again; nothing was lost."
_MAKE_ROOM = "Make room on the disk of the database, then type the same command again; nothing was lost."
_VERSIONS = "Use the version of sweep that the store was last used with, or a newer one."
_REPORT = "sweep doctor; if it finds nothing, please report this."


@dataclass(frozen=True)
class Verdict:
    """What is to be done about an error.

    Attributes:
        passes: Another try may do, and on another connection.
        next: What to type or change where it does not pass.
        is_mismatch: The tables are not those of this version.
    """

    passes: bool
    next: str = _CHECK
    is_mismatch: bool = False


_PASSES = Verdict(passes=True)
_FULL = Verdict(passes=True, next=_MAKE_ROOM)
_LASTS = Verdict(passes=False)
_OTHER_TABLES = Verdict(passes=False, next=_VERSIONS, is_mismatch=True)
_VALUE = Verdict(passes=False, next=_REPORT)

# The longest prefix of a code decides.
_POSTGRESQL = {
    "08": _PASSES,  # the connection broke
    "22": _VALUE,
    "25": _LASTS,
    # A primary that became a standby; what leads to the new one may take a moment.
    "25006": Verdict(passes=True, next="Give the address of a server that takes writes: this one only reads."),
    "25P03": _PASSES,  # ended because it was idle in a transaction, as a stopped process is
    "25P04": _PASSES,
    "28": Verdict(passes=False, next="Check user and password in SWEEP_STORAGE or --storage."),
    "3D": Verdict(passes=False, next="Make the database: createdb NAME; or give another one by --storage."),
    "3F": Verdict(passes=False, next="Make the schema, or set search_path of this user to one that is there."),
    "40": _PASSES,  # serialization, deadlock
    "40002": _LASTS,
    "42501": Verdict(passes=False, next="GRANT this user what it lacks, or give another user by --storage."),
    "42703": _OTHER_TABLES,
    "42P01": _OTHER_TABLES,
    "53": _PASSES,  # too many connections, no memory
    "53100": _FULL,
    "54": _VALUE,
    "55": _PASSES,  # a lock was not to be had in time
    "57": _PASSES,  # shut down, starting up, cancelled
    "57P04": _LASTS,  # the database was dropped
    "58": _PASSES,  # input and output
    "F0": _LASTS,
    "XX": _LASTS,  # damaged
}
# Said while connecting, where the driver hands on no code.
_LASTING_CONNECTS = (
    "authentication failed",
    "no password supplied",
    "does not exist",
    "no pg_hba.conf entry",
    "name or service",
    "permission denied",
    "not permitted to log in",
    "does not support ssl",
    "certificate",
    "invalid ",
)

_SQLITE = {
    sqlite3.SQLITE_BUSY: _PASSES,
    sqlite3.SQLITE_LOCKED: _PASSES,
    sqlite3.SQLITE_NOMEM: _PASSES,
    sqlite3.SQLITE_IOERR: _PASSES,
    sqlite3.SQLITE_PROTOCOL: _PASSES,
    sqlite3.SQLITE_CANTOPEN: _PASSES,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: Verdict(passes=False, next="Make the file and its folder writable for you."),
    sqlite3.SQLITE_PERM: _LASTS,
    sqlite3.SQLITE_AUTH: _LASTS,
    sqlite3.SQLITE_NOLFS: _LASTS,
    sqlite3.SQLITE_CORRUPT: Verdict(
        passes=False, next="Restore the file from a backup, or save what it still holds: sqlite3 FILE .recover"
    ),
    sqlite3.SQLITE_NOTADB: Verdict(
        passes=False, next="Give the path of a store: this file is something else, or encrypted."
    ),
    sqlite3.SQLITE_TOOBIG: _VALUE,
    sqlite3.SQLITE_MISMATCH: _VALUE,
}


def verdict_on(error: DBAPIError) -> Verdict | None:
    """Decide what is to be done about an error of a driver.

    Args:
        error: The error as SQLAlchemy raises it.

    Returns:
        The verdict; None for a mistake in a statement of ours, which is raised as it is.
    """
    origin = error.orig
    if isinstance(origin, sqlite3.Error):
        # Extended codes keep the plain one in their last byte.
        code = getattr(origin, "sqlite_errorcode", sqlite3.SQLITE_MISUSE) & 0xFF
        missing = code == sqlite3.SQLITE_ERROR and str(origin).startswith(("no such table", "no such column"))
        return _OTHER_TABLES if missing else _SQLITE.get(code)
    state = getattr(origin, "sqlstate", None)
    if state:
        return _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2])
    if not (error.connection_invalidated or type(origin).__name__ in ("OperationalError", "InterfaceError")):
        return None
    message = str(origin).lower()
    return _LASTS if any(word in message for word in _LASTING_CONNECTS) else _PASSES


def reason_of(engine: Engine, error: DBAPIError) -> str:
    """The driver's own words, on one line, without any password of the address.

    Args:
        engine: The engine whose address may hold secrets.
        error: The error as SQLAlchemy raises it.

    Returns:
        The first line of the driver's message.
    """
    lines = str(error.orig).strip().splitlines()
    text = lines[0] if lines else type(error.orig).__name__
    secrets = [engine.url.password, *(value for name, value in engine.url.query.items() if "pass" in name)]
    for secret in secrets:
        if isinstance(secret, str) and secret:
            text = text.replace(secret, MASK)
    return clean(text)


def store_error(engine: Engine, error: DBAPIError, verdict: Verdict) -> StoreError:
    """Build the error that people read.

    Args:
        engine: The engine of the database that cannot be used.
        error: The error as SQLAlchemy raised it.
        verdict: What is to be done about it.

    Returns:
        `StoreMismatch` where the tables are not those of this version, otherwise `StoreError`; to be raised.
    """
    kind = StoreMismatch if verdict.is_mismatch else StoreError
    return kind(f"the store {display_url(engine)} cannot be used", why=reason_of(engine, error), next=verdict.next)
