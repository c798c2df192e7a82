"""The search lease: one worker at a time asks Optuna for a study's next trial. And which suggestions were infeasible.

Its names say `advisor`, as the columns of the table do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, and_, or_, select, update

from sweep.store.queue.events import add_event
from sweep.store.sql.clock import now
from sweep.store.sql.schema import EVENT, STUDY
from sweep.store.sql.transaction import Store
from sweep.store.states import EventKind

if TYPE_CHECKING:
    from sweep.config.factors import Changes


def advisor_lease(store: Store, study_id: int, owner: str, *, ttl: float = 60.0) -> bool:
    """Take or renew the search lease of a study: its holder alone asks Optuna for the next trial.

    Args:
        store: The open database.
        study_id: Row id of the study.
        owner: Id of the worker that asks.
        ttl: Seconds for which the lease lasts.

    Returns:
        Whether this worker has the lease now; False while another worker has it.
    """
    free = or_(STUDY.c.advisor_owner.is_(None), STUDY.c.advisor_owner == owner, STUDY.c.advisor_until < now())
    take = update(STUDY).where(STUDY.c.id == study_id, free).values(advisor_owner=owner, advisor_until=now() + ttl)
    return store.write(lambda connection: connection.execute(take).rowcount == 1)


def renew_advisor(store: Store, study_id: int, owner: str, *, ttl: float = 60.0) -> bool:
    """Renew the search lease of a study. It is never taken anew.

    Args:
        store: The open database.
        study_id: Row id of the study.
        owner: Id of the worker that has had the lease.
        ttl: Seconds from now for which the lease lasts.

    Returns:
        Whether this worker still has the lease.
    """
    held = update(STUDY).where(STUDY.c.id == study_id, STUDY.c.advisor_owner == owner)
    renewed = held.values(advisor_until=now() + ttl)
    return store.write(lambda connection: connection.execute(renewed).rowcount == 1)


def release_advisor(store: Store, study_id: int, owner: str) -> None:
    """Give the search lease of a study back. Nothing happens where the worker does not hold it any more.

    Args:
        store: The open database.
        study_id: Row id of the study.
        owner: Id of the worker that has had the lease.
    """
    give = update(STUDY).where(STUDY.c.id == study_id, STUDY.c.advisor_owner == owner)
    store.write(lambda connection: connection.execute(give.values(advisor_owner=None, advisor_until=None)))


def holds_advisor(connection: Connection, study_id: int, owner: str) -> bool:
    """Whether a worker holds the search lease of a study. Locks the study's row: nobody can take the lease meanwhile.

    A lease whose time is over and that nobody took still belongs to its owner: no other trial was added meanwhile.

    Args:
        connection: Connection inside a writing transaction.
        study_id: Row id of the study.
        owner: Id of the worker.

    Returns:
        Whether the worker holds the lease.
    """
    held = and_(STUDY.c.id == study_id, STUDY.c.advisor_owner == owner)
    return connection.scalars(select(STUDY.c.id).where(held).with_for_update()).one_or_none() is not None


def record_infeasible_suggestion(
    store: Store, study_id: int, arm_name: str, changes: Changes, *, what: str, why: str
) -> None:
    """Record a suggestion that is infeasible, so that it is not made again. The caller holds the search lease.

    Args:
        store: The open database.
        study_id: Row id of the study.
        arm_name: Name that the arm of the suggestion would have had.
        changes: The suggestion, as its difference from the baseline.
        what: What is infeasible about it, for the log.
        why: The reason behind it, for the log.
    """
    detail = {"arm": arm_name, "changes": dict(changes), "why": why}
    add_event(store, EventKind.INFEASIBLE_DRAW, f"{arm_name}: {what}", study_id=study_id, detail=detail)


def infeasible_suggestions(connection: Connection, study_id: int, after: int) -> tuple[dict[str, Changes], int]:
    """Read the infeasible suggestions that were recorded after an event.

    Args:
        connection: Connection inside a transaction.
        study_id: Row id of the study.
        after: Id of the event up to which everything is known; -1 reads all.

    Returns:
        Arm name -> changes of each suggestion, and the id of the newest event; `after` where there is none.
    """
    query = select(EVENT.c.id, EVENT.c.detail).where(
        EVENT.c.study_id == study_id, EVENT.c.kind == EventKind.INFEASIBLE_DRAW
    )
    rows = connection.execute(query.where(EVENT.c.id > after).order_by(EVENT.c.id)).all()
    return {row.detail["arm"]: row.detail["changes"] for row in rows}, rows[-1].id if rows else after
