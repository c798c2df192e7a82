"""INSERT ... ON CONFLICT, which SQLAlchemy spells once for each database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def _insert(connection: Connection, table: Table[Any]) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def insert_missing(connection: Connection, table: Table[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows that break no unique constraint; leave the others as they are.

    Args:
        connection: Connection inside a writing transaction.
        table: The table.
        rows: Column -> value of each row; all rows have the same columns.
    """
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), list(rows))


def insert_or_replace(
    connection: Connection, table: Table[Any], rows: Sequence[Mapping[str, Any]], *, key: Sequence[str]
) -> None:
    """Insert the rows; where a row with the same key exists, set its other columns to the new values.

    Args:
        connection: Connection inside a writing transaction.
        table: The table.
        rows: Column -> value of each row; all rows have the same columns, and no two the same key.
        key: Columns of a unique constraint.
    """
    if rows:
        statement = _insert(connection, table)
        values = {name: statement.excluded[name] for name in rows[0] if name not in key}
        connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values), list(rows))
