"""Clocks on what teams promised, and how long customers waited lately."""

import sqlalchemy as sa
from alembic import op

from storage.models.base import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sla_clock",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("warned_at", UtcDateTime(), nullable=True),
        sa.Column("breached_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_sla_clock_conversation_id"), "sla_clock", ["conversation_id"])
    op.create_index(op.f("ix_sla_clock_next_at"), "sla_clock", ["next_at"])
    op.create_index(
        op.f("ix_conversation_first_response_at"), "conversation", ["first_response_at"]
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_conversation_first_response_at"), "conversation")
    op.drop_table("sla_clock")
