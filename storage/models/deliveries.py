"""Deliveries: the truth about what was sent to channels that we push to."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from bot.core.clock import now
from storage.models.base import moment


class Delivery(SQLModel, table=True):
    """One message on its way: queued → sending → sent | failed | uncertain | held."""

    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="message.id", index=True)
    channel: str
    account: str
    chat: str
    purpose: str
    state: str = Field(default="queued", index=True)
    attempts: int = 0
    reason: str = ""
    provider_id: str = ""
    created_at: datetime = moment(default_factory=now)
    updated_at: datetime = moment(default_factory=now)
