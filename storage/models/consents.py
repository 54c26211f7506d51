"""Consents: who agreed to what, where, when, and in which words; the newest entry holds."""

from datetime import datetime

from sqlalchemy import Index, update
from sqlmodel import Field, Session, SQLModel, col, select

from bot.core.clock import now
from storage.models.base import moment


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


def move_consents(session: Session, before: int, after: int) -> None:
    """What one customer agreed to, another did, who they turned out to be."""
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
