"""FAQ gaps: questions that the bot could not answer."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from bot.core.clock import now
from storage.models.base import json_field, moment


class Gap(SQLModel, table=True):
    """One miss. `reason` is `miss` or `handoff`; `candidates` are the engine's best guesses."""

    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="message.id", index=True)
    language: str
    text: str
    reason: str
    candidates: list[dict[str, Any]] = json_field(default_factory=list)
    created_at: datetime = moment(default_factory=now, index=True)
