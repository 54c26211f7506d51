"""Reads the lists of the left column from the tables."""

from collections.abc import Iterable
from dataclasses import replace

from bot.core.clock import now
from bot.core.messages import Author, State
from bot.core.text import to_traditional
from bot.desk.reader import Reader
from bot.desk.rights import may_see
from bot.desk.sight import Board, Lists, Own, Row
from bot.escalation.follow_ups import is_for
from storage.models.conversations import Conversation, Message, conversations_in
from storage.models.customers import Customer, Identity
from storage.models.desk import (
    channels_in_use,
    count_in,
    last_change_of,
    last_words,
    ratings,
    recently_resolved,
)
from storage.models.remarks import FollowUp, newest_follow_up, open_follow_ups
from storage.models.sla import alerts

SHOWN_ROWS = 50
"""How many conversations a list that all share holds: more than anybody reads at a glance."""
SHOWN_OWN = 200
"""How many conversations of one agent are listed."""
SHOWN_RESOLVED = 10
"""How many of the latest resolved conversations are listed."""
_PREVIEW = 80
_BUTTONS = ("person_button", "none_button", "back_button", "unhelpful_button")
"""Buttons under the bot's words that say nothing about what the customer wants."""

Entry = tuple[Conversation, Identity, Customer]


def lists(reader: Reader) -> Lists:
    """What all desks of the reader's teams show alike, as it is now."""
    session, teams = reader.session, reader.teams
    waiting = conversations_in(session, [State.WAITING], SHOWN_ROWS, teams)
    taken = conversations_in(session, [State.OPEN], 2 * SHOWN_ROWS, teams)
    resolved = recently_resolved(session, SHOWN_RESOLVED, teams)
    rows = _Rows(reader, [*waiting, *taken, *resolved])
    return Lists(
        waiting=tuple(rows.row(entry) for entry in waiting),
        taken=tuple((entry[0].agent_id, rows.row(entry)) for entry in taken),
        resolved=tuple(rows.row(entry) for entry in resolved),
        waiting_count=count_in(session, State.WAITING, teams),
        open_count=count_in(session, State.OPEN, teams),
        stamps=last_change_of(session, State.OPEN),
        follow_ups=newest_follow_up(session),
    )


def own_rows(reader: Reader) -> Own:
    """What the reader's viewer alone has, as it is now."""
    session, teams = reader.session, reader.teams
    own = conversations_in(session, [State.OPEN], SHOWN_OWN, agent_id=reader.viewer)
    found = open_follow_ups(session, SHOWN_OWN)
    to_do = [
        one
        for one in found
        if is_for(one[0], reader.viewer) and may_see(reader.viewer, teams, one[1])
    ]
    about = [(conversation, identity, customer) for _, conversation, identity, customer in to_do]
    rows = _Rows(reader, [*own, *about])
    mine = [rows.row(entry) for entry in own if not is_snoozed(entry[0])]
    return Own(
        todo=tuple(rows.to_do(one, entry) for (one, *_), entry in zip(to_do, about, strict=True)),
        mine=tuple(sorted(mine, key=lambda row: not row.unanswered)),
        snoozed=tuple(rows.row(entry) for entry in own if is_snoozed(entry[0])),
        seen=sum(teams is None or entry[0].team in teams for entry in own),
        news=max((rows.news(row.id) for row in mine), default=0),
    )


def board(shared: Lists, own: Own, viewer: int, selected: int | None) -> Board:
    """All lists as the agent `viewer` sees them, the conversation `selected` marked."""

    def marked(rows: Iterable[Row]) -> tuple[Row, ...]:
        return tuple(replace(one, selected=True) if one.id == selected else one for one in rows)

    others = [row for agent_id, row in shared.taken if agent_id != viewer]
    return Board(
        todo=marked(own.todo),
        snoozed=marked(own.snoozed),
        mine=marked(own.mine),
        waiting=marked(shared.waiting),
        others=marked(others[:SHOWN_ROWS]),
        resolved=marked(shared.resolved),
        waiting_count=shared.waiting_count,
        others_count=max(0, shared.open_count - own.seen),
        news=own.news,
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
        self._has_channels = len(channels_in_use(reader.session)) > 1
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
        if message.agent_id == self._reader.viewer:
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
