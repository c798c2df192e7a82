"""PostgreSQL: what its address may say, and how its connections are set up."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError

from sweep.errors import StoreUrlError
from sweep.store.sql.access import Access
from sweep.store.sql.text import to_json

# A worker that was frozen inside a transaction must not hold its row locks for ever.
_OPTIONS = "-c idle_in_transaction_session_timeout=60000 -c lock_timeout=30000"
# libpq's: one speaks another protocol, the other writes the keys of the connection to a file.
_REFUSED_OPTIONS = frozenset({"replication", "sslkeylogfile"})
_REPEATABLE = frozenset({"host", "port"})
_HOST = re.compile(r"[\w.:%-]*")


def open_postgresql(text: str, access: Access) -> Engine:
    """An engine for a database of a server. Connects only when it is used.

    Args:
        text: The address, as `parse_store_url` gives it.
        access: Of `READ`, the server refuses every write.

    Raises:
        StoreUrlError: it cannot be taken apart, or has an option that is not taken.
    """
    url = _taken_apart(text)
    query: dict[str, Any] = dict(url.query)
    if "password" in query:  # only there is it masked wherever the engine is shown
        url = url.set(password=str(query.pop("password")))
    options = " ".join([str(query.pop("options", "")), _OPTIONS]).strip()
    engine = create_engine(
        url.set(drivername="postgresql+psycopg", query=query),
        pool_pre_ping=True,
        pool_size=2,  # the work and its heartbeat
        hide_parameters=True,
        json_serializer=to_json,
        isolation_level="READ COMMITTED",
        execution_options={"postgresql_readonly": True} if access is Access.READ else {},
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
    event.listen(engine, "connect", _prepare)
    return engine


def _taken_apart(text: str) -> URL:
    from psycopg.pq import Conninfo

    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise _refused("It is not of the form postgresql://USER:PASSWORD@HOST:PORT/DATABASE.") from None
    # What an unescaped character of a password leaves behind is seen here, before the driver can repeat it.
    if not _HOST.fullmatch(url.host or "") or not 0 < (url.port or 5432) < 65_536:
        raise _refused("What stands where host and port belong is neither.")
    if url.username is None and "@" in text.partition("?")[0]:
        raise _refused("An @ follows the host: what stands before it cannot be told from a password.")
    known = {option.keyword.decode() for option in Conninfo.get_defaults()} - _REFUSED_OPTIONS
    given = [name for name, _ in parse_qsl(_after_host(text, url), keep_blank_values=True)]
    if not known.issuperset(given):
        raise _refused("It has an option that libpq does not have, or that is not taken.")
    if any(given.count(name) > 1 for name in set(given) - _REPEATABLE):
        raise _refused("It has an option twice.")
    return url


def _after_host(text: str, url: URL) -> str:
    """What follows the question mark; one in a password is none."""
    rest = text.partition("://")[2]
    return (rest.partition("@")[2] if url.username is not None else rest).partition("?")[2]


def _refused(why: str) -> StoreUrlError:
    return StoreUrlError(
        "the address of the store cannot be read",
        why=why,
        next="Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE; in the password write %40 for @, %3A "
        "for :, %2F for /, %3F for ?, %23 for #, %25 for %.",
    )


def _prepare(connection: DBAPIConnection, _record: object) -> None:
    # By statement: a PGTZ in the environment wins over options.
    cursor = connection.cursor()
    cursor.execute("SET TIME ZONE 'UTC'")
    cursor.close()
    connection.commit()
