"""Run by Alembic: our tables only, on the connection and inside the transaction of the caller."""

from __future__ import annotations

from typing import Any

from alembic import context

from sweep.store.sql.schema import METADATA
from sweep.store.sql.version import VERSION_TABLE


def include_object(_thing: Any, name: str | None, kind: str, reflected: bool, _compare_to: Any) -> bool:
    """Whether Alembic may touch an object: tables of other programs may lie in the same database and stay as they are.

    Args:
        name: Name of the table, column, index or constraint.
        kind: What the object is: `table`, `column`, `index`, ...
        reflected: Whether the object was read from the database; otherwise it is defined in our code.

    Returns:
        False for a table of the database that our code does not define.
    """
    return not (kind == "table" and reflected and name not in METADATA.tables)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    include_object=include_object,
    compare_type=True,
    render_as_batch=True,  # SQLite alters a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
