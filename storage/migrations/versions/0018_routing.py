"""Agents' presence, capacity, languages, skills and teams; whose a conversation is to be."""

import sqlalchemy as sa
from alembic import op

from storage.models.base import Json, UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("agent") as batch:
        batch.add_column(
            sa.Column("presence", sa.String(), nullable=False, server_default="online")
        )
        batch.add_column(sa.Column("capacity", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("languages", Json(), nullable=False, server_default="[]"))
        batch.add_column(sa.Column("skills", Json(), nullable=False, server_default="[]"))
        batch.add_column(sa.Column("assigned_at", UtcDateTime(), nullable=True))
    with op.batch_alter_table("conversation") as batch:
        batch.add_column(sa.Column("team", sa.String(), nullable=False, server_default=""))
        batch.add_column(sa.Column("skill", sa.String(), nullable=False, server_default=""))
        batch.add_column(
            sa.Column("at_head", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch.add_column(sa.Column("owed_since", UtcDateTime(), nullable=True))
        batch.add_column(sa.Column("left_by", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("returns", sa.Integer(), nullable=False, server_default="0"))
        batch.create_index(op.f("ix_conversation_owed_since"), ["owed_since"])
    with op.batch_alter_table("note") as batch:
        batch.alter_column("agent_id", existing_type=sa.Integer(), nullable=True)
    op.create_table(
        "agent_team",
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"]),
        sa.PrimaryKeyConstraint("agent_id", "team"),
    )


def downgrade() -> None:
    op.drop_table("agent_team")
    op.execute("DELETE FROM note WHERE agent_id IS NULL")
    with op.batch_alter_table("note") as batch:
        batch.alter_column("agent_id", existing_type=sa.Integer(), nullable=False)
    with op.batch_alter_table("conversation") as batch:
        batch.drop_index(op.f("ix_conversation_owed_since"))
        for column in ("team", "skill", "at_head", "owed_since", "left_by", "returns"):
            batch.drop_column(column)
    with op.batch_alter_table("agent") as batch:
        for column in ("presence", "capacity", "languages", "skills", "assigned_at"):
            batch.drop_column(column)
