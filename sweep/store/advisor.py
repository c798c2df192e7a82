"""The advisor lease: one worker at a time asks Optuna for a study's next trial, and tells it what came of others."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, or_, select, update

from sweep.store.clock import now
from sweep.store.records import UntoldCell
from sweep.store.schema import CELL, MEASUREMENT, READING, RUN, SCORE, STUDY
from sweep.store.transaction import Store


def advisor_lease(store: Store, study_id: int, owner: str, *, ttl: float = 60.0) -> bool:
    """Take or renew the right to ask for `ttl` seconds; False while another worker has it."""
    free = or_(STUDY.c.advisor_owner.is_(None), STUDY.c.advisor_owner == owner, STUDY.c.advisor_until < now())
    take = update(STUDY).where(STUDY.c.id == study_id, free).values(advisor_owner=owner, advisor_until=now() + ttl)
    return store.write(lambda connection: connection.execute(take).rowcount == 1)


def release_advisor(store: Store, study_id: int, owner: str) -> None:
    """Give the right back; nothing happens when it is no longer held."""
    give = update(STUDY).where(STUDY.c.id == study_id, STUDY.c.advisor_owner == owner)
    store.write(lambda connection: connection.execute(give.values(advisor_owner=None, advisor_until=None)))


def holds_advisor(connection: Connection, study_id: int, owner: str) -> bool:
    """Whether `owner` holds the right now. Locks the study's row, so nobody can take it in this transaction."""
    held = and_(STUDY.c.id == study_id, STUDY.c.advisor_owner == owner, STUDY.c.advisor_until >= now())
    return connection.scalars(select(STUDY.c.id).where(held).with_for_update()).one_or_none() is not None


def linked_trials(store: Store, study_id: int) -> frozenset[int]:
    """Numbers of the trials that have a cell."""
    query = select(CELL.c.trial_number).where(CELL.c.study_id == study_id, CELL.c.trial_number.is_not(None))
    return store.read(lambda connection: frozenset(int(n) for n in connection.scalars(query) if n is not None))


def untold(store: Store, study_id: int) -> tuple[UntoldCell, ...]:
    """Search cells that came to an end and were not marked told, by trial number."""
    query = (
        select(
            CELL.c.id,
            CELL.c.trial_number,
            CELL.c.excluded_reason,
            RUN.c.state.label("run_state"),
            RUN.c.failure_reason.label("run_reason"),
            SCORE.c.id.label("score_id"),
            SCORE.c.state.label("score_state"),
            SCORE.c.failure_reason.label("score_reason"),
        )
        .join(RUN, RUN.c.id == CELL.c.run_id)
        .outerjoin(READING, and_(READING.c.cell_id == CELL.c.id, READING.c.is_primary))
        .outerjoin(SCORE, SCORE.c.id == READING.c.score_id)
        .where(
            CELL.c.study_id == study_id,
            CELL.c.phase == "search",
            CELL.c.trial_number.is_not(None),
            ~CELL.c.told,
            or_(
                CELL.c.excluded_reason.is_not(None),
                RUN.c.state.in_(("pruned", "infeasible", "failed", "cancelled")),
                SCORE.c.state.in_(("complete", "failed", "cancelled")),
            ),
        )
        .order_by(CELL.c.trial_number)
    )

    def work(connection: Connection) -> tuple[UntoldCell, ...]:
        return tuple(_untold_cell(connection, row) for row in connection.execute(query))

    return store.read(work)


def mark_told(store: Store, cell_id: int) -> None:
    """Remember that Optuna was told; may be repeated."""
    told = update(CELL).where(CELL.c.id == cell_id).values(told=True)
    store.write(lambda connection: connection.execute(told))


def _untold_cell(connection: Connection, row: Any) -> UntoldCell:
    values: dict[str, float] = {}
    outcome: Any
    if row.excluded_reason is not None:
        outcome, reason = "cancelled", row.excluded_reason
    elif row.run_state != "trained":
        outcome, reason = row.run_state, row.run_reason
    else:
        outcome, reason = row.score_state, row.score_reason
    if outcome == "complete":
        means = select(MEASUREMENT.c.name, MEASUREMENT.c.value).where(
            MEASUREMENT.c.score_id == row.score_id, MEASUREMENT.c.noise_set == -1
        )
        values = {row.name: row.value for row in connection.execute(means)}
    return UntoldCell(row.id, row.trial_number, outcome, values, reason or "")
