"""Changes of cells that were over are counted by rows of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "trial_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_trial_change_study_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_trial_change"),
    )
    op.create_index("ix_trial_change_study_id", "trial_change", ["study_id"], unique=False)


def downgrade() -> None:
    """Back."""
    op.drop_table("trial_change")
