"""Agents' files to customers: where a file comes from. Deliveries: what they took of a window."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("delivery") as batch_op:
        batch_op.add_column(sa.Column("window", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("counted", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("attachment") as batch_op:
        batch_op.add_column(sa.Column("source", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("attachment") as batch_op:
        batch_op.drop_column("source")
    with op.batch_alter_table("delivery") as batch_op:
        batch_op.drop_column("counted")
        batch_op.drop_column("window")
