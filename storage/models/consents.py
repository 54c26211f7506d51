"""Consents: who agreed to what, where, when, and in which words; the newest entry holds."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

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
