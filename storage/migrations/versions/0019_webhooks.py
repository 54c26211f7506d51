"""What waits in a line of errands is found quickly, however much waits: webhooks may be away."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_COLUMNS = ["channel", "account", "line", "state", "id"]


def upgrade() -> None:
    with op.batch_alter_table("errand") as batch:
        batch.create_index("ix_errand_line", _COLUMNS)


def downgrade() -> None:
    with op.batch_alter_table("errand") as batch:
        batch.drop_index("ix_errand_line")
