"""What each agent is at the desk; whoever was there first is the owner."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_AGENTS = sa.table(
    "agent", sa.column("id", sa.Integer), sa.column("active", sa.Boolean), sa.column("role")
)


def upgrade() -> None:
    with op.batch_alter_table("agent") as batch:
        batch.add_column(sa.Column("role", sa.String(), nullable=False, server_default="agent"))
    first = sa.select(sa.func.min(_AGENTS.c.id)).where(_AGENTS.c.active).scalar_subquery()
    op.execute(_AGENTS.update().where(_AGENTS.c.id == first).values(role="owner"))


def downgrade() -> None:
    with op.batch_alter_table("agent") as batch:
        batch.drop_column("role")
