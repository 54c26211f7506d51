"""What is known about a customer beyond how to reach them."""

from datetime import UTC, date, datetime

from sqlalchemy import exists
from sqlmodel import Field, Session, SQLModel, col, select

from storage.models.base import json_field, moment
from storage.models.customers import Customer, Identity
from storage.models.orders import Order
from storage.models.upsert import insert_or_ignore

UNTOLD = datetime(1970, 1, 1, tzinfo=UTC)
"""Before anything that a shop may say."""


class CustomerProfile(SQLModel, table=True):
    """Birthday and tags, and when the shop said so, so that late news undoes nothing newer.

    `told_at` is `UNTOLD` where only the customer has said something.
    """

    __tablename__ = "customer_profile"

    customer_id: int = Field(primary_key=True, foreign_key="customer.id")
    birthday: date | None = None
    tags: list[str] = json_field(default_factory=list)
    told_at: datetime = moment()


def profile_of(session: Session, customer_id: int) -> CustomerProfile | None:
    """What is known of a customer, if anything is."""
    return session.get(CustomerProfile, customer_id)


def remember_birthday(session: Session, customer_id: int, birthday: date) -> None:
    """Keep what the customer said; what the shop says later holds."""
    insert_or_ignore(session, CustomerProfile(customer_id=customer_id, told_at=UNTOLD))
    profile = session.get_one(CustomerProfile, customer_id, with_for_update=True)
    profile.birthday = birthday
    session.add(profile)
    session.flush()


def move_profile(session: Session, before: int, after: int) -> None:
    """What one customer said of themselves is another's, who they turned out to be, unless that is
    known already."""
    mine = session.get(CustomerProfile, before)
    if mine is None:
        return
    known = session.get(CustomerProfile, after)
    if mine.birthday and (known is None or known.birthday is None):
        remember_birthday(session, after, mine.birthday)
    session.delete(mine)
    session.flush()


def is_nobody(session: Session, customer_id: int) -> bool:
    """Whether the shop does not know this customer, and no chat or order is theirs."""
    query = select(Customer.id).where(
        Customer.id == customer_id,
        col(Customer.shop_ref).is_(None),
        ~exists().where(col(Identity.customer_id) == customer_id),
        ~exists().where(col(Order.customer_id) == customer_id),
    )
    return session.exec(query).first() is not None
