"""How an attempt ran its step: as one CUDA graph, or kernel by kernel and why. Columns are only added."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.add_column("attempt", sa.Column("execution", sa.String(length=16), nullable=True))
    op.add_column("attempt", sa.Column("execution_reason", sa.String(), nullable=True))


def downgrade() -> None:
    """Back."""
    op.drop_column("attempt", "execution_reason")
    op.drop_column("attempt", "execution")
