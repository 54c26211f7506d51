"""Reads the lists of the left column from the tables."""

from collections.abc import Iterable
from dataclasses import replace

from bot.core.clock import now
from bot.core.messages import Author, State
from bot.core.text import to_traditional
from bot.desk.reader import Reader
from bot.desk.rights import may_see
from bot.desk.sight import Board, Row
from bot.escalation.follow_ups import is_for
from storage.models.conversations import Conversation, Message, conversations_in
from storage.models.customers import Customer, Identity
from storage.models.desk import count_in, last_words, ratings, recently_resolved
from storage.models.remarks import FollowUp, open_follow_ups
from storage.models.sla import alerts

SHOWN_ROWS = 200
"""How many conversations a list holds."""
SHOWN_RESOLVED = 10
"""How many of the latest resolved conversations are listed."""
_PREVIEW = 80
_BUTTONS = ("person_button", "none_button", "back_button", "unhelpful_button")
"""Buttons under the bot's words that say nothing about what the customer wants."""

Entry = tuple[Conversation, Identity, Customer]


def board(reader: Reader) -> Board:
    """All lists, as they are now."""
    session, teams = reader.session, reader.teams
    waiting = conversations_in(session, [State.WAITING], SHOWN_ROWS, teams)
    everything = conversations_in(session, [State.OPEN], SHOWN_ROWS)
    taken = [one for one in everything if may_see(reader.agent, teams, one[0])]
    resolved = recently_resolved(session, SHOWN_RESOLVED, teams)
    found = open_follow_ups(session, SHOWN_ROWS)
    to_do = [
        one
        for one in found
        if is_for(one[0], reader.agent.id) and may_see(reader.agent, teams, one[1])
    ]
    about = [(conversation, identity, customer) for _, conversation, identity, customer in to_do]
    rows = _Rows(reader, [*waiting, *taken, *resolved, *about])
    own = [entry for entry in taken if entry[0].agent_id == reader.agent.id]
    others = [rows.row(entry) for entry in taken if entry[0].agent_id != reader.agent.id]
    mine = [rows.row(entry) for entry in own if not is_snoozed(entry[0])]
    return Board(
        todo=tuple(rows.to_do(one, entry) for (one, *_), entry in zip(to_do, about, strict=True)),
        snoozed=tuple(rows.row(entry) for entry in own if is_snoozed(entry[0])),
        mine=tuple(sorted(mine, key=lambda row: not row.unanswered)),
        waiting=tuple(rows.row(entry) for entry in waiting),
        others=tuple(others),
        resolved=tuple(rows.row(entry) for entry in resolved),
        waiting_count=count_in(session, State.WAITING, teams),
        open_count=len(taken) if teams else count_in(session, State.OPEN),
        news=max((rows.news(row.id) for row in mine), default=0),
    )


def is_snoozed(conversation: Conversation) -> bool:
    """Whether the agent in charge has put the conversation off."""
    return conversation.snoozed_until is not None and conversation.snoozed_until > now()


class _Rows:
    """Makes rows of conversations, with what was looked up for all of them at once."""

    def __init__(self, reader: Reader, entries: list[Entry]) -> None:
        ids = [one.id for one, _, _ in entries if one.id is not None]
        self._reader = reader
        self._words = last_words(reader.session, ids)
        self._stars = ratings(reader.session, ids)
        self._alerts = alerts(reader.session, ids)
        self._has_channels = len({identity.channel for _, identity, _ in entries}) > 1
        self._labels = _button_labels(reader)

    def news(self, conversation_id: int) -> int:
        """The id of the customer's newest message, 0 when an agent had the last word."""
        last = self._last(conversation_id)
        return last.id or 0 if last is not None and last.author == Author.CUSTOMER else 0

    def row(self, entry: Entry) -> Row:
        """The conversation's line in its list."""
        conversation, identity, customer = entry
        reader, conversation_id = self._reader, conversation.id or 0
        last = self._last(conversation_id)
        since = conversation.waiting_since if conversation.state == State.WAITING else None
        target = self._alerts.get(conversation_id, "")
        if since is None:
            since = conversation.resolved_at or (last.created_at if last else None)
        return Row(
            id=conversation_id,
            name=reader.name(identity, customer),
            preview=self._preview(conversation),
            since=reader.texts.waited(since or conversation.opened_at),
            channel=reader.channel(identity) if self._has_channels else "",
            why=_why(reader, conversation),
            target=target,
            late=reader.texts(f"target_{target}") if target else "",
            owner=reader.colleague(conversation),
            stars="★" * self._stars.get(conversation_id, 0),
            unanswered=conversation.state == State.OPEN and self.news(conversation_id) > 0,
            selected=conversation_id == reader.selected,
        )

    def to_do(self, follow_up: FollowUp, entry: Entry) -> Row:
        """The line of something that is to be done about a conversation."""
        texts = self._reader.texts
        return replace(
            self.row(entry),
            preview=texts.known(f"todo_{follow_up.kind}", follow_up.kind),
            since=texts("due", at=texts.time(follow_up.due_at)),
            owner=self._reader.names.get(follow_up.agent_id or 0, ""),
            target="breached" if follow_up.due_at <= now() else "",
            late="",
            unanswered=False,
        )

    def _last(self, conversation_id: int) -> Message | None:
        return next(iter(self._words.get(conversation_id, ())), None)

    def _preview(self, conversation: Conversation) -> str:
        """What was said last: by the customer, or by the agent who is in charge."""
        said = self._words.get(conversation.id or 0, [])
        if conversation.state != State.OPEN:
            said = [one for one in said if one.author == Author.CUSTOMER]
        real = (one for one in said if one.text not in self._labels)
        message = next(real, next(iter(said), None))
        if message is None:
            return ""
        words = " ".join(message.text[:_PREVIEW].split())
        if message.author == Author.CUSTOMER:
            return words
        texts, names = self._reader.texts, self._reader.names
        if message.agent_id == self._reader.agent.id:
            return texts("you_said", words=words)
        return texts("colleague_said", name=names.get(message.agent_id or 0, ""), words=words)


def _why(reader: Reader, conversation: Conversation) -> str:
    """Why a person was brought, in a word; said only while they wait for one."""
    kind = conversation.handoff_reason.partition(":")[0]
    if conversation.state != State.WAITING or not kind:
        return ""
    return reader.texts.known(f"why_{kind}", kind)


def _button_labels(reader: Reader) -> frozenset[str]:
    voice = reader.texts.voice
    languages: Iterable[str] = voice.words.shop.languages
    labels = {voice.say(f"replies.{key}", one) for key in _BUTTONS for one in languages}
    labels |= {"★" * stars for stars in range(1, 6)}
    return frozenset(labels | {to_traditional(label) for label in labels})
