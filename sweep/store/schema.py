"""The tables: the truth of what happened. Optuna's tables lie beside them, in the plural, and only advise.

    study --< revision                 what was asked, each accepted version of the file
    study --< arm --< cell >-- run     an arm is a difference from the baseline; a cell is one replicate of an arm
    run --< metric                     curves
    run --< score --< measurement      one evaluation of a run; FID, KID, ... for each noise set and over all
    cell >--< score  (reading)         which scores of its run a study asked for, and by which name
    run, score --< attempt >-- worker  who tried, under which fencing token, on what machine, how it ended
    run, score --< artifact            files: checkpoints, weights, features, sample grids
    event                              everything worth telling, append-only

Runs and scores are work: `state` moves one way, and only under the fencing `token` of a live lease.

    run     planned -> training -> trained | pruned | infeasible | failed | cancelled
    score   planned -> scoring  -> complete | failed | cancelled

A run with rungs is trained in segments: it pauses (planned again, `reached_step` = `until_step`) until the search has
looked at its score there and lets it go on, or prunes it. A lost lease returns the work by being claimed again; its
last checkpoint is kept. Stale is not a state: it is a lease whose time is over by the database's clock. A run is shared
by all studies that ask for its train key.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, MetaData, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from sweep.store.clock import UtcDateTime, moment

RUN_STATES = ("planned", "training", "trained", "pruned", "infeasible", "failed", "cancelled")
SCORE_STATES = ("planned", "scoring", "complete", "failed", "cancelled")
STUDY_STATES = ("active", "paused", "stopped", "cancelled")
PHASES = ("search", "confirm")


Id = Annotated[int, mapped_column(primary_key=True)]
Name = Annotated[str, mapped_column(String(128))]
Sha256 = Annotated[str, mapped_column(String(64))]
Json = Annotated[dict[str, Any], mapped_column(JSON().with_variant(JSONB(), "postgresql"))]
# A seed has 63 bits, and bytes and images pass 2**31: a plain integer of PostgreSQL has 32.
Big = Annotated[int, mapped_column(BigInteger)]
Moment = Annotated[datetime, mapped_column(UtcDateTime)]
Created = Annotated[datetime, mapped_column(UtcDateTime, default=moment())]
StudyId = Annotated[int, mapped_column(ForeignKey("study.id", ondelete="CASCADE"), index=True)]
RunId = Annotated[int, mapped_column(ForeignKey("run.id"), index=True)]


class Base(DeclarativeBase):
    """Names constraints the same in every database, so that migrations can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class StudyRow(Base):
    """One question."""

    __tablename__ = "study"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(64), unique=True)
    question: Mapped[str]
    state: Mapped[str] = mapped_column(String(16), default="active")
    created_at: Mapped[Created]
    # Only the holder asks Optuna: serial asks end duplicates, and draws follow the trial number.
    advisor_owner: Mapped[str | None] = mapped_column(String(36))
    advisor_until: Mapped[float | None]

    revisions: Mapped[list[RevisionRow]] = relationship(cascade="all, delete-orphan", order_by="RevisionRow.number")

    __table_args__ = (CheckConstraint(f"state IN {STUDY_STATES}", name="state"),)


class RevisionRow(Base):
    """One accepted version of a study file, whole, with the protocol that its scores are made under."""

    __tablename__ = "revision"

    id: Mapped[Id]
    study_id: Mapped[StudyId]
    number: Mapped[int]
    spec: Mapped[Json]
    spec_sha256: Mapped[Sha256]
    arms_sha256: Mapped[Sha256]
    protocol: Mapped[Json]
    protocol_key: Mapped[Sha256]
    versions: Mapped[Json]
    reason: Mapped[str]
    accepted_at: Mapped[Created]

    __table_args__ = (UniqueConstraint("study_id", "number"),)


class ArmRow(Base):
    """One combination of levels, as its difference from the baseline: {field: value}."""

    __tablename__ = "arm"

    id: Mapped[Id]
    study_id: Mapped[StudyId]
    position: Mapped[int]
    name: Mapped[Name]
    changes: Mapped[Json]
    is_baseline: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (UniqueConstraint("study_id", "name"),)


class CellRow(Base):
    """One replicate of an arm: asks for one run. A search trial is a cell of phase `search`."""

    __tablename__ = "cell"

    id: Mapped[Id]
    study_id: Mapped[StudyId]
    arm_id: Mapped[int] = mapped_column(ForeignKey("arm.id", ondelete="CASCADE"), index=True)
    phase: Mapped[str] = mapped_column(String(16))
    replicate: Mapped[int]
    run_id: Mapped[RunId]
    revision: Mapped[int]
    trial_number: Mapped[int | None]
    told: Mapped[bool] = mapped_column(default=False)
    excluded_reason: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("arm_id", "phase", "replicate"),
        UniqueConstraint("study_id", "trial_number"),
        CheckConstraint(f"phase IN {PHASES}", name="phase"),
    )


class Work:
    """Columns of everything that a worker can hold a lease on."""

    token: Mapped[int] = mapped_column(default=0)
    owner: Mapped[str | None] = mapped_column(String(36))
    lease_until: Mapped[float | None]
    not_before: Mapped[float] = mapped_column(default=0.0)
    crashes: Mapped[int] = mapped_column(default=0)
    failure: Mapped[str | None] = mapped_column(String(16))
    failure_reason: Mapped[str | None]
    seconds: Mapped[float] = mapped_column(default=0.0)


class RunRow(Work, Base):
    """One training; its train key is its identity."""

    __tablename__ = "run"

    id: Mapped[Id]
    train_key: Mapped[str] = mapped_column(String(64), unique=True)
    config: Mapped[Json]
    state: Mapped[str] = mapped_column(String(16), default="planned")
    seed: Mapped[Big]
    step: Mapped[int] = mapped_column(default=0)
    steps: Mapped[int]
    images: Mapped[Big] = mapped_column(default=0)
    # Trained no further than this for now; NULL: to the end. Reached: the rung whose weights are kept.
    until_step: Mapped[int | None]
    reached_step: Mapped[int] = mapped_column(default=0, server_default="0")
    parameters: Mapped[int | None]
    micro_batches: Mapped[int] = mapped_column(default=1)
    alphas_bar_T: Mapped[float]
    snr_1: Mapped[float]
    snr_T: Mapped[float]
    prior_bits_per_dim: Mapped[float]
    created_at: Mapped[Created]
    finished_at: Mapped[Moment | None]

    __table_args__ = (
        CheckConstraint(f"state IN {RUN_STATES}", name="state"),
        CheckConstraint("(state = 'training') = (owner IS NOT NULL)", name="owned"),
        Index("ix_run_state_not_before", "state", "not_before"),
    )


class ScoreRow(Work, Base):
    """One evaluation of a run; (run, eval key) is its identity."""

    __tablename__ = "score"

    id: Mapped[Id]
    run_id: Mapped[RunId]
    eval_key: Mapped[str] = mapped_column(String(64))
    config: Mapped[Json]
    protocol: Mapped[Json]
    protocol_key: Mapped[Sha256]
    # Of the weights that a rung reads; NULL: of the finished training, under the study's own protocol.
    step: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(16), default="planned")
    samples_sha256: Mapped[str | None] = mapped_column(String(64))
    sampling_seconds: Mapped[float | None]
    features_seconds: Mapped[float | None]
    statistics_seconds: Mapped[float | None]
    finished_at: Mapped[Moment | None]

    __table_args__ = (
        UniqueConstraint("run_id", "eval_key"),
        CheckConstraint(f"state IN {SCORE_STATES}", name="state"),
        CheckConstraint("(state = 'scoring') = (owner IS NOT NULL)", name="owned"),
        Index("ix_score_state_not_before", "state", "not_before"),
    )


class MeasurementRow(Base):
    """One number of a score. `noise_set` -1 is the mean over noise sets, with its standard error."""

    __tablename__ = "measurement"

    score_id: Mapped[int] = mapped_column(ForeignKey("score.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    noise_set: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[float]
    standard_error: Mapped[float | None]


class ReadingRow(Base):
    """A score that a cell asked for. `level` names the evaluation levels, e.g. {"ema_decay": 0.99}."""

    __tablename__ = "reading"

    cell_id: Mapped[int] = mapped_column(ForeignKey("cell.id", ondelete="CASCADE"), primary_key=True)
    score_id: Mapped[int] = mapped_column(ForeignKey("score.id"), primary_key=True, index=True)
    level: Mapped[Json]
    is_primary: Mapped[bool]


class MetricRow(Base):
    """One point of a curve. A value that is not finite is NULL and told in `event`."""

    __tablename__ = "metric"

    run_id: Mapped[int] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    images: Mapped[Big]
    value: Mapped[float | None]
    token: Mapped[int]


class AttemptRow(Base):
    """One worker's try at a run or a score."""

    __tablename__ = "attempt"

    id: Mapped[Id]
    run_id: Mapped[RunId]
    score_id: Mapped[int | None] = mapped_column(ForeignKey("score.id", ondelete="CASCADE"), index=True)
    token: Mapped[int]
    worker_id: Mapped[str] = mapped_column(ForeignKey("worker.id"), index=True)
    first_step: Mapped[int] = mapped_column(default=0)
    last_step: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[Created]
    ended_at: Mapped[Moment | None]
    end_reason: Mapped[str | None] = mapped_column(String(32))
    detail: Mapped[str | None]
    # Workers that held work on its device while it lasted, its own included: above 1, its timings are of a shared one.
    device_workers: Mapped[int | None]
    # Of the trial process: on a GPU what torch reserved there, else resident.
    peak_bytes: Mapped[int | None] = mapped_column(BigInteger)

    # Two indexes, because a NULL score is unequal to any other NULL.
    __table_args__ = (
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


class ArtifactRow(Base):
    """A file, by its path under the store's folder. Only what is listed here is current."""

    __tablename__ = "artifact"

    id: Mapped[Id]
    run_id: Mapped[RunId]
    score_id: Mapped[int | None] = mapped_column(ForeignKey("score.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    path: Mapped[str]
    sha256: Mapped[Sha256]
    bytes: Mapped[Big]
    step: Mapped[int] = mapped_column(default=0)
    token: Mapped[int]
    created_at: Mapped[Created]

    __table_args__ = (UniqueConstraint("path"),)


class WorkerRow(Base):
    """One worker process and the machine it ran on."""

    __tablename__ = "worker"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    host: Mapped[Name]
    boot_id: Mapped[Name]
    pid: Mapped[int]
    pid_started: Mapped[float]
    device: Mapped[Name]
    environment: Mapped[Json]
    started_at: Mapped[Created]
    seen_at: Mapped[Created]
    ended_at: Mapped[Moment | None]
    end_reason: Mapped[str | None] = mapped_column(String(32))


class EventRow(Base):
    """Append-only log of a study."""

    __tablename__ = "event"

    id: Mapped[Id]
    study_id: Mapped[int | None] = mapped_column(ForeignKey("study.id", ondelete="CASCADE"), index=True)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"), index=True)
    at: Mapped[Created]
    kind: Mapped[str] = mapped_column(String(32))
    message: Mapped[str]
    detail: Mapped[Json]
