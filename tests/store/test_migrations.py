"""Tables by migration equal tables by schema, also beside Optuna's; a newer store is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import optuna
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, inspect, text

from sweep.errors import StoreMismatch
from sweep.store import Store, add_cells, cells, open_store
from sweep.store.migrations import upgrade
from sweep.store.queries.file_owners import store_uuid
from sweep.store.sql.schema import METADATA
from sweep.store.sql.version import HEAD, VERSION_TABLE, is_current, version_of
from tests.helpers.tiny_store import new_cell, new_study


def differences(connection: Connection) -> list[Any]:
    def ours(_thing: Any, name: str | None, kind: str, reflected: bool, _compare_to: Any) -> bool:
        return not (kind == "table" and reflected and name not in METADATA.tables)

    options = {"version_table": VERSION_TABLE, "compare_type": True, "include_object": ours}
    found: list[Any] = compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)
    return found


def checks(inspector: Any) -> set[tuple[str, str]]:
    return {
        (table, str(check["name"])) for table in METADATA.tables for check in inspector.get_check_constraints(table)
    }


def test_migrated_tables_are_those_of_the_schema(bare: Store) -> None:
    assert bare.read(version_of) is None
    assert not bare.read(is_current)
    bare.write(upgrade)
    assert bare.read(version_of) == HEAD
    assert bare.read(is_current)

    assert bare.read(differences) == []
    # Alembic compares no checks.
    named = {
        (table.name, str(constraint.name))
        for table in METADATA.tables.values()
        for constraint in table.constraints
        if type(constraint).__name__ == "CheckConstraint"
    }
    assert bare.read(lambda connection: checks(inspect(connection))) == named


def test_the_comparison_sees_a_difference(bare: Store) -> None:
    bare.write(upgrade)
    bare.write(lambda connection: connection.execute(text("ALTER TABLE run ADD COLUMN extra INTEGER")))
    assert len(bare.read(differences)) == 1


def test_migrating_again_changes_nothing(bare: Store) -> None:
    bare.write(upgrade)
    version = bare.read(version_of)
    bare.write(upgrade)
    assert bare.read(is_current)
    assert bare.read(version_of) == version is not None


def test_a_newer_store_is_refused(bare: Store) -> None:
    bare.write(upgrade)
    newer = text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    bare.write(lambda connection: connection.execute(newer))
    with pytest.raises(StoreMismatch, match="newer version") as caught:
        open_store(bare.engine.url.render_as_string(hide_password=False))
    assert "Upgrade" in caught.value.next


def test_an_upgrade_that_breaks_leaves_nothing_behind(bare: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import op

    real = op.create_index

    def breaks(name: str, *args: Any, **kwargs: Any) -> None:
        if name == "ix_reading_score_id":
            raise RuntimeError("killed")
        real(name, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(op, "create_index", breaks)
        with pytest.raises(RuntimeError, match="killed"):
            bare.write(upgrade)

    assert bare.read(lambda connection: inspect(connection).get_table_names()) == []
    bare.write(upgrade)
    assert bare.read(differences) == []


@pytest.mark.parametrize("first", ["ours", "optuna"])
def test_optuna_lives_in_the_same_database(bare: Store, first: str) -> None:
    url = bare.engine.url.render_as_string(hide_password=False)
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def use_optuna() -> None:
        storage = optuna.storages.RDBStorage(url)
        optuna.create_study(study_name="both", storage=storage, load_if_exists=True).ask()
        storage.engine.dispose()

    for turn in ["ours", "optuna"] if first == "ours" else ["optuna", "ours"]:
        bare.write(upgrade) if turn == "ours" else use_optuna()

    assert bare.read(differences) == []
    study = new_study(bare, "both")
    add_cells(bare, study.id, [new_cell(0)])
    use_optuna()
    bare.write(upgrade)
    assert len(cells(bare, study.id)) == 1
    reflected = MetaData()
    bare.read(reflected.reflect)
    assert {"alembic_version", VERSION_TABLE, "studies", "study", "trials"} <= reflected.tables.keys()


def test_a_store_of_the_first_version_is_upgraded_with_what_is_in_it(bare: Store, bare_url: str) -> None:
    """Grows by one step for each released schema: a run of before has no rung, and is trained to its end."""
    with tables_of("0001"):
        bare.write(upgrade)
    assert bare.read(version_of) == "0001"
    assert not bare.read(is_current)
    bare.write(
        lambda connection: connection.execute(
            text(
                'INSERT INTO run (train_key, config, state, seed, step, steps, images, micro_batches, "alphas_bar_T",'
                ' snr_1, "snr_T", prior_bits_per_dim, created_at, token, not_before, crashes, seconds)'
                " VALUES ('k', '{}', 'planned', 0, 3, 9, 24, 1, 0.1, 1, 1, 0, '2026-01-01', 0, 0, 0, 0)"
            )
        )
    )
    for row in (
        "study (name, question, state, created_at) VALUES ('s', '?', 'active', '2026-01-01')",
        "arm (study_id, position, name, changes, is_baseline) VALUES (1, 0, 'trial-0000', '{}', false)",
        "cell (study_id, arm_id, phase, replicate, run_id, revision, trial_number, told)"
        " VALUES (1, 1, 'search', 0, 1, 1, 0, true)",
    ):
        bare.write(lambda connection, row=row: connection.execute(text(f"INSERT INTO {row}")))
    store = open_store(bare_url)
    try:
        assert store.read(is_current)
        found = store.read(lambda c: c.execute(text("SELECT step, until_step, reached_step FROM run")).one())
        assert tuple(found) == (3, None, 0)
        (cell,) = cells(store, 1)
        assert (cell.trial_number, cell.state) == (0, "planned"), "whatever Optuna had been told"
        assert UUID(store_uuid(store))
        assert store.read(differences) == []
    finally:
        store.close()


@contextmanager
def tables_of(revision: str) -> Iterator[None]:
    """`upgrade` as the release whose newest tables were `revision` had it."""
    from alembic import command

    real = command.upgrade
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "upgrade", lambda config, _head: real(config, revision))
        yield
