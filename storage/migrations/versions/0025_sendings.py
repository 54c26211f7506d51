"""When a sending was counted and when all of it was planned, and the share that is held out."""

import sqlalchemy as sa
from alembic import op

from storage.models.base import UtcDateTime

revision = "0025"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("care_sending") as batch:
        batch.add_column(sa.Column("holdout", sa.Float(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("counted_at", UtcDateTime(), nullable=True))
        batch.add_column(sa.Column("planned_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("care_sending") as batch:
        batch.drop_column("planned_at")
        batch.drop_column("counted_at")
        batch.drop_column("holdout")
