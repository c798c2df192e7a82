"""Bringing the tables up to this version of the code."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, or_, select, text

from sweep.errors import StoreMismatch
from sweep.store.sql.clock import moment, now
from sweep.store.sql.schema import RUN, SCORE, WORKER
from sweep.store.sql.version import HEAD, check_not_newer, is_older, version_of

_LOCK = 0x5357454550  # "SWEEP"; any number that nobody else uses
# An idle worker is seen every 25 s, a busy one six times in the time of its lease.
SILENCE_SECONDS = 120.0


def upgrade(connection: Connection) -> None:
    """Create or upgrade our tables; does nothing when they are current. Several processes may call it at once.

    Args:
        connection: In a writing transaction, which makes the upgrade all or nothing on both databases.

    Raises:
        StoreMismatch: the store is newer than this code, or workers of older code are at work in it.
    """
    # SQLite's BEGIN IMMEDIATE already lets one process in at a time.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    config = _config()
    version = version_of(connection)
    check_not_newer(version)
    if version is not None and is_older(version):
        _refuse_under_workers(connection, version)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _refuse_under_workers(connection: Connection, version: str) -> None:
    """Those at work were begun under the old tables, so their code is that of an older version."""
    # By columns that every version has.
    unended = select(WORKER.c.host, WORKER.c.seen_at, moment()).where(WORKER.c.ended_at.is_(None))
    seen = connection.execute(unended).all()
    living = [host for host, seen_at, at in seen if (at - seen_at).total_seconds() < SILENCE_SECONDS]
    leases = select(or_(*(select(table.c.id).where(table.c.lease_until > now()).exists() for table in (RUN, SCORE))))
    if living or connection.scalar(leases):
        hosts = f" on {', '.join(sorted(set(living)))}" if living else ""
        raise StoreMismatch(
            f"workers of an older version of sweep are at work in this store{hosts}",
            why=f"Its tables ({version}) would change under them (to {HEAD}). Nothing was changed.",
            next=f"Stop them (sweep stop NAME, with their version), or wait until they have been silent for "
            f"{SILENCE_SECONDS:.0f} s and their leases are over; then type the same command again.",
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
