"""Which tables a store has. Every command asks, so it is asked without alembic, which is slow to load."""

from __future__ import annotations

from sqlalchemy import Connection, column, inspect, select, table

from sweep.errors import StoreMismatch

# Other programs, such as Optuna, may keep their own `alembic_version` in the same database.
VERSION_TABLE = "sweep_alembic_version"
# Number of the newest migration.
HEAD = "0008"


def version_of(connection: Connection) -> str | None:
    """Revision of our tables; None before the first."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    number = connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar_one_or_none()
    return None if number is None else str(number)


def is_older(version: str) -> bool:
    """Whether tables of this revision are of an older version of the code: revisions are numbers of four digits."""
    return version < HEAD


def is_current(connection: Connection) -> bool:
    """Whether the tables are those of this code."""
    return version_of(connection) == HEAD


def check_not_newer(version: str | None) -> None:
    """Refuse tables that this code cannot know.

    Raises:
        StoreMismatch: they are of a newer version.
    """
    if version is not None and version > HEAD:
        raise StoreMismatch(
            f"this store was made by a newer version of sweep (tables {version})",
            why=f"This version knows tables up to {HEAD}.",
            next="Upgrade sweep on this machine, then type the same command again.",
        )
