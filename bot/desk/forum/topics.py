"""Makes the topics follow the conversations: whatever changes one is shown in the other.

What is to be done in the forum is ordered in the transaction that makes it necessary. How much a
topic shows is kept in its row (`DeskTopic`), so that nothing is lost and nothing is shown twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from bot.channels.splitting import split
from bot.core.errors import traced
from bot.core.events import Bus, ConversationChanged, Event
from bot.core.messages import Address, Author, Progress, State
from bot.delivery.corrections import CORRECTION
from bot.delivery.errands import ErrandDone, ErrandFailed
from bot.delivery.outcomes import DeliveryStopped
from bot.desk.forum.card import HISTORY, CardWriter
from bot.desk.forum.lines import Copy, Item, Scribe, shortened
from bot.desk.forum.telling import is_gone, order, rewind, tell
from bot.desk.texts import Texts
from bot.escalation.transfers import Transfers
from bot.words.phrases import Voice
from storage.models.agents import Agent
from storage.models.attachments import attachments_of, files_after, newest_file
from storage.models.conversations import (
    Conversation,
    Message,
    last_seq,
    messages_after,
    notes_of,
)
from storage.models.customers import Identity, held_identity
from storage.models.desk import newest_messages
from storage.models.topics import DeskTopic, held_topic, topic_of

E = TypeVar("E", bound=Event)
SPEAKING = "speaking in topic"
"""In a session's `info`: the id of the topic in which its agent writes; it needs no echo."""
REFUSED = (
    "the forum refuses: the bot has to be an admin there who may manage topics and pin messages. "
    "论坛群操作失败：机器人须为管理员，并有“管理话题”和“置顶消息”权限。"
)

log = structlog.get_logger()


Handler = Callable[["Topics", Session, E], None]


def _harmless(handler: Handler[E]) -> Handler[E]:
    """A fault in the forum costs customers nothing: the topic catches up with the next change."""

    @wraps(handler)
    def guarded(topics: "Topics", session: Session, event: E) -> None:
        try:
            with session.begin_nested():
                handler(topics, session, event)
        except DBAPIError:
            raise
        except Exception as error:
            log.error("a topic lags behind", error=traced(error))

    return guarded


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of all forums. A chat's is in its own bot's forum, else in the first."""

    forums: tuple[Address, ...]
    voice: Voice
    public_url: str
    transfers: Transfers

    def register(self, bus: Bus) -> None:
        """Follow what happens."""
        bus.on(ConversationChanged, self.follow)
        bus.on(ErrandDone, self.done)
        bus.on(ErrandFailed, self.failed)
        bus.on(DeliveryStopped, self.stopped)

    # -- what happens to conversations

    @_harmless
    def follow(self, session: Session, event: ConversationChanged) -> None:
        """Show in the topic what is new; one is made, opened or closed where that is due."""
        conversation = session.get_one(Conversation, event.conversation_id)
        topic = self._topic(session, conversation.identity_id)
        if conversation.state in (State.WAITING, State.OPEN):
            topic = topic or self._new(session, conversation)
            if not topic.is_open or topic.conversation_id != conversation.id:
                self._begin(session, topic, conversation)
            self._catch_up(session, topic, conversation)
        elif topic is not None and topic.is_open and topic.conversation_id == conversation.id:
            self._end(session, topic, conversation)

    @_harmless
    def stopped(self, session: Session, event: DeliveryStopped) -> None:
        """Agents learn that their words did not arrive."""
        message = session.get_one(Message, event.message_id)
        if message.author != Author.AGENT:
            return
        held_identity(session, message.identity_id)
        topic = self._topic(session, message.identity_id)
        if topic is not None:
            key = "held" if event.state == Progress.HELD else str(event.state)
            words, reason = shortened(message.text), event.reason
            tell(session, topic, self.say(f"stopped_{key}", text=words, reason=reason))

    # -- what became of errands

    @_harmless
    def done(self, session: Session, event: ErrandDone) -> None:
        """A topic is made, a card posted."""
        topic = self._held(session, event)
        if topic is None:
            return
        if event.kind == "topic" and topic.thread is None:
            self._made(session, topic, int(event.result["thread"]))
        elif event.details.get("card") and event.details.get("thread") == topic.thread:
            topic.card_id = int(event.result["message_id"])
            order(session, topic, "pin", message=topic.card_id, repeatable=True)

    @_harmless
    def failed(self, session: Session, event: ErrandFailed) -> None:
        """A deleted topic is made anew, and what did not get there is shown again."""
        if CORRECTION in event.details:
            self._uncorrected(session, event)
            return
        topic = self._held(session, event)
        if topic is None:
            return
        if is_gone(event.reason):
            self._lost(session, topic, event.details)
            return
        log.warning(REFUSED, bot=topic.account, step=event.kind, reason=event.reason)
        if event.kind == "topic":
            topic.is_making = False  # the conversation's next change tries again
        elif event.kind == "file":
            tell(session, topic, event.details["instead"], event.details["after"])
        elif event.is_uncertain or event.reason == "expired":
            rewind(topic, event.details)

    def _uncorrected(self, session: Session, event: ErrandFailed) -> None:
        """Agents learn that the customer still reads the old words."""
        message = session.get_one(Message, event.details[CORRECTION])
        held_identity(session, message.identity_id)
        topic = self._topic(session, message.identity_id)
        if topic is not None:
            words = shortened(message.text)
            tell(session, topic, self.say("stopped_edit", text=words, reason=event.reason))

    def _lost(self, session: Session, topic: DeskTopic, details: Mapping[str, Any]) -> None:
        rewind(topic, details)
        if topic.thread == details.get("thread"):
            topic.thread = None
        if topic.is_open:
            conversation = session.get_one(Conversation, topic.conversation_id)
            self._catch_up(session, topic, conversation)

    def _made(self, session: Session, topic: DeskTopic, thread: int) -> None:
        topic.thread, topic.is_making = thread, False
        conversation = session.get_one(Conversation, topic.conversation_id)
        self._post_card(session, topic, conversation)
        self._catch_up(session, topic, conversation)
        if not topic.is_open:  # it ended before there was a topic
            self._close(session, topic, conversation)

    # -- a conversation's way through its topic

    def _new(self, session: Session, conversation: Conversation) -> DeskTopic:
        identity = session.get_one(Identity, conversation.identity_id)
        place = self._forum(identity)
        topic = DeskTopic(
            channel=place.channel,
            account=place.account,
            chat=place.chat,
            identity_id=conversation.identity_id,
            conversation_id=conversation.id or 0,
        )
        session.add(topic)
        session.flush()
        return topic

    def _begin(self, session: Session, topic: DeskTopic, conversation: Conversation) -> None:
        """All that was said until now stands on the card; what follows is shown by and by."""
        assert conversation.id is not None
        topic.conversation_id, topic.is_open, topic.agent_id = conversation.id, True, None
        topic.message_id = last_seq(session, conversation.identity_id)
        topic.file_id = newest_file(session)
        history = newest_messages(session, conversation.id, HISTORY)
        carried = attachments_of(session, [one.id for one in history if one.id is not None])
        if carried:
            topic.file_id = min(one.id or 0 for files in carried.values() for one in files) - 1
        if topic.thread is None:
            self._make(session, topic)
        else:
            order(session, topic, "reopen_topic", repeatable=True)
            self._post_card(session, topic, conversation)

    def _end(self, session: Session, topic: DeskTopic, conversation: Conversation) -> None:
        """The last things said are shown, and the topic is closed."""
        topic.is_open = False
        if topic.thread is not None:
            self._catch_up(session, topic, conversation)
            self._close(session, topic, conversation)

    def _close(self, session: Session, topic: DeskTopic, conversation: Conversation) -> None:
        name = self._agent(session, conversation.agent_id)
        key = "resolved" if conversation.state == State.RESOLVED else "left"
        tell(session, topic, self.say(key, name=name))
        order(session, topic, "close_topic", repeatable=True)
        topic.batch += 1

    def _catch_up(self, session: Session, topic: DeskTopic, conversation: Conversation) -> None:
        """Show what was said, sent and noted since, and who is in charge."""
        if topic.thread is None:
            self._make(session, topic)
            return
        chat, seen = topic.identity_id, (topic.message_id, topic.note_id, topic.file_id)
        messages = messages_after(session, chat, topic.message_id)
        files = files_after(session, chat, topic.file_id)
        notes = [one for one in notes_of(session, topic.conversation_id) if _id(one) > seen[1]]
        is_speaking = session.info.get(SPEAKING) == topic.id
        shown = [one for one in messages if not (is_speaking and one.author == Author.AGENT)]
        own = {one.id for one in messages} - {one.id for one in shown}
        carried = [one for one in files if one.message_id not in own]
        items = self._scribe(session, topic).items(shown, carried, notes)
        if topic.agent_id != conversation.agent_id and conversation.state != State.RESOLVED:
            if not is_speaking:
                tell(session, topic, self._charge(session, conversation.agent_id))
            topic.agent_id = conversation.agent_id
        if not is_speaking and not any(one.is_news for one in items):
            return  # what the bot says by itself comes along with the next news
        topic.message_id = max([seen[0], *map(_id, messages)])
        topic.note_id = max([seen[1], *map(_id, notes)])
        topic.file_id = max([seen[2], *map(_id, files)])
        self._show(session, topic, [one for one in items if one.is_news or not is_speaking], seen)

    def _show(
        self, session: Session, topic: DeskTopic, items: Sequence[Item], seen: Sequence[int]
    ) -> None:
        lines: list[str] = []
        for item in items:
            if not isinstance(item, Copy):
                lines.append(item.text)
                continue
            tell(session, topic, "\n\n".join(lines), seen)
            lines = []
            details: dict[str, Any] = {
                "from": item.chat,
                "message": item.message,
                "instead": item.text,
            }
            order(session, topic, "file", after=list(seen), **details)
            topic.batch += 1  # what is said after the file stands below it
        tell(session, topic, "\n\n".join(lines), seen)

    # -- cards and topics

    def say(self, key: str, **values: Any) -> str:
        """The text `forum.<key>` in the agents' language."""
        return self.voice.say(f"forum.{key}", self.voice.default_language, **values)

    def card_of(self, session: Session, topic: DeskTopic) -> CardWriter:
        """Who the topic's customer is."""
        conversation = session.get_one(Conversation, topic.conversation_id)
        return CardWriter(session, self._texts, conversation)

    def _post_card(self, session: Session, topic: DeskTopic, conversation: Conversation) -> None:
        newest = newest_messages(session, topic.conversation_id, 3 * HISTORY)
        history = [one for one in newest if _id(one) <= topic.message_id][-HISTORY:]
        writer = CardWriter(session, self._texts, conversation)
        pieces = split(writer.text(history, self._scribe(session, topic)))
        order(session, topic, "say", text=pieces[0], card=True)
        topic.batch += 1

    def _make(self, session: Session, topic: DeskTopic) -> None:
        if topic.is_making:
            return
        topic.is_making = True
        name = self.card_of(session, topic).name()
        order(session, topic, "topic", name=name)

    # -- looking up

    def _forum(self, identity: Identity) -> Address:
        own = (one for one in self.forums if (one.channel, one.account) == _account(identity))
        return next(own, self.forums[0])

    def _topic(self, session: Session, identity_id: int) -> DeskTopic | None:
        identity = session.get_one(Identity, identity_id)
        return topic_of(session, self._forum(identity), identity_id)

    def _held(self, session: Session, event: ErrandDone | ErrandFailed) -> DeskTopic | None:
        """The topic that an errand was for, with its chat held; None for other errands."""
        topic_id = event.details.get("topic")
        found = session.get(DeskTopic, topic_id) if topic_id is not None else None
        if found is None or found.id is None:
            return None
        held_identity(session, found.identity_id)
        topic = held_topic(session, found.id)
        if topic is not None:
            session.add(topic)
        return topic

    def _scribe(self, session: Session, topic: DeskTopic) -> Scribe:
        identity = session.get_one(Identity, topic.identity_id)
        link = f"{self.public_url}/desk?c={topic.conversation_id}" if self.public_url else ""
        return Scribe(session, self._texts, identity, topic.account, link)

    def _charge(self, session: Session, agent_id: int | None) -> str:
        name = self._agent(session, agent_id)
        return self.say("in_charge", name=name) if name else self.say("released")

    def _agent(self, session: Session, agent_id: int | None) -> str:
        agent = session.get(Agent, agent_id) if agent_id is not None else None
        return agent.name if agent is not None else ""

    @property
    def _texts(self) -> Texts:
        return Texts(self.voice, self.voice.default_language)


def _id(row: Any) -> int:
    return int(row.id or 0)


def _account(identity: Identity) -> tuple[str, str]:
    return identity.channel, identity.account
