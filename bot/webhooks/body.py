"""What is told of an event, put together when it is sent."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from bot.core.errors import NotFound
from bot.web.api.views import message_view
from bot.webhooks.telling import name_of
from storage.models.attachments import attachments_of
from storage.models.conversations import Message

_OURS = frozenset({"id", "timestamp"})


def body(session: Session, kind: str, details: Mapping[str, Any]) -> dict[str, Any]:
    """Type, time and data of what `bot.webhooks.telling` ordered. Raises `NotFound`."""
    data = {name: value for name, value in details.items() if name not in _OURS}
    if "message" in data:
        data["message"] = _message(session, data["message"])
    return {"type": kind, "timestamp": details["timestamp"], "data": data}


def _message(session: Session, message_id: int) -> dict[str, Any]:
    """A message in the words of the agents' API."""
    message = session.get(Message, message_id)
    if message is None:
        raise NotFound("这条消息已不存在。", "The message is no longer there.")
    carried = attachments_of(session, [message_id]).get(message_id, ())
    view = message_view(name_of(session, message.agent_id), message, carried)
    return view.model_dump(mode="json")
