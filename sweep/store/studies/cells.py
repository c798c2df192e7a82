"""Cells: which runs a study asks for, and which scores of each. Equal runs and scores are shared by all studies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Integer, Select, bindparam, case, func, select, text

from sweep.errors import LeaseLost, StoreError, UnknownName
from sweep.store import stored_config
from sweep.store.queue.search_lease import holds_advisor
from sweep.store.records import ArmRecord, NewCell
from sweep.store.sql.schema import ARM, CELL
from sweep.store.sql.transaction import Store
from sweep.store.sql.upsert import insert_or_replace
from sweep.store.states import Phase
from sweep.store.studies.arms import append_arms
from sweep.store.studies.demand import (
    BATCH,
    batches,
    withdraw_unwanted_runs,
)
from sweep.store.studies.requested_work import add_runs, add_score_requests
from sweep.store.studies.studies import newest_revision

if TYPE_CHECKING:
    pass

_Slot = tuple[int, str, int]
"""Arm, phase and replicate: at most one cell has them."""


def add_cells(store: Store, study_id: int, cells: Sequence[NewCell]) -> tuple[int, ...]:
    """Add cells with the runs and scores that they ask for.

    This may be called again with the same cells. Runs and scores that exist are used in whatever state they are; only
    cancelled and pruned ones are planned again, since somebody wants them. A cell that a newer revision gives another
    config points to another run from then on.

    Args:
        store: The open database.
        study_id: Row id of the study.
        cells: The cells; their arms are registered.

    Returns:
        Row ids of the cells, in the same order.

    Raises:
        StoreError: The study is not registered.
        UnknownName: An arm is not registered.
    """
    cell_ids = store.write(lambda connection: _add(connection, study_id, cells))
    if len(cells) > BATCH and store.engine.dialect.name == "postgresql":
        # Planned for the empty tables of a moment ago, the status of 10,000 cells takes a minute.
        store.write(lambda connection: connection.execute(text("ANALYZE run, cell, score, reading")))
    return cell_ids


def add_search_cell(
    store: Store, study_id: int, owner: str, arm: ArmRecord, cell: NewCell, *, total: int
) -> int | None:
    """Add one search trial with its arm, unless the study has all its trials.

    Counting and adding are one transaction under the search lease, so the total is exact whatever the number of
    workers. Excluded cells do not count. The same trial number again returns the same cell.

    Args:
        store: The open database.
        study_id: Row id of the study.
        owner: Id of the worker that holds the search lease of the study.
        arm: The arm of the trial.
        cell: The cell of the trial, with its trial number.
        total: Number of trials that the study may have.

    Returns:
        Row id of the cell; None where the study has `total` trials.

    Raises:
        LeaseLost: `owner` does not hold the search lease of the study.
    """

    def work(connection: Connection) -> int | None:
        if not holds_advisor(connection, study_id, owner):
            raise LeaseLost(
                f"worker {owner} does not hold the advisor lease of study {study_id}",
                why="It ran out and another worker took it.",
                next="Nothing to do: the trial is handed out again.",
            )
        known: Any = connection.execute(_trials(), {"study": study_id, "number": cell.trial_number}).one()
        if known.cell_id is not None:
            return int(known.cell_id)
        if known.trials >= total:
            return None
        append_arms(connection, study_id, [arm])
        return _add(connection, study_id, [cell])[0]

    return store.write(work)


@cache
def _trials() -> Select[Any, int]:
    """The cell of a trial's number, and how many trials count."""
    this = case((CELL.c.trial_number == bindparam("number", type_=Integer), CELL.c.id))
    counted = func.count().filter(CELL.c.excluded_reason.is_(None))
    rows_by_key = select(func.max(this).label("cell_id"), counted.label("trials"))
    return rows_by_key.where(CELL.c.study_id == bindparam("study", type_=Integer), CELL.c.phase == Phase.SEARCH)


def _add(connection: Connection, study_id: int, cells: Sequence[NewCell]) -> tuple[int, ...]:
    revision = newest_revision(connection, study_id)
    if revision is None:
        raise StoreError(f"study {study_id} is not in this store")
    newest = revision.number
    protocol = stored_config.protocol(revision.protocol, of=f"revision {newest}")
    arm_ids: dict[str, int] = {}
    for names in batches(sorted({cell.arm_name for cell in cells})):
        arms = select(ARM.c.name, ARM.c.id).where(ARM.c.study_id == study_id, ARM.c.name.in_(names))
        arm_ids |= {row.name: int(row.id) for row in connection.execute(arms)}
    if unknown := sorted({cell.arm_name for cell in cells} - arm_ids.keys()):
        raise UnknownName("arm", unknown[0], arm_ids, where=f"in study {study_id}", next="Register the arm first.")
    run_ids = add_runs(connection, cells)  # of each cell
    before = _existing_cells(connection, arm_ids.values())
    rows: list[dict[str, Any]] = [
        {
            "study_id": study_id,
            "arm_id": arm_ids[cell.arm_name],
            "phase": cell.phase,
            "replicate": cell.replicate,
            "run_id": run_id,
            "revision": _planned_in(before.get((arm_ids[cell.arm_name], cell.phase, cell.replicate)), run_id, newest),
            "trial_number": cell.trial_number,
        }
        for cell, run_id in zip(cells, run_ids, strict=True)
    ]
    insert_or_replace(connection, CELL, rows, key=("arm_id", "phase", "replicate"))
    existing = _existing_cells(connection, arm_ids.values())
    cell_ids = tuple(existing[row["arm_id"], row["phase"], row["replicate"]].id for row in rows)
    add_score_requests(connection, cells, cell_ids, run_ids, protocol)
    left = {old.run_id for key, old in before.items() if existing[key].run_id != old.run_id}
    for some in batches(sorted(left)):
        withdraw_unwanted_runs(connection, some)
    return cell_ids


def _existing_cells(connection: Connection, arm_ids: Iterable[int]) -> dict[_Slot, Any]:
    """(arm, phase, replicate) -> the ids of the cell and of its run, and the revision that planned it."""
    rows_by_key: dict[_Slot, Any] = {}
    for ids in batches(sorted(arm_ids)):
        existing = select(CELL.c.arm_id, CELL.c.phase, CELL.c.replicate, CELL.c.id, CELL.c.run_id, CELL.c.revision)
        for row in connection.execute(existing.where(CELL.c.arm_id.in_(ids))):
            rows_by_key[row.arm_id, row.phase, row.replicate] = row
    return rows_by_key


def _planned_in(old: Any | None, run_id: int, newest: int) -> int:
    """The revision that planned a cell: one that asks for the run that the cell has had before adds nothing."""
    return int(old.revision) if old is not None and old.run_id == run_id else newest
