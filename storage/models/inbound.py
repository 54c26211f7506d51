"""What an inbound message finds, and receipts: which deliveries have already taken effect."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import UniqueConstraint, and_, bindparam, insert
from sqlalchemy import select as select_columns
from sqlmodel import Field, Session, SQLModel, col, func, select

from bot.core.clock import now
from bot.core.messages import Address, Inbound
from storage.models.base import delete_some, moment, new_row
from storage.models.conversations import Conversation, Message
from storage.models.customers import Customer, Identity, seen
from storage.models.upsert import insert_values


class Receipt(SQLModel, table=True):
    """One delivery that was taken. `source` is a channel account or an API key's events."""

    __table_args__ = (UniqueConstraint("source", "external_id"),)

    id: int | None = Field(default=None, primary_key=True)
    source: str
    external_id: str
    message_id: int | None = Field(default=None, foreign_key="message.id")
    received_at: datetime = moment(default_factory=now, index=True)


@dataclass(frozen=True, slots=True)
class Found:
    """What a message finds: whose chat it is, how far that is, and whether it came before.

    `newest` is the id of the chat's last message, `first` that of the message which this very
    delivery made when it came before; 0 without.
    """

    identity: Identity
    customer: Customer
    conversation: Conversation | None
    newest: int
    first: int


_FOUND = (
    select_columns(
        Identity,
        Customer,
        Conversation,
        select(func.max(Message.id))
        .where(Message.identity_id == Identity.id)
        .correlate(Identity)
        .scalar_subquery(),
        col(Receipt.message_id),
    )
    .join(Customer, col(Customer.id) == Identity.customer_id)
    .outerjoin(
        Conversation,
        col(Conversation.id)
        == select(func.max(Conversation.id))
        .where(Conversation.identity_id == Identity.id)
        .correlate(Identity)
        .scalar_subquery(),
    )
    .outerjoin(
        Receipt,
        and_(
            col(Receipt.source) == bindparam("its_source"),
            col(Receipt.external_id) == bindparam("its_external_id"),
        ),
    )
    .where(col(Identity.id) == bindparam("its_identity"))
)
_RECEIPTS = SQLModel.metadata.tables["receipt"]
_TAKE = insert(_RECEIPTS)


def find(session: Session, inbound: Inbound) -> Found:
    """What `inbound` finds; its chat is made when new, and held until the commit.

    Read after the chat is held: whoever had it before has committed.
    """
    values = {
        "its_identity": seen(session, inbound),
        "its_source": source_of(inbound.address),
        "its_external_id": inbound.external_id,
    }
    identity, customer, conversation, newest, first = session.execute(_FOUND, values).one()
    return Found(identity, customer, conversation, newest or 0, first or 0)


def keep_receipt(session: Session, inbound: Inbound, message_id: int) -> None:
    """From now on `inbound` has been taken. Raises `IntegrityError` when it was before."""
    values = {
        "source": source_of(inbound.address),
        "external_id": inbound.external_id,
        "message_id": message_id,
        "received_at": now(),
    }
    session.connection().execute(_TAKE, values)


def take(session: Session, source: str, external_id: str) -> int | None:
    """The id of a new receipt, or None when this delivery was taken before.

    Two processes that take the same delivery at once wait for each other's commit.
    """
    row = new_row(Receipt, source=source, external_id=external_id)
    receipt: int | None = insert_values(session, _RECEIPTS, row)
    return receipt


def source_of(address: Address) -> str:
    """Who gives the ids of what comes in from `address`: its account."""
    return f"{address.channel}:{address.account}"


def forget_receipts(session: Session, before: datetime, most: int) -> int:
    """Delete at most `most` receipts older than a moment. Returns how many."""
    return delete_some(session, col(Receipt.id), most, col(Receipt.received_at) < before)


def taken_as(session: Session, source: str, external_id: str) -> int | None:
    """The id of the message that a delivery made when it was taken."""
    query = select(Receipt.message_id).where(
        Receipt.source == source, Receipt.external_id == external_id
    )
    return session.exec(query).one()
