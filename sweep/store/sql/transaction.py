"""Whole transactions, tried again whole when the database is busy or away.

A reply can be lost after its commit. So whatever runs here must do the same when it runs twice.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from sweep.store.sql.database_errors import reason_of, store_error, verdict_on
from sweep.store.sql.engine import display_url

PATIENCE_SECONDS = 600.0
_FIRST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 5.0

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
        """Run a function in one transaction on a consistent snapshot. It never waits for writers.

        Args:
            work: Reads by the connection that it is given. It may run more than once.

        Returns:
            What `work` returned.

        Raises:
            StoreError: The database stayed busy or away for `patience_seconds`, or refuses for good.
            StoreMismatch: Its tables are not those of this version.
        """
        return self._retried(work, writes=False)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run a function in one writing transaction, which commits when the function returns.

        Args:
            work: Reads and writes by the connection that it is given. It may run more than once, also after a commit
            whose
                reply was lost, so it must do the same when it runs twice.

        Returns:
            What `work` returned.

        Raises:
            StoreError: The database stayed busy or away for `patience_seconds`, or refuses for good.
            StoreMismatch: Its tables are not those of this version.
        """
        return self._retried(work, writes=True)

    def close(self) -> None:
        """Give the connections back, also for a while: what is asked next opens new ones."""
        self.engine.dispose()

    def _retried(self, work: Callable[[Connection], T], *, writes: bool) -> T:
        # From the first failure on: a process that was stopped amid a commit wakes up with all its patience.
        until: float | None = None
        wait = _FIRST_WAIT_SECONDS
        while True:
            try:
                return self._once(work, writes=writes)
            except DBAPIError as error:
                verdict = verdict_on(error)
                if verdict is None:
                    raise
                now = time.monotonic()
                until = until if until is not None else now + self.patience_seconds
                left = until - now
                if not verdict.passes or left <= 0.0 or self.give_up():
                    raise store_error(self.engine, error, verdict) from error
                _log.warning("%s: %s; trying again", display_url(self.engine), reason_of(self.engine, error))
                # The next try is on a new connection, which may lead to another server.
                self.engine.dispose()
                # Jitter: workers that failed together must not come back together.
                time.sleep(min(wait * random.uniform(0.5, 1.0), left))  # noqa: S311 - jitter, not secrets
                wait = min(2.0 * wait, _LONGEST_WAIT_SECONDS)

    def _once(self, work: Callable[[Connection], T], *, writes: bool) -> T:
        with self.engine.connect() as connection:
            options = connection.execution_options(sweep_writes=writes)
            if not writes and self.engine.dialect.name == "postgresql":
                options = options.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")
            with options.begin():
                return work(options)


@contextmanager
def read_transaction(engine: Engine) -> Iterator[Connection]:
    """Open a connection for statements that read; it is tried once.

    Args:
        engine: The engine of an open store.

    Returns:
        A context manager that yields the connection.

    Raises:
        StoreError: The database is away.
        StoreMismatch: Its tables are not those of this version.
    """
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        verdict = verdict_on(error)
        if verdict is None:
            raise
        raise store_error(engine, error, verdict) from error
