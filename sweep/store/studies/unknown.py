"""The refusal of a study that a database does not have."""

from __future__ import annotations

from sqlalchemy import Connection, select

from sweep.errors import UnknownName
from sweep.store.sql.schema import STUDY


def no_such_study(connection: Connection, name: str) -> UnknownName:
    """Build the error for a study that was never launched here; it proposes the study with the most similar name.

    Args:
        connection: Connection inside a transaction.
        name: The name as it was typed.

    Returns:
        The error, to be raised.
    """
    return UnknownName(
        "study",
        name,
        connection.scalars(select(STUDY.c.name)),
        where="in this store",
        why="It was never launched here, or this is another database.",
        next="`sweep status` lists the studies; --storage or SWEEP_STORAGE names another database.",
    )
