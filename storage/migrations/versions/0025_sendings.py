"""When a sending was counted and planned, the share held out of it; journeys switched by hand."""

import sqlalchemy as sa
from alembic import op

from storage.models.base import UtcDateTime

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "care_switch",
        sa.Column("journey", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["agent_id"],
            ["agent.id"],
        ),
        sa.PrimaryKeyConstraint("journey"),
    )
    with op.batch_alter_table("care_sending") as batch:
        batch.add_column(
            sa.Column("holdout_percent", sa.Integer(), nullable=False, server_default="0")
        )
        batch.add_column(sa.Column("counted_at", UtcDateTime(), nullable=True))
        batch.add_column(sa.Column("planned_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("care_sending") as batch:
        batch.drop_column("planned_at")
        batch.drop_column("counted_at")
        batch.drop_column("holdout_percent")

    op.drop_table("care_switch")
