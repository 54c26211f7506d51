"""Second factors, where agents are logged in, and from where something was done."""

import sqlalchemy as sa
from alembic import op

from storage.models.base import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("agent") as batch:
        batch.add_column(
            sa.Column("must_renew", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch.add_column(sa.Column("seen_at", UtcDateTime(timezone=True), nullable=True))
    with op.batch_alter_table("agent_login") as batch:
        batch.add_column(sa.Column("device", sa.String(), nullable=False, server_default=""))
        batch.add_column(sa.Column("seen_at", UtcDateTime(timezone=True), nullable=True))
    with op.batch_alter_table("audit") as batch:
        batch.add_column(sa.Column("origin", sa.String(), nullable=False, server_default=""))
        batch.create_index(batch.f("ix_audit_actor"), ["actor"])
        batch.create_index(batch.f("ix_audit_subject"), ["subject"])
    op.create_table(
        "second_factor",
        sa.Column("agent_id", sa.Integer(), sa.ForeignKey("agent.id"), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("agent_id"),
    )
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), sa.ForeignKey("agent.id"), nullable=False),
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("used_at", UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_recovery_code_agent_id", "recovery_code", ["agent_id"])


def downgrade() -> None:
    op.drop_table("recovery_code")
    op.drop_table("second_factor")
    with op.batch_alter_table("audit") as batch:
        batch.drop_index(batch.f("ix_audit_subject"))
        batch.drop_index(batch.f("ix_audit_actor"))
        batch.drop_column("origin")
    for table, columns in (
        ("agent_login", ("seen_at", "device")),
        ("agent", ("seen_at", "must_renew")),
    ):
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.drop_column(column)
