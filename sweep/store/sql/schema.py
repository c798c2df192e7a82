"""The tables: the truth of what happened. Optuna advises from them and has none.

    study --< revision                 what was asked, each accepted version of the file
    study --< arm --< cell >-- run     an arm is a difference from the baseline; a cell is one replicate of an arm
    run --< metric                     curves
    run --< score --< measurement      one evaluation of a run; FID, KID, ... for each noise set and over all
    study --< trial_change             a cell that was over changed; how often tells workers to read anew
    cell >--< score  (reading)         which scores of its run a study asked for, and by which name
    run, score --< attempt >-- worker  who tried, under which fencing token, on what machine, how it ended
    run, score --< artifact            files: checkpoints, weights, features, sample grids
    event                              everything worth telling, append-only
    store_identity                     one row: the UUID by which files of this store are known

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
from sweep.store.sql.history import ARTIFACT, ATTEMPT, EVENT, METRIC, WORKER, AttemptColumns
from sweep.store.sql.metadata import JSON_OBJECT, METADATA
from sweep.store.sql.text import Text
from sweep.store.states import Phase, RunState, ScoreState, StudyState

__all__ = [
    "ARM",
    "ARTIFACT",
    "ATTEMPT",
    "CELL",
    "EVENT",
    "MEASUREMENT",
    "METADATA",
    "METRIC",
    "REVISION",
    "RUN",
    "SCORE",
    "SCORE_REQUEST",
    "STORE_IDENTITY",
    "STUDY",
    "TRIAL_CHANGE",
    "WORKER",
    "AttemptColumns",
    "WorkColumns",
]

RUN_STATES = tuple(state.value for state in RunState)
SCORE_STATES = tuple(state.value for state in ScoreState)
STUDY_STATES = tuple(state.value for state in StudyState)
PHASES = tuple(phase.value for phase in Phase)


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


STUDY = Table("study", METADATA, StudyColumns, CheckConstraint(f"state IN {STUDY_STATES}", name="state"))


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
    CheckConstraint(f"phase IN {PHASES}", name="phase"),
)


class TrialChangeColumns(TypedColumns):
    """A cell that was over is another one since: excluded, or its run or score planned again. Append-only."""

    id: Named[int] = Column(Integer, primary_key=True)
    study_id: Named[int] = Column(ForeignKey("study.id", ondelete="CASCADE"), index=True)


TRIAL_CHANGE = Table("trial_change", METADATA, TrialChangeColumns)


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
    CheckConstraint(f"state IN {RUN_STATES}", name="state"),
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
    CheckConstraint(f"state IN {SCORE_STATES}", name="state"),
    CheckConstraint("(state = 'scoring') = (owner IS NOT NULL)", name="owned"),
    Index("ix_score_state_not_before", "state", "not_before"),
)


class MeasurementColumns(TypedColumns):
    """One number of a score. `noise_set` -1 is the mean over noise sets, with its standard error."""

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
