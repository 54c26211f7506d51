"""The buttons of channels where they pass through the customer's hands: tokens, used once."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Field, Session, SQLModel, col, select

from bot.core.clock import now
from bot.core.ids import token
from bot.core.messages import Choice
from storage.models.base import delete_some, moment
from storage.models.conversations import Message

TOKEN_BYTES = 18
"""144 random bits, 24 characters: nobody guesses one, and 64 bytes hold it."""


class Button(SQLModel, table=True):
    """One button under one message of one chat. Pressing any of a message's uses up all."""

    token: str = Field(primary_key=True)
    message_id: int = Field(foreign_key="message.id", index=True)
    identity_id: int = Field(foreign_key="identity.id")
    label: str
    value: str
    created_at: datetime = moment(default_factory=now, index=True)
    used_at: datetime | None = moment(nullable=True, default=None)


def tokens_for(session: Session, message: Message) -> tuple[Choice, ...]:
    """The message's buttons, each with its token in place of its value; made on first use.

    Where a key is among them they are keys all, whose labels come back as words: they stay.
    """
    plain = tuple(Choice(**one) for one in message.choices)
    if not plain or any(one.is_key for one in plain):
        return plain
    assert message.id is not None
    known = _of(session, message.id) or _issue(session, message.id, message)
    by_value = {(one.label, one.value): one.token for one in known}
    return tuple(
        Choice(one["label"], by_value[one["label"], one["value"]]) for one in message.choices
    )


def open_button(session: Session, identity_id: int, pressed: str) -> Button | None:
    """The button with this token; None when there is none, in another chat, or when it was used.

    The caller holds the chat's row.
    """
    found = session.get(Button, pressed)
    is_theirs = found is not None and found.identity_id == identity_id
    return found if is_theirs and found and found.used_at is None else None


def use_up(session: Session, button: Button) -> None:
    """The button has been pressed: neither it nor its neighbours can be any more."""
    statement = update(Button).where(col(Button.message_id) == button.message_id)
    session.execute(statement.values(used_at=now()))


def forget_buttons(session: Session, before: datetime, most: int) -> int:
    """Delete at most `most` buttons made before a moment. Returns how many."""
    return delete_some(session, col(Button.token), most, col(Button.created_at) < before)


def _of(session: Session, message_id: int) -> Sequence[Button]:
    return session.exec(select(Button).where(Button.message_id == message_id)).all()


def _issue(session: Session, message_id: int, message: Message) -> Sequence[Button]:
    made = [
        Button(
            token=token(TOKEN_BYTES),
            message_id=message_id,
            identity_id=message.identity_id,
            label=one["label"],
            value=one["value"],
        )
        for one in message.choices
    ]
    session.add_all(made)
    return made
