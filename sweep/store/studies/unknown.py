"""The refusal of a study that a database does not have."""

from __future__ import annotations

from difflib import get_close_matches

from sqlalchemy import Connection, select

from sweep.errors import UsageError
from sweep.store.sql.schema import STUDY


def no_such_study(connection: Connection, name: str) -> UsageError:
    """The error for a study that was never launched here; it proposes the one whose name is most like it.

    Args:
        name: As it was typed.
    """
    near = get_close_matches(name, connection.scalars(select(STUDY.c.name)).all(), n=1)
    return UsageError(
        f"there is no study {name!r} in this database" + (f"; did you mean {near[0]!r}?" if near else ""),
        why="It was never launched here, or this is another database.",
        next="`sweep status` lists the studies; --storage or SWEEP_STORAGE names another database.",
    )
