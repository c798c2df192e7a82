"""The runs and scores that cells ask for: planned where they are new, shared where another study has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, delete, select, tuple_, update

from sweep.config.keys import eval_key, protocol_key, train_key
from sweep.store.records import NewCell
from sweep.store.sql.schedule_columns import schedule_columns
from sweep.store.sql.schema import RUN, SCORE, SCORE_REQUEST, WorkColumns
from sweep.store.sql.upsert import insert_missing
from sweep.store.states import RunState, WorkKind
from sweep.store.studies.demand import PLANNED_AGAIN, batches, lock_wanted, withdraw_unwanted
from sweep.store.studies.trial_changes import note_work_changes

if TYPE_CHECKING:
    from sweep.config.run import EvalConfig, Protocol

# States from which work is planned again when somebody wants it.
_ENDED = (RunState.CANCELLED, RunState.PRUNED)


def add_runs(connection: Connection, cells: Sequence[NewCell]) -> list[int]:
    """Plan the runs that cells ask for, and find those that exist already.

    Args:
        connection: Connection inside a writing transaction.
        cells: The cells.

    Returns:
        Row id of the run of each cell, in the same order.
    """
    keys = [train_key(cell.train_config) for cell in cells]
    rows = {
        key: {
            "train_key": key,
            "config": cell.train_config.model_dump(mode="json"),
            "seed": cell.train_config.seed,
            "steps": cell.train_config.steps,
            **schedule_columns(cell.facts),
            "until_step": cell.until_step,
            # What is given needs no training: its scores can be claimed at once.
            "state": RunState.PLANNED if cell.train_config.given is None else RunState.TRAINED,
        }
        for key, cell in zip(keys, cells, strict=True)
    }
    # In one order everywhere: two studies that add the same runs wait for each other, never crosswise.
    insert_missing(connection, RUN, [rows[key] for key in sorted(rows)])
    ids: list[int] = []
    for batch in batches(sorted(rows)):
        ids += connection.scalars(select(RUN.c.id).where(RUN.c.train_key.in_(batch))).all()
    lock_wanted(connection, WorkKind.TRAIN, ids)
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


def add_score_requests(
    connection: Connection,
    cells: Sequence[NewCell],
    cell_ids: Sequence[int],
    run_ids: Sequence[int],
    protocol: Protocol,
) -> None:
    """Plan the scores that cells ask for, and replace the requests of an older revision by these.

    Args:
        connection: Connection inside a writing transaction.
        cells: The cells.
        cell_ids: Row id of each cell, in the same order.
        run_ids: Row id of the run of each cell, in the same order.
        protocol: What the scores are made under.
    """
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
    lock_wanted(connection, WorkKind.SCORE, ids)
    rows_by_key: dict[tuple[int, str], Any] = {}
    for batch in batches(sorted(ids)):
        known = select(SCORE.c.run_id, SCORE.c.eval_key, SCORE.c.id, SCORE.c.state).where(SCORE.c.id.in_(batch))
        rows_by_key |= {(row.run_id, row.eval_key): row for row in connection.execute(known)}
    _plan_again(connection, SCORE, rows_by_key.values())
    rows: list[dict[str, Any]] = [
        {"cell_id": cell_id, "score_id": rows_by_key[key].id, "level": level, "is_primary": is_primary}
        for cell_id, key, level, is_primary in wanted
    ]
    before = _withdraw_requests(connection, cell_ids)
    insert_missing(connection, SCORE_REQUEST, rows)
    for some in batches(sorted(before - set(ids))):
        withdraw_unwanted(connection, WorkKind.SCORE, some)


def _withdraw_requests(connection: Connection, cell_ids: Sequence[int]) -> set[int]:
    """Delete the requests of an older revision. The scores themselves stay: row ids of those that were requested."""
    requested: set[int] = set()
    for some in batches(sorted(set(cell_ids))):
        withdrawn = delete(SCORE_REQUEST).where(SCORE_REQUEST.c.cell_id.in_(some))
        requested |= set(connection.scalars(withdrawn.returning(SCORE_REQUEST.c.score_id)))
    return requested


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
