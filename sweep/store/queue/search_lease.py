"""The advisor lease: one worker at a time asks Optuna for a study's next trial. And what it refused."""

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

"""WorkKind of the event that tells of a suggestion that makes no sense."""


def advisor_lease(store: Store, study_id: int, owner: str, *, ttl: float = 60.0) -> bool:
    """Take or renew the right to ask for `ttl` seconds; False while another worker has it."""
    free = or_(STUDY.c.advisor_owner.is_(None), STUDY.c.advisor_owner == owner, STUDY.c.advisor_until < now())
    take = update(STUDY).where(STUDY.c.id == study_id, free).values(advisor_owner=owner, advisor_until=now() + ttl)
    return store.write(lambda connection: connection.execute(take).rowcount == 1)


def renew_advisor(store: Store, study_id: int, owner: str, *, ttl: float = 60.0) -> bool:
    """Hold the right for `ttl` more seconds; False when it is no longer `owner`'s. Never takes it anew."""
    held = update(STUDY).where(STUDY.c.id == study_id, STUDY.c.advisor_owner == owner)
    renewed = held.values(advisor_until=now() + ttl)
    return store.write(lambda connection: connection.execute(renewed).rowcount == 1)


def release_advisor(store: Store, study_id: int, owner: str) -> None:
    """Give the right back; nothing happens when it is no longer held."""
    give = update(STUDY).where(STUDY.c.id == study_id, STUDY.c.advisor_owner == owner)
    store.write(lambda connection: connection.execute(give.values(advisor_owner=None, advisor_until=None)))


def holds_advisor(connection: Connection, study_id: int, owner: str) -> bool:
    """Whether `owner` holds the right. Locks the study's row, so nobody can take it in this transaction.

    A right whose time is over and that nobody took is still the owner's: no other trial was added meanwhile.
    """
    held = and_(STUDY.c.id == study_id, STUDY.c.advisor_owner == owner)
    return connection.scalars(select(STUDY.c.id).where(held).with_for_update()).one_or_none() is not None


def refuse(store: Store, study_id: int, arm_name: str, changes: Changes, *, what: str, why: str) -> None:
    """Keep a suggestion that makes no sense, so that it is not made again. Hold the right to ask. May be repeated.

    Args:
        arm_name: That it would have had.
    """
    detail = {"arm": arm_name, "changes": dict(changes), "why": why}
    add_event(store, EventKind.INFEASIBLE_DRAW, f"{arm_name}: {what}", study_id=study_id, detail=detail)


def refusals(connection: Connection, study_id: int, after: int) -> tuple[dict[str, Changes], int]:
    """Arm name -> changes of what was refused since the event with the id `after`, and the id of the newest."""
    query = select(EVENT.c.id, EVENT.c.detail).where(
        EVENT.c.study_id == study_id, EVENT.c.kind == EventKind.INFEASIBLE_DRAW
    )
    rows = connection.execute(query.where(EVENT.c.id > after).order_by(EVENT.c.id)).all()
    return {row.detail["arm"]: row.detail["changes"] for row in rows}, rows[-1].id if rows else after
