"""The advisor lease: one worker at a time asks Optuna for a study's next trial, and tells it what came of others."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, or_, select, update

from sweep.store.clock import now
from sweep.store.records import UntoldCell
from sweep.store.schema import CellRow, MeasurementRow, ReadingRow, RunRow, ScoreRow, StudyRow
from sweep.store.transaction import Store


def advisor_lease(store: Store, study_id: int, owner: str, *, ttl: float = 60.0) -> bool:
    """Take or renew the right to ask for `ttl` seconds; False while another worker has it."""
    free = or_(StudyRow.advisor_owner.is_(None), StudyRow.advisor_owner == owner, StudyRow.advisor_until < now())
    take = update(StudyRow).where(StudyRow.id == study_id, free).values(advisor_owner=owner, advisor_until=now() + ttl)
    return store.write(lambda connection: connection.execute(take).rowcount == 1)


def release_advisor(store: Store, study_id: int, owner: str) -> None:
    """Give the right back; nothing happens when it is no longer held."""
    give = update(StudyRow).where(StudyRow.id == study_id, StudyRow.advisor_owner == owner)
    store.write(lambda connection: connection.execute(give.values(advisor_owner=None, advisor_until=None)))


def holds_advisor(connection: Connection, study_id: int, owner: str) -> bool:
    """Whether `owner` holds the right now. Locks the study's row, so nobody can take it in this transaction."""
    held = and_(StudyRow.id == study_id, StudyRow.advisor_owner == owner, StudyRow.advisor_until >= now())
    return connection.scalars(select(StudyRow.id).where(held).with_for_update()).one_or_none() is not None


def linked_trials(store: Store, study_id: int) -> frozenset[int]:
    """Numbers of the trials that have a cell."""
    query = select(CellRow.trial_number).where(CellRow.study_id == study_id, CellRow.trial_number.is_not(None))
    return store.read(lambda connection: frozenset(int(n) for n in connection.scalars(query) if n is not None))


def untold(store: Store, study_id: int) -> tuple[UntoldCell, ...]:
    """Search cells that came to an end and were not marked told, by trial number."""
    query = (
        select(
            CellRow.id,
            CellRow.trial_number,
            CellRow.excluded_reason,
            RunRow.state.label("run_state"),
            RunRow.failure_reason.label("run_reason"),
            ScoreRow.id.label("score_id"),
            ScoreRow.state.label("score_state"),
            ScoreRow.failure_reason.label("score_reason"),
        )
        .join(RunRow, RunRow.id == CellRow.run_id)
        .outerjoin(ReadingRow, and_(ReadingRow.cell_id == CellRow.id, ReadingRow.is_primary))
        .outerjoin(ScoreRow, ScoreRow.id == ReadingRow.score_id)
        .where(
            CellRow.study_id == study_id,
            CellRow.phase == "search",
            CellRow.trial_number.is_not(None),
            ~CellRow.told,
            or_(
                CellRow.excluded_reason.is_not(None),
                RunRow.state.in_(("pruned", "infeasible", "failed", "cancelled")),
                ScoreRow.state.in_(("complete", "failed", "cancelled")),
            ),
        )
        .order_by(CellRow.trial_number)
    )

    def work(connection: Connection) -> tuple[UntoldCell, ...]:
        return tuple(_untold_cell(connection, row) for row in connection.execute(query))

    return store.read(work)


def mark_told(store: Store, cell_id: int) -> None:
    """Remember that Optuna was told; may be repeated."""
    told = update(CellRow).where(CellRow.id == cell_id).values(told=True)
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
        means = select(MeasurementRow.name, MeasurementRow.value).where(
            MeasurementRow.score_id == row.score_id, MeasurementRow.noise_set == -1
        )
        values = {row.name: row.value for row in connection.execute(means)}
    return UntoldCell(row.id, row.trial_number, outcome, values, reason or "")
