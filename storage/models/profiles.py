"""What the shop's system says about a customer beyond how to reach them."""

from datetime import date, datetime

from sqlalchemy import exists
from sqlmodel import Field, Session, SQLModel, col, select

from storage.models.base import json_field, moment
from storage.models.customers import Customer, Identity
from storage.models.orders import Order


class CustomerProfile(SQLModel, table=True):
    """Birthday and tags, and when the shop said so, so that late news undoes nothing newer."""

    __tablename__ = "customer_profile"

    customer_id: int = Field(primary_key=True, foreign_key="customer.id")
    birthday: date | None = None
    tags: list[str] = json_field(default_factory=list)
    told_at: datetime = moment()


def profile_of(session: Session, customer_id: int) -> CustomerProfile | None:
    """What the shop said about a customer, if it did."""
    return session.get(CustomerProfile, customer_id)


def is_nobody(session: Session, customer_id: int) -> bool:
    """Whether the shop does not know this customer, and no chat, order or profile is theirs."""
    query = select(Customer.id).where(
        Customer.id == customer_id,
        col(Customer.shop_ref).is_(None),
        ~exists().where(col(Identity.customer_id) == customer_id),
        ~exists().where(col(Order.customer_id) == customer_id),
        ~exists().where(col(CustomerProfile.customer_id) == customer_id),
    )
    return session.exec(query).first() is not None
