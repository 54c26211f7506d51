"""What the agents' API shows: its models, and how they are made from the tables' rows."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from storage.models.attachments import Attached, Stage
from storage.models.conversations import Conversation, Message, Note, Written
from storage.models.customers import Customer, Identity
from storage.models.desk import agent_names
from storage.models.remarks import tags_of
from storage.models.sla import alerts


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
    team: str = Field(description="Who takes over; empty where there are no teams.")
    handoff_reason: str = Field(examples=["asked", "misses"])
    opened_at: datetime
    waiting_since: datetime | None
    first_response_at: datetime | None
    resolved_at: datetime | None
    snoozed_until: datetime | None = Field(description="Until when the agent has put it off.")
    updated_at: datetime
    tags: list[str]
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
    stage: Literal["none", "waiting", "kept", "refused", "failed", "expired"]
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
    delivery: Literal["held", "failed", "uncertain"] | None = Field(
        description="Why it has not, or perhaps not, arrived; see `retry`."
    )
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


class Views:
    """Shows conversations, with what was looked up for all of them at once."""

    def __init__(self, session: Session, conversation_ids: Collection[int]) -> None:
        self.names = agent_names(session)
        self._targets = alerts(session, list(conversation_ids))
        self._tags = tags_of(session, conversation_ids)

    def conversation(
        self, conversation: Conversation, identity: Identity, customer: Customer
    ) -> ConversationView:
        """A conversation as the API shows it."""
        number = conversation.id or 0
        return conversation_view(
            conversation,
            identity,
            customer,
            self.names.get(conversation.agent_id or 0),
            self._targets.get(number, ""),
            self._tags.get(number, []),
        )


def conversation_view(
    conversation: Conversation,
    identity: Identity,
    customer: Customer,
    agent: str | None,
    target: str,
    tags: list[str],
) -> ConversationView:
    """A conversation as the API shows it, with what was looked up for it."""
    who = CustomerView(
        id=customer.id,
        name=customer.name or identity.name,
        channel=identity.channel,
        language=identity.language or customer.language,
        linked=identity.linked_at is not None,
    )
    return ConversationView(
        customer=who,
        agent=agent,
        target=target,
        tags=tags,
        **conversation.model_dump(include=_AS_STORED),
    )


_AS_STORED = {
    "id", "state", "team", "handoff_reason", "opened_at", "waiting_since", "first_response_at",
    "resolved_at", "snoozed_until", "updated_at",
}  # fmt: skip


def view_of(session: Session, conversation: Conversation) -> ConversationView:
    """One conversation as the API shows it."""
    identity = session.get_one(Identity, conversation.identity_id)
    customer = session.get_one(Customer, identity.customer_id)
    return Views(session, [conversation.id or 0]).conversation(conversation, identity, customer)


def message_view(
    names: dict[int, str],
    message: Message | Written,
    carried: Sequence[Attached] = (),
    stopped: str | None = None,
) -> MessageView:
    """A message as the API shows it, with what it carries and where its delivery has stopped."""
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
        delivery=stopped,
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
        id=note.id,
        agent=names.get(note.agent_id or 0, ""),
        text=note.text,
        created_at=note.created_at,
    )
