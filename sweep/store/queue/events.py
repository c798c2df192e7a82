"""The log: append-only, in the same transaction as what it tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select

from sweep.redaction import clean, clean_json
from sweep.store.records import EventRecord
from sweep.store.sql.schema import EVENT
from sweep.store.sql.transaction import Store
from sweep.store.states import EventKind, FailureClass


def write_event(
    connection: Connection,
    kind: EventKind | FailureClass,
    message: str,
    *,
    study_id: int | None = None,
    run_id: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Append one line inside a transaction; passwords in it are masked."""
    values = {
        "kind": kind,
        "message": clean(message),
        "study_id": study_id,
        "run_id": run_id,
        "detail": clean_json(detail or {}),
    }
    connection.execute(insert(EVENT).values(values))


def add_event(
    store: Store,
    kind: EventKind | FailureClass,
    message: str,
    *,
    study_id: int | None = None,
    run_id: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Append one line. A lost reply may write it twice."""
    message, detail = clean(message), clean_json(detail or {})
    store.write(
        lambda connection: write_event(connection, kind, message, study_id=study_id, run_id=run_id, detail=detail)
    )


def add_event_once(store: Store, kind: EventKind, message: str, *, study_id: int) -> None:
    """Append a line unless the study has one of this kind. Two workers at once may both append it."""
    query = select(EVENT.c.id).where(EVENT.c.study_id == study_id, EVENT.c.kind == kind).limit(1)
    if store.read(lambda connection: connection.execute(query).first()) is None:
        add_event(store, kind, message, study_id=study_id)


def events(store: Store, study_id: int | None = None, *, limit: int = 100) -> tuple[EventRecord, ...]:
    """The newest lines, newest first; of one study, or of all."""

    def work(connection: Connection) -> tuple[EventRecord, ...]:
        query = select(EVENT).order_by(EVENT.c.id.desc()).limit(limit)
        if study_id is not None:
            query = query.where(EVENT.c.study_id == study_id)
        return tuple(
            EventRecord(row.at, row.kind, row.message, row.study_id, row.run_id, row.detail)
            for row in connection.execute(query)
        )

    return store.read(work)
