"""The tables of work, runs and their scores, with the numbers of a score and the cells that asked for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
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
from sweep.store.states import RunState, ScoreState

_RUN_STATES = tuple(state.value for state in RunState)
_SCORE_STATES = tuple(state.value for state in ScoreState)


class WorkColumns(TypedColumns):
    """Columns of everything that a worker can hold a lease on."""

    id: Named[int] = Column(Integer, primary_key=True)
    token: Named[int] = Column(Integer, default=0)
    owner: Named[str | None] = Column(Text(36))
    lease_until: Named[float | None] = Column(Double)
    not_before: Named[float] = Column(Double, default=0.0)
    # Both in a row, since it last got further. A crash is the work's own; a worker may be lost for any reason.
    crashes: Named[int] = Column(Integer, default=0)
    lost_workers: Named[int] = Column(Integer, default=0, server_default="0")
    failure: Named[str | None] = Column(Text(16))
    failure_reason: Named[str | None] = Column(Text)
    seconds: Named[float] = Column(Double, default=0.0)


class RunColumns(WorkColumns):
    """One training; its train key is its identity."""

    train_key: Named[str] = Column(Text(64), unique=True)
    config: Named[dict[str, Any]] = Column(JSON_OBJECT)
    state: Named[str] = Column(Text(16), default=RunState.PLANNED.value)
    seed: Named[int] = Column(BigInteger)
    step: Named[int] = Column(Integer, default=0)
    steps: Named[int] = Column(Integer)
    images: Named[int] = Column(BigInteger, default=0)
    # Trained no further than this for now; NULL: to the end. Reached: the rung whose weights are kept.
    until_step: Named[int | None] = Column(Integer)
    reached_step: Named[int] = Column(Integer, default=0, server_default="0")
    parameters: Named[int | None] = Column(Integer)
    micro_batches: Named[int] = Column(Integer, default=1)
    alphas_bar_T: Named[float] = Column(Double)
    snr_1: Named[float] = Column(Double)
    snr_T: Named[float] = Column(Double)
    prior_bits_per_dim: Named[float] = Column(Double)
    created_at: Named[datetime] = Column(UtcDateTime, default=moment())
    finished_at: Named[datetime | None] = Column(UtcDateTime)


RUN = Table(
    "run",
    METADATA,
    RunColumns,
    CheckConstraint(f"state IN {_RUN_STATES}", name="state"),
    CheckConstraint("(state = 'training') = (owner IS NOT NULL)", name="owned"),
    Index("ix_run_state_not_before", "state", "not_before"),
)


class ScoreColumns(WorkColumns):
    """One evaluation of a run; (run, eval key) is its identity."""

    run_id: Named[int] = Column(ForeignKey("run.id"), index=True)
    eval_key: Named[str] = Column(Text(64))
    config: Named[dict[str, Any]] = Column(JSON_OBJECT)
    protocol: Named[dict[str, Any]] = Column(JSON_OBJECT)
    protocol_key: Named[str] = Column(Text(64))
    # Of the weights that a rung reads; NULL: of the finished training, under the study's own protocol.
    step: Named[int | None] = Column(Integer)
    state: Named[str] = Column(Text(16), default=ScoreState.PLANNED.value)
    samples_sha256: Named[str | None] = Column(Text(64))
    sampling_seconds: Named[float | None] = Column(Double)
    features_seconds: Named[float | None] = Column(Double)
    statistics_seconds: Named[float | None] = Column(Double)
    finished_at: Named[datetime | None] = Column(UtcDateTime)


SCORE = Table(
    "score",
    METADATA,
    ScoreColumns,
    UniqueConstraint("run_id", "eval_key"),
    CheckConstraint(f"state IN {_SCORE_STATES}", name="state"),
    CheckConstraint("(state = 'scoring') = (owner IS NOT NULL)", name="owned"),
    Index("ix_score_state_not_before", "state", "not_before"),
)


class MeasurementColumns(TypedColumns):
    """One number of a score. `noise_set` -1 is the mean over noise sets, with its standard error (OVER_NOISE_SETS)."""

    score_id: Named[int] = Column(ForeignKey("score.id", ondelete="CASCADE"), primary_key=True)
    name: Named[str] = Column(Text(32), primary_key=True)
    noise_set: Named[int] = Column(Integer, primary_key=True)
    value: Named[float] = Column(Double)
    standard_error: Named[float | None] = Column(Double)


MEASUREMENT = Table("measurement", METADATA, MeasurementColumns)


class ScoreRequestColumns(TypedColumns):
    """A score that a cell asked for. `level` names the evaluation levels, e.g. {"ema_decay": 0.99}."""

    cell_id: Named[int] = Column(ForeignKey("cell.id", ondelete="CASCADE"), primary_key=True)
    score_id: Named[int] = Column(ForeignKey("score.id"), primary_key=True, index=True)
    level: Named[dict[str, Any]] = Column(JSON_OBJECT)
    is_primary: Named[bool] = Column(Boolean)


SCORE_REQUEST = Table("reading", METADATA, ScoreRequestColumns)
