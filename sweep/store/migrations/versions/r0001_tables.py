"""All tables of the first version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("train_key", sa.String(length=64), nullable=False),
        sa.Column("config", _JSON, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("images", sa.BigInteger(), nullable=False),
        sa.Column("parameters", sa.Integer(), nullable=True),
        sa.Column("micro_batches", sa.Integer(), nullable=False),
        sa.Column("alphas_bar_T", sa.Double(), nullable=False),
        sa.Column("snr_1", sa.Double(), nullable=False),
        sa.Column("snr_T", sa.Double(), nullable=False),
        sa.Column("prior_bits_per_dim", sa.Double(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=36), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("not_before", sa.Double(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.Column("failure", sa.String(length=16), nullable=True),
        sa.Column("failure_reason", sa.String(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.CheckConstraint("(state = 'training') = (owner IS NOT NULL)", name=op.f("ck_run_owned")),
        sa.CheckConstraint(
            "state IN ('planned', 'training', 'trained', 'pruned', 'infeasible', 'failed', 'cancelled')",
            name=op.f("ck_run_state"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sa.UniqueConstraint("train_key", name="uq_run_train_key"),
    )
    op.create_index("ix_run_state_not_before", "run", ["state", "not_before"], unique=False)

    op.create_table(
        "study",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("advisor_owner", sa.String(length=36), nullable=True),
        sa.Column("advisor_until", sa.Double(), nullable=True),
        sa.CheckConstraint("state IN ('active', 'paused', 'stopped', 'cancelled')", name=op.f("ck_study_state")),
        sa.PrimaryKeyConstraint("id", name="pk_study"),
        sa.UniqueConstraint("name", name="uq_study_name"),
    )
    op.create_table(
        "worker",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("host", sa.String(length=128), nullable=False),
        sa.Column("boot_id", sa.String(length=128), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("pid_started", sa.Double(), nullable=False),
        sa.Column("device", sa.String(length=128), nullable=False),
        sa.Column("environment", _JSON, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_worker"),
    )
    op.create_table(
        "arm",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("changes", _JSON, nullable=False),
        sa.Column("is_baseline", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_arm_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_arm"),
        sa.UniqueConstraint("study_id", "name", name="uq_arm_study_id_name"),
    )
    op.create_index("ix_arm_study_id", "arm", ["study_id"], unique=False)

    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("detail", _JSON, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_event_run_id"),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_event_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
    )
    op.create_index("ix_event_run_id", "event", ["run_id"], unique=False)
    op.create_index("ix_event_study_id", "event", ["study_id"], unique=False)

    op.create_table(
        "metric",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("images", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_metric_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "name", "step", name="pk_metric"),
    )
    op.create_table(
        "revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("spec", _JSON, nullable=False),
        sa.Column("spec_sha256", sa.String(length=64), nullable=False),
        sa.Column("arms_sha256", sa.String(length=64), nullable=False),
        sa.Column("protocol", _JSON, nullable=False),
        sa.Column("protocol_key", sa.String(length=64), nullable=False),
        sa.Column("versions", _JSON, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_revision_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_revision"),
        sa.UniqueConstraint("study_id", "number", name="uq_revision_study_id_number"),
    )
    op.create_index("ix_revision_study_id", "revision", ["study_id"], unique=False)

    op.create_table(
        "score",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("eval_key", sa.String(length=64), nullable=False),
        sa.Column("config", _JSON, nullable=False),
        sa.Column("protocol", _JSON, nullable=False),
        sa.Column("protocol_key", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("samples_sha256", sa.String(length=64), nullable=True),
        sa.Column("sampling_seconds", sa.Double(), nullable=True),
        sa.Column("features_seconds", sa.Double(), nullable=True),
        sa.Column("statistics_seconds", sa.Double(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=36), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("not_before", sa.Double(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.Column("failure", sa.String(length=16), nullable=True),
        sa.Column("failure_reason", sa.String(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.CheckConstraint("(state = 'scoring') = (owner IS NOT NULL)", name=op.f("ck_score_owned")),
        sa.CheckConstraint(
            "state IN ('planned', 'scoring', 'complete', 'failed', 'cancelled')", name=op.f("ck_score_state")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_score_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_score"),
        sa.UniqueConstraint("run_id", "eval_key", name="uq_score_run_id_eval_key"),
    )
    op.create_index("ix_score_run_id", "score", ["run_id"], unique=False)
    op.create_index("ix_score_state_not_before", "score", ["state", "not_before"], unique=False)

    op.create_table(
        "artifact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("score_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_artifact_run_id"),
        sa.ForeignKeyConstraint(["score_id"], ["score.id"], name="fk_artifact_score_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_artifact"),
        sa.UniqueConstraint("path", name="uq_artifact_path"),
    )
    op.create_index("ix_artifact_run_id", "artifact", ["run_id"], unique=False)
    op.create_index("ix_artifact_score_id", "artifact", ["score_id"], unique=False)

    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("score_id", sa.Integer(), nullable=True),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("worker_id", sa.String(length=36), nullable=False),
        sa.Column("first_step", sa.Integer(), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(length=32), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_attempt_run_id"),
        sa.ForeignKeyConstraint(["score_id"], ["score.id"], name="fk_attempt_score_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name="fk_attempt_worker_id"),
        sa.PrimaryKeyConstraint("id", name="pk_attempt"),
    )
    op.create_index("ix_attempt_run_id", "attempt", ["run_id"], unique=False)
    op.create_index("ix_attempt_score_id", "attempt", ["score_id"], unique=False)
    op.create_index(
        "uq_attempt_run_token",
        "attempt",
        ["run_id", "token"],
        unique=True,
        sqlite_where=sa.text("score_id IS NULL"),
        postgresql_where=sa.text("score_id IS NULL"),
    )
    op.create_index("uq_attempt_score_token", "attempt", ["score_id", "token"], unique=True)

    op.create_table(
        "cell",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("arm_id", sa.Integer(), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("replicate", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("trial_number", sa.Integer(), nullable=True),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("excluded_reason", sa.String(), nullable=True),
        sa.CheckConstraint("phase IN ('search', 'confirm')", name=op.f("ck_cell_phase")),
        sa.ForeignKeyConstraint(["arm_id"], ["arm.id"], name="fk_cell_arm_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_cell_run_id"),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_cell_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_cell"),
        sa.UniqueConstraint("arm_id", "phase", "replicate", name="uq_cell_arm_id_phase_replicate"),
        sa.UniqueConstraint("study_id", "trial_number", name="uq_cell_study_id_trial_number"),
    )
    op.create_index("ix_cell_arm_id", "cell", ["arm_id"], unique=False)
    op.create_index("ix_cell_run_id", "cell", ["run_id"], unique=False)
    op.create_index("ix_cell_study_id", "cell", ["study_id"], unique=False)

    op.create_table(
        "measurement",
        sa.Column("score_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("noise_set", sa.Integer(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("standard_error", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["score_id"], ["score.id"], name="fk_measurement_score_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("score_id", "name", "noise_set", name="pk_measurement"),
    )
    op.create_table(
        "reading",
        sa.Column("cell_id", sa.Integer(), nullable=False),
        sa.Column("score_id", sa.Integer(), nullable=False),
        sa.Column("level", _JSON, nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["cell_id"], ["cell.id"], name="fk_reading_cell_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["score_id"], ["score.id"], name="fk_reading_score_id"),
        sa.PrimaryKeyConstraint("cell_id", "score_id", name="pk_reading"),
    )
    op.create_index("ix_reading_score_id", "reading", ["score_id"], unique=False)


def downgrade() -> None:
    """Back."""

    op.drop_table("reading")
    op.drop_table("measurement")
    op.drop_table("cell")
    op.drop_table("attempt")
    op.drop_table("artifact")
    op.drop_table("score")
    op.drop_table("revision")
    op.drop_table("metric")
    op.drop_table("event")
    op.drop_table("arm")
    op.drop_table("worker")
    op.drop_table("study")
    op.drop_table("run")
