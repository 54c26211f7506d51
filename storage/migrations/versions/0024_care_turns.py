"""Care messages in the order of their customers; news that was told is a care message too."""

import sqlalchemy as sa
from alembic import op

from storage.models.base import UtcDateTime

revision = "0024"
down_revision = "0021"
branch_labels = None
depends_on = None

_TOLD = """
INSERT INTO care_message (journey, subject, customer_id, order_id, parcel_id, purpose, priority,
    variant, facts, due_at, valid_until, state, reason, created_at, decided_at)
SELECT replace(care_sent.kind, '.', '_'), care_sent.subject, orders.customer_id, orders.id,
    {parcel}, 'transactional', 0, '', '{{}}', care_sent.at, care_sent.at, 'written', '',
    care_sent.at, care_sent.at
FROM care_sent {joins} WHERE orders.customer_id IS NOT NULL
"""


_BY_ORDER = "JOIN orders ON care_sent.subject = 'order:' || orders.id"
_BY_PARCEL = (
    "JOIN parcel ON care_sent.subject = 'parcel:' || parcel.id "
    "JOIN orders ON orders.id = parcel.order_id"
)
TOLD = (
    _TOLD.format(parcel="NULL", joins=_BY_ORDER),
    _TOLD.format(parcel="parcel.id", joins=_BY_PARCEL),
)


def upgrade() -> None:
    with op.batch_alter_table("care_message") as batch:
        batch.create_index("ix_care_message_turn", ["state", "customer_id", "due_at"])
    for statement in TOLD:
        op.execute(statement)
    op.drop_table("care_sent")


def downgrade() -> None:
    op.create_table(
        "care_sent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "subject"),
    )
    with op.batch_alter_table("care_message") as batch:
        batch.drop_index("ix_care_message_turn")
