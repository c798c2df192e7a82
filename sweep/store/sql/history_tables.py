"""The tables of what happened: curves, attempts at work, the files that came of it, workers, and events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    Named,
    Table,
    TypedColumns,
    UniqueConstraint,
    text,
)

from sweep.store.sql.clock import UtcDateTime, moment
from sweep.store.sql.metadata import JSON_OBJECT, METADATA
from sweep.store.sql.text import Text


class MetricColumns(TypedColumns):
    """One point of a curve. A value that is not finite is NULL and told in `event`."""

    run_id: Named[int] = Column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    name: Named[str] = Column(Text(32), primary_key=True)
    step: Named[int] = Column(Integer, primary_key=True)
    images: Named[int] = Column(BigInteger)
    value: Named[float | None] = Column(Double)
    token: Named[int] = Column(Integer)


METRIC = Table("metric", METADATA, MetricColumns)


class AttemptColumns(TypedColumns):
    """One worker's try at a run or a score."""

    id: Named[int] = Column(Integer, primary_key=True)
    run_id: Named[int] = Column(ForeignKey("run.id"), index=True)
    score_id: Named[int | None] = Column(ForeignKey("score.id", ondelete="CASCADE"), index=True)
    token: Named[int] = Column(Integer)
    worker_id: Named[str] = Column(Text(36), ForeignKey("worker.id"), index=True)
    first_step: Named[int] = Column(Integer, default=0)
    last_step: Named[int] = Column(Integer, default=0)
    started_at: Named[datetime] = Column(UtcDateTime, default=moment())
    ended_at: Named[datetime | None] = Column(UtcDateTime)
    end_reason: Named[str | None] = Column(Text(32))
    detail: Named[str | None] = Column(Text)
    # Workers that held work on its device while it lasted, its own included: above 1, its timings are of a shared one.
    device_workers: Named[int | None] = Column(Integer)
    # Of the trial process: on a GPU what torch reserved there, else resident.
    peak_bytes: Named[int | None] = Column(BigInteger)
    # A `StepExecution`, and why it is not `captured`; NULL before the first point, and of version 0.1.0.
    execution: Named[str | None] = Column(Text(16))
    execution_reason: Named[str | None] = Column(Text)
    # In the names of the files that it writes, see `file_names.py`; empty for those of version 0.1.0.
    file_tag: Named[str] = Column(Text(32), default="", server_default="")


# Two indexes, because a NULL score is unequal to any other NULL.
ATTEMPT = Table(
    "attempt",
    METADATA,
    AttemptColumns,
    Index(
        "uq_attempt_run_token",
        "run_id",
        "token",
        unique=True,
        sqlite_where=text("score_id IS NULL"),
        postgresql_where=text("score_id IS NULL"),
    ),
    Index("uq_attempt_score_token", "score_id", "token", unique=True),
)


class ArtifactColumns(TypedColumns):
    """A file, by its path under the store's folder. Only what is listed here is current."""

    id: Named[int] = Column(Integer, primary_key=True)
    run_id: Named[int] = Column(ForeignKey("run.id"), index=True)
    score_id: Named[int | None] = Column(ForeignKey("score.id", ondelete="CASCADE"), index=True)
    kind: Named[str] = Column(Text(16))
    path: Named[str] = Column(Text)
    sha256: Named[str] = Column(Text(64))
    bytes: Named[int] = Column(BigInteger)
    step: Named[int] = Column(Integer, default=0)
    token: Named[int] = Column(Integer)
    created_at: Named[datetime] = Column(UtcDateTime, default=moment())


ARTIFACT = Table("artifact", METADATA, ArtifactColumns, UniqueConstraint("path"))


class WorkerColumns(TypedColumns):
    """One worker process and the machine it ran on."""

    id: Named[str] = Column(Text(36), primary_key=True)
    host: Named[str] = Column(Text(128))
    boot_id: Named[str] = Column(Text(128))
    pid: Named[int] = Column(Integer)
    pid_started: Named[float] = Column(Double)
    device: Named[str] = Column(Text(128))
    environment: Named[dict[str, Any]] = Column(JSON_OBJECT)
    started_at: Named[datetime] = Column(UtcDateTime, default=moment())
    seen_at: Named[datetime] = Column(UtcDateTime, default=moment())
    ended_at: Named[datetime | None] = Column(UtcDateTime)
    end_reason: Named[str | None] = Column(Text(32))


WORKER = Table("worker", METADATA, WorkerColumns)


class EventColumns(TypedColumns):
    """Append-only log of a study."""

    id: Named[int] = Column(Integer, primary_key=True)
    study_id: Named[int | None] = Column(ForeignKey("study.id", ondelete="CASCADE"), index=True)
    run_id: Named[int | None] = Column(ForeignKey("run.id"), index=True)
    at: Named[datetime] = Column(UtcDateTime, default=moment())
    kind: Named[str] = Column(Text(32))
    message: Named[str] = Column(Text)
    detail: Named[dict[str, Any]] = Column(JSON_OBJECT)


EVENT = Table("event", METADATA, EventColumns)
