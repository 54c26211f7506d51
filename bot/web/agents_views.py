"""What the agents' API shows: its models, and how they are made from the tables' rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from storage.models.attachments import Attached, Stage
from storage.models.conversations import Conversation, Message, Note, Written
from storage.models.customers import Customer, Identity


class CustomerView(BaseModel):
    """Who a conversation is with."""

    id: int
    name: str
    channel: str = Field(examples=["web", "telegram"])
    language: str = Field(examples=["zh"])
    linked: bool = Field(description="Whether they proved who they are with an order.")


class ConversationView(BaseModel):
    """One conversation."""

    id: int
    state: Literal["bot", "waiting", "open", "resolved"]
    customer: CustomerView
    agent: str | None = Field(description="Who is, or was, in charge.")
    handoff_reason: str = Field(examples=["asked", "misses"])
    opened_at: datetime
    waiting_since: datetime | None
    first_response_at: datetime | None
    resolved_at: datetime | None
    updated_at: datetime
    target: Literal["", "warned", "breached"] = Field(
        description="Whether a promised time is nearly, or already, used up."
    )


class Conversations(BaseModel):
    """Conversations in one state; `total` counts those beyond the first 200 too."""

    conversations: list[ConversationView]
    total: int


class ChoiceView(BaseModel):
    """A button that was offered."""

    label: str
    value: str


class AttachmentView(BaseModel):
    """What came with a message besides text."""

    id: int
    kind: str = Field(examples=["photo", "document", "location"])
    name: str = Field(description="As the customer's side called it.")
    about: str = Field(description="Coordinates or a phone number, where there is no file.")
    mime: str
    size: int
    stage: Literal["none", "waiting", "kept", "refused", "failed"]
    url: str | None = Field(description="Where the file is, once it is kept.")


class MessageView(BaseModel):
    """One message. `seq` grows within a conversation and may have holes."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    seq: int
    author: Literal["customer", "bot", "agent", "system"] = Field(alias="from")
    agent: str | None
    text: str
    choices: list[ChoiceView]
    verdict: dict[str, Any] | None = Field(description="Why the bot answered as it did.")
    reply_to: int | None = Field(description="The `seq` of the message that this one answers.")
    edit_of: int | None = Field(
        description="The `seq` of the customer's message that this is a new version of."
    )
    attachments: list[AttachmentView]
    created_at: datetime


class Messages(BaseModel):
    """Messages, oldest first."""

    messages: list[MessageView]


class NoteView(BaseModel):
    """An internal note; customers never see it."""

    id: int
    agent: str
    text: str
    created_at: datetime


class Notes(BaseModel):
    """Internal notes, oldest first."""

    notes: list[NoteView]


def conversation_view(
    names: dict[int, str],
    targets: dict[int, str],
    conversation: Conversation,
    identity: Identity,
    customer: Customer,
) -> ConversationView:
    """A conversation as the API shows it; `names` are the agents' names by id, `targets` the alerts
    of conversations by id."""
    who = CustomerView(
        id=customer.id,
        name=customer.name or identity.name,
        channel=identity.channel,
        language=identity.language or customer.language,
        linked=identity.linked_at is not None,
    )
    fields = conversation.model_dump(
        include={
            "id",
            "state",
            "handoff_reason",
            "opened_at",
            "waiting_since",
            "first_response_at",
            "resolved_at",
            "updated_at",
        }
    )
    return ConversationView(
        customer=who,
        agent=names.get(conversation.agent_id or 0),
        target=targets.get(conversation.id or 0, ""),
        **fields,
    )


def message_view(
    names: dict[int, str], message: Message | Written, carried: Sequence[Attached] = ()
) -> MessageView:
    """A message as the API shows it, with what it carries."""
    return MessageView(
        seq=message.id,
        author=message.author,
        agent=names.get(message.agent_id or 0),
        text=message.text,
        choices=message.choices or [],
        verdict=message.verdict,
        reply_to=message.reply_to,
        edit_of=message.edit_of,
        attachments=[_attachment_view(one) for one in carried],
        created_at=message.created_at,
    )


def _attachment_view(one: Attached) -> AttachmentView:
    is_kept = one.stage == Stage.KEPT
    url = f"/api/v1/conversations/attachments/{one.id}" if is_kept else None
    fields = one.model_dump(include={"id", "kind", "name", "about", "mime", "size", "stage"})
    return AttachmentView(url=url, **fields)


def note_view(names: dict[int, str], note: Note) -> NoteView:
    """A note as the API shows it."""
    return NoteView(
        id=note.id, agent=names.get(note.agent_id, ""), text=note.text, created_at=note.created_at
    )
