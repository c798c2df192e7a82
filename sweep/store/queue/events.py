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
    """Append a line to the log inside a transaction. Passwords in its texts are masked.

    Args:
        connection: Connection inside a writing transaction.
        kind: What happened.
        message: What happened, as a sentence for people.
        study_id: Row id of the study that it concerns; None for none.
        run_id: Row id of the run that it concerns; None for none.
        detail: Evidence as JSON values; None for none.
    """
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
    """Append a line to the log. After a lost reply it may be written twice.

    Args:
        store: The open database.
        kind: What happened.
        message: What happened, as a sentence for people. Passwords in it are masked.
        study_id: Row id of the study that it concerns; None for none.
        run_id: Row id of the run that it concerns; None for none.
        detail: Evidence as JSON values; None for none.
    """
    message, detail = clean(message), clean_json(detail or {})
    store.write(
        lambda connection: write_event(connection, kind, message, study_id=study_id, run_id=run_id, detail=detail)
    )


def add_event_once(store: Store, kind: EventKind, message: str, *, study_id: int) -> None:
    """Append a line to the log unless the study has a line of this kind. Two workers at once may both append it.

    Args:
        store: The open database.
        kind: What happened.
        message: What happened, as a sentence for people. Passwords in it are masked.
        study_id: Row id of the study that it concerns.
    """
    query = select(EVENT.c.id).where(EVENT.c.study_id == study_id, EVENT.c.kind == kind).limit(1)
    if store.read(lambda connection: connection.execute(query).first()) is None:
        add_event(store, kind, message, study_id=study_id)


def events(store: Store, study_id: int | None = None, *, limit: int = 100) -> tuple[EventRecord, ...]:
    """Read the newest lines of the log.

    Args:
        store: The open database.
        study_id: Row id of one study; None for all studies.
        limit: The most lines to read.

    Returns:
        The lines, the newest first.
    """

    def work(connection: Connection) -> tuple[EventRecord, ...]:
        query = select(EVENT).order_by(EVENT.c.id.desc()).limit(limit)
        if study_id is not None:
            query = query.where(EVENT.c.study_id == study_id)
        return tuple(
            EventRecord(row.at, row.kind, row.message, row.study_id, row.run_id, row.detail)
            for row in connection.execute(query)
        )

    return store.read(work)
