"""The database's clock. No decision ever reads the clock of a worker: it may be an hour off."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Float
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """Timezone-aware UTC on both sides; SQLite stores no zone, so it is put back when read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: object) -> datetime | None:
        """Convert a time to UTC on its way into the database.

        Args:
            value: The time, with a zone; None for NULL.
            dialect: The dialect of the database; not used.

        Returns:
            The time in UTC.

        Raises:
            ValueError: The time has no zone: it would mean another moment on another machine.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive time reached the store: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: object) -> datetime | None:
        """Give a time of the database its zone.

        Args:
            value: The time as the driver returns it; SQLite returns it without a zone.
            dialect: The dialect of the database; not used.

        Returns:
            The time in UTC, with its zone.
        """
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# A statement's own start, not the transaction's: a transaction may have waited long for a lock. Stable within the
# statement, so that an index can be used and every row is judged at the same moment.


class now(FunctionElement[float]):
    """Seconds since 1970 UTC, at the start of the statement."""

    type = Float()
    inherit_cache = True


class moment(FunctionElement[datetime]):
    """The same instant as a time with a zone, for people."""

    type = UtcDateTime()
    inherit_cache = True


class uptime(FunctionElement[float]):
    """Seconds that the database server has been up: after an outage nobody could renew a lease."""

    type = Float()
    inherit_cache = True


class seconds_since(FunctionElement[float]):
    """Seconds from a stored time, the one argument, to the start of the statement."""

    type = Float()
    inherit_cache = True


_SQL: dict[type[FunctionElement[Any]], dict[str, str]] = {
    now: {
        "postgresql": "CAST(EXTRACT(EPOCH FROM statement_timestamp()) AS FLOAT8)",
        "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    },
    moment: {
        "postgresql": "statement_timestamp()",
        # Milliseconds, padded to the six digits that SQLAlchemy writes, so that texts sort as times.
        "sqlite": "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')",
    },
    uptime: {
        "postgresql": "CAST(EXTRACT(EPOCH FROM statement_timestamp() - pg_postmaster_start_time()) AS FLOAT8)",
        "sqlite": "1e9",  # a file has no outages
    },
}


@compiles(now)
@compiles(moment)
@compiles(uptime)
def _spell(element: FunctionElement[Any], compiler: Any, **_: Any) -> str:
    return _SQL[type(element)][compiler.dialect.name]


@compiles(seconds_since, "postgresql")
def _since_postgresql(element: FunctionElement[Any], compiler: Any, **options: Any) -> str:
    then = compiler.process(element.clauses, **options)
    return f"CAST(EXTRACT(EPOCH FROM statement_timestamp() - ({then})) AS FLOAT8)"


@compiles(seconds_since, "sqlite")
def _since_sqlite(element: FunctionElement[Any], compiler: Any, **options: Any) -> str:
    then = compiler.process(element.clauses, **options)
    return f"((julianday('now') - julianday({then})) * 86400.0)"
