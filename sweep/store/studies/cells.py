"""Cells: which runs a study asks for, and which scores of each. Equal runs and scores are shared by all studies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Integer, Select, Table, bindparam, case, delete, func, select, text, tuple_, update

from sweep.config.keys import eval_key, protocol_key, train_key
from sweep.errors import LeaseLost, StoreError, UnknownName
from sweep.store import stored_config
from sweep.store.queue.search_lease import holds_advisor
from sweep.store.records import ArmRecord, NewCell
from sweep.store.sql.schema import ARM, CELL, RUN, SCORE, SCORE_REQUEST, WorkColumns
from sweep.store.sql.transaction import Store
from sweep.store.sql.upsert import insert_missing, insert_or_replace
from sweep.store.states import Phase, RunState, WorkKind
from sweep.store.studies.demand import BATCH, PLANNED_AGAIN, batches, hold, withdraw_unwanted, withdraw_unwanted_runs
from sweep.store.studies.studies import append_arms, newest_revision
from sweep.store.studies.trial_changes import note_work_changes

if TYPE_CHECKING:
    from sweep.config.run import EvalConfig, Protocol

# What is planned anew when somebody wants it again.
_ENDED = (RunState.CANCELLED, RunState.PRUNED)
_Slot = tuple[int, str, int]
"""Arm, phase and replicate: at most one cell has them."""


def add_cells(store: Store, study_id: int, cells: Sequence[NewCell]) -> tuple[int, ...]:
    """Add cells with their runs, scores and readings; return the ids of the cells, in order.

    May be called again with the same cells. Runs and scores that are there are used in whatever state they are; only
    cancelled and pruned ones are planned anew, since somebody wants them again. A cell that a newer revision gives
    another config points to another run from then on.

    Raises:
        StoreError: the study is not registered.
        UnknownName: an arm is not registered.
    """
    cell_ids = store.write(lambda connection: _add(connection, study_id, cells))
    if len(cells) > BATCH and store.engine.dialect.name == "postgresql":
        # Planned for the empty tables of a moment ago, the status of 10,000 cells takes a minute.
        store.write(lambda connection: connection.execute(text("ANALYZE run, cell, score, reading")))
    return cell_ids


def add_search_cell(
    store: Store, study_id: int, owner: str, arm: ArmRecord, cell: NewCell, *, total: int
) -> int | None:
    """Add one search trial with its arm, unless the study has `total` of them: then None. Returns the cell's id.

    Counting and adding are one transaction under the advisor lease, so the total is exact whatever the number of
    workers. Excluded cells do not count. The same trial number again returns the same cell.

    Raises:
        LeaseLost: `owner` does not hold the study's advisor lease.
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
    run_ids = _add_runs(connection, cells)  # of each cell
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
    _add_score_requests(connection, cells, cell_ids, run_ids, protocol)
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


def _add_runs(connection: Connection, cells: Sequence[NewCell]) -> list[int]:
    keys = [train_key(cell.train_config) for cell in cells]
    rows = {
        key: {
            "train_key": key,
            "config": cell.train_config.model_dump(mode="json"),
            "seed": cell.train_config.seed,
            "steps": cell.train_config.steps,
            "alphas_bar_T": cell.facts.alphas_bar_T,
            "snr_1": cell.facts.snr_1,
            "snr_T": cell.facts.snr_T,
            "prior_bits_per_dim": cell.facts.prior_bits_per_dim,
            "until_step": cell.until_step,
        }
        for key, cell in zip(keys, cells, strict=True)
    }
    # In one order everywhere: two studies that add the same runs wait for each other, never crosswise.
    insert_missing(connection, RUN, [rows[key] for key in sorted(rows)])
    ids: list[int] = []
    for batch in batches(sorted(rows)):
        ids += connection.scalars(select(RUN.c.id).where(RUN.c.train_key.in_(batch))).all()
    hold(connection, WorkKind.TRAIN, ids)
    rows_by_key: dict[str, Any] = {}
    for batch in batches(sorted(ids)):
        known = select(RUN.c.train_key, RUN.c.id, RUN.c.state, RUN.c.until_step).where(RUN.c.id.in_(batch))
        rows_by_key |= {row.train_key: row for row in connection.execute(known)}
    _plan_again(connection, RUN, rows_by_key.values())
    # Whoever wants a run whole gets it whole, also where a search would pause it.
    wanted_whole = {key for key, cell in zip(keys, cells, strict=True) if cell.until_step is None}
    paused = sorted(rows_by_key[key].id for key in wanted_whole if rows_by_key[key].until_step is not None)
    for batch in batches(paused):
        connection.execute(update(RUN).where(RUN.c.id.in_(batch)).values(until_step=None))
    return [int(rows_by_key[key].id) for key in keys]


def _add_score_requests(
    connection: Connection,
    cells: Sequence[NewCell],
    cell_ids: Sequence[int],
    run_ids: Sequence[int],
    protocol: Protocol,
) -> None:
    shared_key, shared = protocol_key(protocol), protocol.model_dump(mode="json")
    scores: dict[tuple[int, str], dict[str, Any]] = {}
    wanted = []
    keys: dict[EvalConfig, str] = {}
    for cell, cell_id, run_id in zip(cells, cell_ids, run_ids, strict=True):
        for request in cell.score_requests:
            # The same few evaluations are asked of every run.
            if request.eval_config not in keys:
                keys[request.eval_config] = eval_key(request.eval_config, protocol)
            key = keys[request.eval_config]
            config = request.eval_config.model_dump(mode="json")
            scores[run_id, key] = {
                "run_id": run_id,
                "eval_key": key,
                "config": config,
                "protocol": shared,
                "protocol_key": shared_key,
            }
            wanted.append((cell_id, (run_id, key), dict(request.level), request.is_primary))
    insert_missing(connection, SCORE, [scores[key] for key in sorted(scores)])
    ids: list[int] = []
    for batch in batches(sorted(scores)):
        identity = tuple_(SCORE.c.run_id, SCORE.c.eval_key)
        ids += connection.scalars(select(SCORE.c.id).where(identity.in_(batch))).all()
    hold(connection, WorkKind.SCORE, ids)
    rows_by_key: dict[tuple[int, str], Any] = {}
    for batch in batches(sorted(ids)):
        known = select(SCORE.c.run_id, SCORE.c.eval_key, SCORE.c.id, SCORE.c.state).where(SCORE.c.id.in_(batch))
        rows_by_key |= {(row.run_id, row.eval_key): row for row in connection.execute(known)}
    _plan_again(connection, SCORE, rows_by_key.values())
    rows: list[dict[str, Any]] = [
        {"cell_id": cell_id, "score_id": rows_by_key[key].id, "level": level, "is_primary": is_primary}
        for cell_id, key, level, is_primary in wanted
    ]
    # Readings of an older revision go; the scores themselves stay.
    before: set[int] = set()
    for some in batches(sorted(set(cell_ids))):
        before |= set(
            connection.scalars(
                delete(SCORE_REQUEST).where(SCORE_REQUEST.c.cell_id.in_(some)).returning(SCORE_REQUEST.c.score_id)
            )
        )
    insert_missing(connection, SCORE_REQUEST, rows)
    for some in batches(sorted(before - set(ids))):
        withdraw_unwanted(connection, WorkKind.SCORE, some)


def _plan_again(connection: Connection, table: Table[WorkColumns], rows_by_key: Iterable[Any]) -> None:
    for ids in batches(sorted(row.id for row in rows_by_key if row.state in _ENDED)):
        condition = [table.c.id.in_(ids), table.c.state.in_(_ENDED)]
        if table is SCORE:
            # One that was cancelled because its run came to nothing stays so until the run is planned again.
            hopeless = select(RUN.c.id).where(
                RUN.c.state.in_((RunState.INFEASIBLE, RunState.FAILED, RunState.CANCELLED))
            )
            condition.append(SCORE.c.run_id.not_in(hopeless))
        planned = update(table).where(*condition).values(PLANNED_AGAIN).returning(table.c.id)
        note_work_changes(
            connection, WorkKind.TRAIN if table is RUN else WorkKind.SCORE, connection.scalars(planned).all()
        )
