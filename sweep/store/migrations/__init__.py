"""Bringing the tables up to this version of the code."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from sweep.errors import StoreMismatch
from sweep.store.version import version_of

_LOCK = 0x5357454550  # "SWEEP"; any number that nobody else uses


def upgrade(connection: Connection) -> None:
    """Create or upgrade our tables; does nothing when they are current. Several processes may call it at once.

    Args:
        connection: In a writing transaction, which makes the upgrade all or nothing on both databases.

    Raises:
        StoreMismatch: the store is newer than this code.
    """
    # SQLite's BEGIN IMMEDIATE already lets one process in at a time.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    config = _config()
    scripts = ScriptDirectory.from_config(config)
    version = version_of(connection)
    if version is not None and version not in {script.revision for script in scripts.walk_revisions()}:
        raise StoreMismatch(
            f"this store was made by a newer version of sweep (tables {version})",
            why=f"This version knows tables up to {scripts.get_current_head()}.",
            next="Upgrade sweep on this machine, then type the same command again.",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
