"""Single runs of a study: which cells there are, what a run was configured with, and how it is trained again alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sweep.api.locations import storage_url, store_options
from sweep.api.stored_study import stored_study
from sweep.commands import command
from sweep.config.run import TrainConfig
from sweep.errors import UnknownName, UsageError
from sweep.store.cell_records import CellRecord, ScoreRecord
from sweep.store.queries.attempts import AttemptRecord, attempts_of_run
from sweep.store.queries.views import cells, run_config, trained_by
from sweep.store.records import StudyRecord
from sweep.store.sql.transaction import Store
from sweep.store.states import CellState

__all__ = [
    "AttemptRecord",
    "CellRecord",
    "ScoreRecord",
    "StoredRun",
    "StudyCells",
    "cells_of_run",
    "list_cells",
    "read_run",
]


@dataclass(frozen=True)
class StudyCells:
    """Cells of a study, each an arm at a seed.

    Attributes:
        study: The study.
        cells: The cells that were asked for, in the order of the report.
    """

    study: StudyRecord
    cells: Sequence[CellRecord]


@dataclass(frozen=True)
class StoredRun:
    """A run as the database has it.

    Attributes:
        config: What the run is trained with.
        cells: The cells of the study that this run is the training of.
        device: The device that trained it, such as `cuda:0`; None before it was trained.
        threads: CPU threads of the training; None before it was trained.
        attempts: The attempts at the run and at its scores, the oldest first.
    """

    config: TrainConfig
    cells: Sequence[CellRecord]
    device: str | None
    threads: int | None
    attempts: Sequence[AttemptRecord]

    @property
    def document(self) -> dict[str, Any]:
        """The config as JSON; of images that are given, what they are and what they are compared with."""
        document: dict[str, Any] = self.config.model_dump(mode="json")
        given = self.config.given
        return document if given is None or not given.is_images else {key: document[key] for key in ("given", "data")}


def list_cells(
    name: str, *, state: str | None = None, arm: str | None = None, storage: str | None = None
) -> StudyCells:
    """List the cells of a study.

    Args:
        name: Name of the study.
        state: Only cells in this state, such as `failed`; None for all.
        arm: Only cells of the arm of this name; None for all.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.

    Returns:
        The study and its cells.

    Raises:
        UnknownName: There is no such study, state or arm.
        StoreError: There is no database, or it cannot be read.
    """
    every_cell = command("trials ls", name, *store_options(storage_url(storage)))
    if state is not None and state not in list(CellState):
        raise UnknownName("state of a cell", state, CellState, next=every_cell)
    with stored_study(name, storage) as (store, record):
        arms = [planned.name for planned in record.arms]
        if arm is not None and arm not in arms:
            raise UnknownName("arm", arm, arms, where=f"in study {name!r}", next=every_cell)
        wanted = [cell for cell in cells(store, record.id) if state in (None, cell.state)]
        return StudyCells(record, [cell for cell in wanted if arm in (None, cell.arm_name)])


def read_run(name: str, run: int, *, storage: str | None = None) -> StoredRun:
    """Read one run of a study.

    Args:
        name: Name of the study.
        run: Number of the run, as `list_cells` has it.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.

    Returns:
        Its configuration, cells, device and attempts. Device and threads decide the last bits of its numbers.

    Raises:
        UsageError: There is no such study or run.
        StoreError: There is no database, or it cannot be read.
    """
    with stored_study(name, storage) as (store, record):
        of_run = cells_of_run(store, record, run, storage)
        worker = trained_by(store, run)
        return StoredRun(
            run_config(store, run),
            of_run,
            None if worker is None else worker.device,
            None if worker is None else int(worker.environment["threads"]),
            attempts_of_run(store, run),
        )


def cells_of_run(store: Store, study: StudyRecord, run: int, storage: str | None) -> list[CellRecord]:
    """The cells of a study that a run is the training of.

    Args:
        store: The database.
        study: The study.
        run: Number of the run.
        storage: URL of the database as it was given, for the command that an error proposes.

    Returns:
        At least one cell.

    Raises:
        UsageError: The study has no such run.
    """
    of_run = [cell for cell in cells(store, study.id) if cell.run_id == run]
    if not of_run:
        options = store_options(storage_url(storage))
        raise UsageError(f"study {study.name!r} has no run {run}", next=command("trials ls", study.name, *options))
    return of_run
