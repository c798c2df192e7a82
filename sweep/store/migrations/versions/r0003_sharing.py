"""What an attempt shared and took: workers on its device, and the peak of memory. Columns are only added."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.add_column("attempt", sa.Column("device_workers", sa.Integer(), nullable=True))
    op.add_column("attempt", sa.Column("peak_bytes", sa.BigInteger(), nullable=True))
    op.create_index("ix_attempt_worker_id", "attempt", ["worker_id"], unique=False)


def downgrade() -> None:
    """Back."""
    op.drop_index("ix_attempt_worker_id", "attempt")
    op.drop_column("attempt", "peak_bytes")
    op.drop_column("attempt", "device_workers")
