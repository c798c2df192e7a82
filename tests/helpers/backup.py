"""A copy of all rows of a store, and putting it back: what a restored backup of a database comes to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from sweep.store import Store
from sweep.store.sql.schema import METADATA


class Backup:
    """All rows of a store as they are now."""

    def __init__(self, store: Store) -> None:
        self._rows: dict[str, list[dict[str, Any]]] = store.read(
            lambda connection: {
                table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
                for table in METADATA.sorted_tables
            }
        )

    def restore(self, store: Store) -> None:
        """Put them back; what came since is gone. Nobody may be at work meanwhile."""
        store.write(self._write)

    def _write(self, connection: Connection) -> None:
        for table in reversed(METADATA.sorted_tables):
            connection.execute(delete(table))
        for table in METADATA.sorted_tables:
            if rows := self._rows[table.name]:
                connection.execute(insert(table), rows)
            if connection.dialect.name == "postgresql" and "id" in table.c and table.c.id.type.python_type is int:
                sequence = func.pg_get_serial_sequence(table.name, "id")
                connection.execute(select(func.setval(sequence, max((row["id"] for row in rows), default=0) + 1)))
