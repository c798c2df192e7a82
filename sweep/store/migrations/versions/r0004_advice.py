"""Optuna is told nothing any more: what it is shown follows from the cells. The newest arm is found by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.drop_column("cell", "told")
    op.create_index("ix_arm_study_id_position", "arm", ["study_id", "position"], unique=False)
    op.drop_index("ix_arm_study_id", "arm")


def downgrade() -> None:
    """Back."""
    op.create_index("ix_arm_study_id", "arm", ["study_id"], unique=False)
    op.drop_index("ix_arm_study_id_position", "arm")
    op.add_column("cell", sa.Column("told", sa.Boolean(), nullable=False, server_default=sa.false()))
