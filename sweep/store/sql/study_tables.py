"""The tables of what was asked: studies, their accepted revisions, arms and cells."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    Named,
    Table,
    TypedColumns,
    UniqueConstraint,
)

from sweep.store.sql.clock import UtcDateTime, moment
from sweep.store.sql.metadata import JSON_OBJECT, METADATA
from sweep.store.sql.text import Text
from sweep.store.states import Phase, StudyState

_STUDY_STATES = tuple(state.value for state in StudyState)
_PHASES = tuple(phase.value for phase in Phase)


class StoreIdentityColumns(TypedColumns):
    """One row: who this store is, in the names of the files that its attempts write."""

    id: Named[int] = Column(Integer, primary_key=True)
    uuid: Named[str] = Column(Text(36))


STORE_IDENTITY = Table("store_identity", METADATA, StoreIdentityColumns)


class StudyColumns(TypedColumns):
    """One question."""

    id: Named[int] = Column(Integer, primary_key=True)
    name: Named[str] = Column(Text(64), unique=True)
    question: Named[str] = Column(Text)
    state: Named[str] = Column(Text(16), default="active")
    created_at: Named[datetime] = Column(UtcDateTime, default=moment())
    # Only the holder asks Optuna: serial asks end duplicates, and draws follow the trial number.
    advisor_owner: Named[str | None] = Column(Text(36))
    advisor_until: Named[float | None] = Column(Double)


STUDY = Table("study", METADATA, StudyColumns, CheckConstraint(f"state IN {_STUDY_STATES}", name="state"))


class RevisionColumns(TypedColumns):
    """One accepted version of a study file, whole, with the protocol that its scores are made under."""

    id: Named[int] = Column(Integer, primary_key=True)
    study_id: Named[int] = Column(ForeignKey("study.id", ondelete="CASCADE"), index=True)
    number: Named[int] = Column(Integer)
    spec: Named[dict[str, Any]] = Column(JSON_OBJECT)
    spec_sha256: Named[str] = Column(Text(64))
    arms_sha256: Named[str] = Column(Text(64))
    protocol: Named[dict[str, Any]] = Column(JSON_OBJECT)
    protocol_key: Named[str] = Column(Text(64))
    versions: Named[dict[str, Any]] = Column(JSON_OBJECT)
    reason: Named[str] = Column(Text)
    accepted_at: Named[datetime] = Column(UtcDateTime, default=moment())


REVISION = Table("revision", METADATA, RevisionColumns, UniqueConstraint("study_id", "number"))


class ArmColumns(TypedColumns):
    """One combination of levels, as its difference from the baseline: {field: value}."""

    id: Named[int] = Column(Integer, primary_key=True)
    study_id: Named[int] = Column(ForeignKey("study.id", ondelete="CASCADE"))
    position: Named[int] = Column(Integer)
    name: Named[str] = Column(Text(128))
    changes: Named[dict[str, Any]] = Column(JSON_OBJECT)
    is_baseline: Named[bool] = Column(Boolean, default=False)


ARM = Table(
    "arm",
    METADATA,
    ArmColumns,
    UniqueConstraint("study_id", "name"),
    Index("ix_arm_study_id_position", "study_id", "position"),
)


class CellColumns(TypedColumns):
    """One replicate of an arm: asks for one run. A search trial is a cell of phase `search`."""

    id: Named[int] = Column(Integer, primary_key=True)
    study_id: Named[int] = Column(ForeignKey("study.id", ondelete="CASCADE"), index=True)
    arm_id: Named[int] = Column(ForeignKey("arm.id", ondelete="CASCADE"), index=True)
    phase: Named[str] = Column(Text(16))
    replicate: Named[int] = Column(Integer)
    run_id: Named[int] = Column(ForeignKey("run.id"), index=True)
    revision: Named[int] = Column(Integer)
    trial_number: Named[int | None] = Column(Integer)
    excluded_reason: Named[str | None] = Column(Text)


CELL = Table(
    "cell",
    METADATA,
    CellColumns,
    UniqueConstraint("arm_id", "phase", "replicate"),
    UniqueConstraint("study_id", "trial_number"),
    CheckConstraint(f"phase IN {_PHASES}", name="phase"),
)


class TrialChangeColumns(TypedColumns):
    """A cell that was over is another one since: excluded, or its run or score planned again. Append-only."""

    id: Named[int] = Column(Integer, primary_key=True)
    study_id: Named[int] = Column(ForeignKey("study.id", ondelete="CASCADE"), index=True)


TRIAL_CHANGE = Table("trial_change", METADATA, TrialChangeColumns)
