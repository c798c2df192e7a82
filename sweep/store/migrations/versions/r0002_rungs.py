"""Rungs: trainings that pause, and scores of the weights there. Columns are only added, so no table is rebuilt."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.add_column("run", sa.Column("until_step", sa.Integer(), nullable=True))
    op.add_column("run", sa.Column("reached_step", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("score", sa.Column("step", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Back."""
    op.drop_column("score", "step")
    op.drop_column("run", "reached_step")
    op.drop_column("run", "until_step")
