"""Consents: who agreed to what, where, when, and in which words; the newest entry holds."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index
from sqlmodel import Field, Session, SQLModel, col, select, update

from bot.core.clock import now
from storage.models.base import moment

MARKETING = "marketing"
"""The purpose of offers and of everything else that advertises."""
NEWS = "transactional"
"""The purpose of news about one's own orders and parcels, sent unless it is not wanted."""
BACK_IN_STOCK = "back_in_stock"
"""The purpose of the one message by which a customer is told that a product is there again."""


class ConsentState(StrEnum):
    """What an entry says."""

    GIVEN = "given"
    ASKED = "asked"
    WITHDRAWN = "withdrawn"


class Consent(SQLModel, table=True):
    """One entry of the ledger; entries are only added.

    `channel` is empty where it holds on all of them. `state` is `given`, `asked` (it has to be
    confirmed yet) or `withdrawn`. `source` is what it came by, such as `chat`, `desk`, `event` or
    `import`; `wording` is what was said.
    """

    __table_args__ = (Index("ix_consent_customer", "customer_id", "purpose", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    customer_id: int = Field(foreign_key="customer.id")
    purpose: str
    channel: str = ""
    state: str
    source: str
    wording: str = ""
    at: datetime = moment(default_factory=now)


def consents_of(session: Session, customer_id: int) -> list[Consent]:
    """Every entry about a customer, the newest first: by its moment, then by its coming."""
    query = select(Consent).where(Consent.customer_id == customer_id)
    return list(session.exec(query.order_by(col(Consent.at).desc(), col(Consent.id).desc())))


def newest_consent(
    session: Session, customer_id: int, purpose: str, channel: str = ""
) -> Consent | None:
    """The entry that holds for `purpose` on `channel`, whether it names the channel or none."""
    query = select(Consent).where(
        Consent.customer_id == customer_id,
        Consent.purpose == purpose,
        col(Consent.channel).in_({"", channel}),
    )
    newest = query.order_by(col(Consent.at).desc(), col(Consent.id).desc()).limit(1)
    return session.exec(newest).one_or_none()


def move_consents(session: Session, before: int, after: int) -> None:
    """What one customer agreed to is now another's, who they turned out to be."""
    mine = col(Consent.customer_id) == before
    session.exec(update(Consent).where(mine).values(customer_id=after))


def copy_withdrawn(session: Session, before: int, after: int) -> None:
    """Who wants nothing of us goes on wanting it as somebody else whom we know nothing of."""
    query = select(Consent).where(Consent.customer_id == before).order_by(col(Consent.id))
    newest = {(one.purpose, one.channel): one for one in session.exec(query)}
    for one in newest.values():
        if one.state == "withdrawn":
            values = one.model_dump(exclude={"id", "customer_id"})
            session.add(Consent(**values, customer_id=after))
