"""Optuna is told nothing any more: what it is shown follows from the cells as they are."""

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


def downgrade() -> None:
    """Back."""
    op.add_column("cell", sa.Column("told", sa.Boolean(), nullable=False, server_default=sa.false()))
