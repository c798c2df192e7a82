"""Whole transactions, tried again whole when the database is busy or away.

A reply can be lost after its commit. So whatever runs here must do the same when it runs twice.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError

from sweep.errors import StoreError
from sweep.store.engine import open_engine, shown
from sweep.store.redaction import clean
from sweep.store.version import is_current

PATIENCE_SECONDS = 600.0
_FIRST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 5.0

# SQLite says all of its troubles with one exception; these pass by themselves.
_PASSING = ("locked", "busy", "disk is full", "disk i/o error", "unable to open")
# PostgreSQL says these while connecting, with no code; they never pass by themselves.
_LASTING = (
    "authentication failed",
    "no password supplied",
    "does not exist",
    "no pg_hba.conf entry",
    "name or service",
)

_log = logging.getLogger("sweep.store")

T = TypeVar("T")


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Store:
    """An open store. Safe to share between threads; after a fork, open another.

    Attributes:
        patience_seconds: How long, from its first failure, an operation is tried again while the database is busy or
            away.
        give_up: Whether there is no time for another try, whatever patience is left.
    """

    engine: Engine
    patience_seconds: float = PATIENCE_SECONDS
    give_up: Callable[[], bool] = _never

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one consistent snapshot; never waits for writers."""
        return self._retried(work, writes=False)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one writing transaction; it commits when `work` returns.

        Raises:
            StoreError: the database stayed busy or away for `patience_seconds`.
        """
        return self._retried(work, writes=True)

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    def _retried(self, work: Callable[[Connection], T], *, writes: bool) -> T:
        # From the first failure on: a process that was stopped amid a commit wakes up with all its patience.
        until: float | None = None
        wait = _FIRST_WAIT_SECONDS
        while True:
            try:
                return self._once(work, writes=writes)
            except (OperationalError, InterfaceError) as error:
                now = time.monotonic()
                until = until if until is not None else now + self.patience_seconds
                left = until - now
                if not _passes(error) or left <= 0.0 or self.give_up():
                    raise self._unreachable(error) from error
                _log.warning("%s: %s; trying again", shown(self.engine), _first_line(error))
                # Jitter: workers that failed together must not come back together.
                time.sleep(min(wait * random.uniform(0.5, 1.0), left))  # noqa: S311
                wait = min(2.0 * wait, _LONGEST_WAIT_SECONDS)
            except DatabaseError as error:
                if type(error) is DatabaseError:  # a damaged file, or one that is no database
                    raise self._unreachable(error) from error
                raise

    def _once(self, work: Callable[[Connection], T], *, writes: bool) -> T:
        with self.engine.connect() as connection:
            options = connection.execution_options(sweep_writes=writes)
            if not writes and self.engine.dialect.name == "postgresql":
                options = options.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")
            with options.begin():
                return work(options)

    def _unreachable(self, error: DBAPIError) -> StoreError:
        return StoreError(
            f"the store {shown(self.engine)} cannot be used",
            why=_first_line(error),
            next="Check that it is there and writable, then type the same command again; nothing was lost.",
        )


def open_store(url: str, *, patience_seconds: float = PATIENCE_SECONDS) -> Store:
    """Open a store, creating or upgrading its tables. The usual way in.

    Raises:
        StoreError: it cannot be reached or used.
        StoreMismatch: it was made by a newer version of this program.
    """
    store = Store(open_engine(url), patience_seconds)
    try:
        if not store.read(is_current):
            from sweep.store.migrations import upgrade  # alembic is slow to load, and seldom wanted

            store.write(upgrade)
    except BaseException:
        store.close()
        raise
    return store


def _first_line(error: DBAPIError) -> str:
    return clean(str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__)


def _passes(error: DBAPIError) -> bool:
    message = str(error.orig).lower()
    if type(error.orig).__module__.startswith("sqlite3"):
        return any(word in message for word in _PASSING)
    return not any(word in message for word in _LASTING)
