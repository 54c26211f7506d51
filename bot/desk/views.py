"""Reads what an agent sees from the tables, in one go and ready to be shown."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.core.clock import now
from bot.core.messages import KEY_AWAY, Author, State, is_mark
from bot.core.roles import Right, may
from bot.desk.customer import customer_card
from bot.desk.lists import lists, own_rows
from bot.desk.passes import Pass
from bot.desk.reader import Reader
from bot.desk.rights import may_see, require, seen_teams
from bot.desk.sight import Bubble, FileLine, Lists, Own, Thread
from bot.desk.texts import Texts
from bot.escalation.follow_ups import MOST, is_for
from bot.inbox.file_types import IMAGES
from storage.models.attachments import Attached, Stage, attachments_of
from storage.models.conversations import (
    Conversation,
    Message,
    Note,
    latest_conversation,
    notes_of,
)
from storage.models.customers import Customer, Identity
from storage.models.deliveries import stopped_of
from storage.models.desk import (
    agent_names,
    earlier_messages,
    messages_since,
    newest_messages,
)
from storage.models.remarks import FollowUp, open_follow_ups, tags_of

SHOWN_MESSAGES = 200
"""How many of a conversation's messages are loaded."""
SHOWN_AROUND = 20
"""How many messages are shown before one that was looked for."""
MOST_MESSAGES = 2000
"""How many are loaded at most, to show one that was looked for."""
SHOWN_EARLIER = 20
"""How many messages of the same chat's former conversations are shown above it."""
QUOTED = 80
"""How much is shown of a message that another one answers, in characters."""
CONFIDENT = 0.7
"""P(right) from which the bot's answer is called a confident one."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of an agent's own has to be read."""

    own: bool = True
    thread: bool = True

    def __bool__(self) -> bool:
        return self.own or self.thread


@dataclass(frozen=True, slots=True)
class Standpoint:
    """Whose desk it is, and which teams' conversations are seen from there."""

    agent: int
    teams: frozenset[str] | None
    may_serve: bool


def standpoint(session: Session, login: Pass, *, own_teams_only: bool = False) -> Standpoint:
    """Where the agent with this login stands. Raises `LoggedOut` and `Forbidden`."""
    agent = require(session, login, Right.LOOK)
    teams = seen_teams(session, agent, own_teams_only=own_teams_only)
    assert agent.id is not None
    seen = None if teams is None else frozenset(teams)
    return Standpoint(agent.id, seen, may_serve=may(agent.role, Right.SERVE))


def shared_lists(session: Session, texts: Texts, teams: frozenset[str] | None) -> Lists:
    """What all desks that see these teams show alike."""
    return lists(Reader(session, 0, texts, agent_names(session), teams=teams))


def own_part(
    session: Session,
    place: Standpoint,
    texts: Texts,
    selected: int | None,
    since: datetime | None,
    wanted: Wanted,
) -> tuple[Own | None, Thread | None]:
    """What one agent alone sees, as far as it is wanted: their rows, and the opened conversation.

    What was said at `since` is shown, however long ago. A conversation that does not exist, or
    that the agent does not see, is shown as none.
    """
    reader = Reader(session, place.agent, texts, agent_names(session), selected, place.teams)
    conversation = session.get(Conversation, selected) if selected and wanted.thread else None
    is_seen = conversation is not None and may_see(place.agent, place.teams, conversation)
    thread = _thread(reader, conversation, since) if conversation is not None and is_seen else None
    return own_rows(reader) if wanted.own else None, thread


def _thread(reader: Reader, conversation: Conversation, since: datetime | None) -> Thread:
    session = reader.session
    identity = session.get_one(Identity, conversation.identity_id)
    customer = session.get_one(Customer, identity.customer_id)
    assert conversation.id is not None
    to_do = [one for one, *_ in open_follow_ups(session, MOST, conversation.id)]
    follow_up = next((one for one in to_do if is_for(one, reader.viewer)), None)
    limit = _shown_messages(session, conversation.id, since)
    messages = newest_messages(session, conversation.id, limit)
    shortened = len(messages) == limit
    said: list[Message | Note] = [*messages, *notes_of(session, conversation.id)]
    if shortened:  # notes about what is not shown would stand there without their reason
        said = [one for one in said if one.created_at >= messages[0].created_at]
    said.sort(key=lambda one: one.created_at)  # stable: messages keep the order of their ids
    name = reader.name(identity, customer)
    bubbles = _joined(_read_marked(reader, identity, _bubbles(reader, said, name)))
    return Thread(
        id=conversation.id,
        state=conversation.state,
        reason=reason_text(reader.texts, conversation, messages),
        mine=conversation.agent_id == reader.viewer,
        owner=reader.colleague(conversation),
        replied=conversation.first_response_at is not None,
        bubbles=bubbles if shortened else (*_earlier(reader, conversation, name), *bubbles),
        shortened=shortened,
        card=customer_card(reader, identity, customer),
        tags=tuple(tags_of(session, [conversation.id]).get(conversation.id, ())),
        snoozed=_snoozed(reader, conversation),
        todo=follow_up.id or 0 if follow_up else 0,
        follow_up=follow_up_text(reader, follow_up) if follow_up else "",
        asked=_asked(messages),
        address=identity.address,
        newest=_newest(session, conversation),
    )


def _newest(session: Session, conversation: Conversation) -> int:
    """The conversation that the customer began after this one had ended; 0 for none."""
    if conversation.state != State.RESOLVED:
        return 0
    latest = latest_conversation(session, conversation.identity_id)
    if latest is None or latest.id is None or latest.id == conversation.id:
        return 0
    said = newest_messages(session, latest.id, SHOWN_EARLIER)
    return latest.id if any(one.author == Author.CUSTOMER for one in said) else 0


def _shown_messages(session: Session, conversation_id: int, since: datetime | None) -> int:
    """How many messages are loaded: more where the one that was looked for is further up."""
    if since is None:
        return SHOWN_MESSAGES
    wanted = messages_since(session, conversation_id, since) + SHOWN_AROUND
    return min(max(SHOWN_MESSAGES, wanted), MOST_MESSAGES)


def _snoozed(reader: Reader, conversation: Conversation) -> str:
    """Until when the conversation is put off; empty when it is not."""
    until = conversation.snoozed_until
    return reader.texts.time(until) if until is not None and until > now() else ""


def _asked(messages: Sequence[Message]) -> int:
    """The newest message of a customer whom no person has answered since; 0 for none."""
    for message in reversed(messages):
        if message.author in (Author.CUSTOMER, Author.AGENT):
            return message.id or 0 if message.author == Author.CUSTOMER else 0
    return 0


def follow_up_text(reader: Reader, follow_up: FollowUp) -> str:
    """What is to be done, and by when."""
    what = reader.texts.known(f"todo_{follow_up.kind}", follow_up.kind)
    return f"{what} · {reader.texts('due', at=reader.texts.time(follow_up.due_at))}"


def _earlier(reader: Reader, conversation: Conversation, name: str) -> tuple[Bubble, ...]:
    """How the chat's former conversations ended, and the line below them."""
    messages = earlier_messages(reader.session, conversation, SHOWN_EARLIER)
    if not messages:
        return ()
    bubbles = _joined(_bubbles(reader, messages, name))
    divider = Bubble("divider", "divider", "", reader.texts("earlier"), "")
    return (*(replace(bubble, earlier=True, choices=()) for bubble in bubbles), divider)


def _read_marked(reader: Reader, identity: Identity, bubbles: list[Bubble]) -> list[Bubble]:
    """The last of an agent's messages that the customer has seen says so."""
    for place in reversed(range(len(bubbles))):
        one = bubbles[place]
        if one.kind == Author.AGENT and int(one.key.removeprefix("m")) <= identity.read_to:
            bubbles[place] = replace(one, seen=reader.texts("read"))
            break
    return bubbles


def _bubbles(reader: Reader, said: Sequence[Message | Note], customer: str) -> list[Bubble]:
    """Messages and notes with what came with them, and what they refer to."""
    messages = {one.id: one for one in said if isinstance(one, Message) and one.id is not None}
    carried = attachments_of(reader.session, messages.keys())
    stopped = stopped_of(reader.session, messages.keys())
    found = []
    for one in said:
        bubble = _bubble(reader, one, customer)
        if isinstance(one, Message):
            answered = messages.get(one.reply_to or 0)
            files = tuple(_file_line(reader.texts, file) for file in carried.get(one.id or 0, ()))
            at = f"{bubble.at} · {reader.texts('edited')}" if one.edit_of else bubble.at
            quote = answered.text[:QUOTED] if answered else ""
            if files and one.author == Author.AGENT and is_mark(one.text):  # it says what they show
                bubble = replace(bubble, text="")
            fate = reader.texts(f"fate_{stopped[one.id]}") if one.id in stopped else ""
            deeds = _deeds(one, has_stopped=one.id in stopped)
            bubble = replace(bubble, files=files, quote=quote, at=at, fate=fate, deeds=deeds)
        found.append(bubble)
    return found


def _deeds(message: Message, *, has_stopped: bool) -> tuple[str, ...]:
    """What an agent can do with a message, as `bot.desk.screen.MESSAGE_DEEDS` names it."""
    if message.author == Author.CUSTOMER:
        return ("remember",) if message.text.strip() else ()
    wrong = ("wrong",) if message.author == Author.BOT else ()
    return (*(("resend",) if has_stopped else ()), *wrong)


def _file_line(texts: Texts, file: Attached) -> FileLine:
    """How one attachment is shown; names are the customer's, and only text."""
    what = file.label
    if file.stage == Stage.KEPT:
        return FileLine(what, f"/desk/files/{file.id}", file.mime in IMAGES)
    return FileLine(what if file.stage == Stage.NONE else f"{what} {texts(f'file_{file.stage}')}")


def _bubble(reader: Reader, said: Message | Note, customer: str) -> Bubble:
    texts = reader.texts
    at = texts.time(said.created_at)
    if isinstance(said, Note):
        author = reader.names.get(said.agent_id, "") if said.agent_id else texts("bot")
        return Bubble(f"n{said.id}", "note", author, said.text, at)
    author = {
        Author.CUSTOMER: customer,
        Author.AGENT: reader.names.get(said.agent_id or 0, ""),
        Author.BOT: texts("bot"),
    }.get(Author(said.author), "")
    labels = tuple(one["label"] for one in said.choices or () if one["value"] != KEY_AWAY)
    return Bubble(
        f"m{said.id}", said.author, author, said.text, at, labels, _verdict(texts, said.verdict)
    )


def _joined(bubbles: list[Bubble]) -> tuple[Bubble, ...]:
    before = [None, *bubbles]
    return tuple(
        replace(one, continues=last is not None and _byline(last) == _byline(one))
        for last, one in zip(before, bubbles, strict=False)
    )


def _byline(bubble: Bubble) -> tuple[str, str, str]:
    return bubble.kind, bubble.author, bubble.at


def _verdict(texts: Texts, verdict: dict[str, Any] | None) -> str:
    """Why the bot said what it said, as one line: skill, outcome, FAQ entry, confidence."""
    if not verdict or verdict.get("outcome") == "silent":  # under every message: only noise
        return ""
    skill, outcome = str(verdict.get("skill", "")), str(verdict.get("outcome", ""))
    parts = [
        texts.known(f"skill_{skill}", skill.replace("_", " ")),
        texts.known("outcome_" + outcome.replace(",", "").replace(" ", "_"), outcome),
        str(verdict.get("title") or verdict.get("entry", "")),
        _confidence(texts, verdict.get("confidence")),
    ]
    return " · ".join(part for part in parts if part)


def _confidence(texts: Texts, probability: object) -> str:
    if not isinstance(probability, int | float):
        return ""
    return texts("confident" if probability >= CONFIDENT else "unsure")


def reason_text(texts: Texts, conversation: Conversation, messages: list[Message]) -> str:
    """Why a person was brought; of an FAQ entry the title, where its answer is still shown."""
    kind, _, detail = conversation.handoff_reason.partition(":")
    if not kind:
        return ""
    verdicts = [one.verdict for one in messages if one.verdict]
    titles = {str(one.get("entry")): str(one.get("title") or "") for one in verdicts}
    parts = (texts.known(f"reason_{kind}", kind), titles.get(detail) or detail)
    return " ".join(part for part in parts if part)
