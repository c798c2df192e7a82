"""Run by Alembic: our tables only, on the connection and inside the transaction of the caller."""

from __future__ import annotations

from typing import Any

from alembic import context

from sweep.store.sql.schema import METADATA
from sweep.store.sql.version import VERSION_TABLE


def include_object(_thing: Any, name: str | None, kind: str, reflected: bool, _compare_to: Any) -> bool:
    """Leave tables alone that are not ours: others' may lie in the same database."""
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
