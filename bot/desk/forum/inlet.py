"""Takes what agents write in the forum: their words go to the customer, their commands are done."""

from collections.abc import Mapping
from dataclasses import replace

import structlog
from sqlmodel import Session

from bot.channels.base import DeskPost, Policy
from bot.core.errors import Unavailable, XiaoerError, traced
from bot.core.events import ConversationChanged
from bot.core.messages import State
from bot.core.roles import Right, may
from bot.delivery.files import refusal
from bot.desk.forum import commands
from bot.desk.forum.commands import WithTheBot
from bot.desk.forum.telling import tell
from bot.desk.forum.topics import SPEAKING, Topics
from bot.desk.rights import Forbidden
from bot.escalation import agents
from bot.inbox.file_types import expected_type
from bot.inbox.lanes import Lanes
from storage.db import Database
from storage.models.agents import Agent, agent_by_telegram
from storage.models.audit import Origin, acting
from storage.models.conversations import Conversation, conversations_in, message_from
from storage.models.customers import Identity, held_identity
from storage.models.inbound import source_of, take
from storage.models.topics import DeskTopic, held_topic, topic_in

log = structlog.get_logger()


class ForumInlet:
    """What is written in topics takes effect, once, in each topic's order."""

    def __init__(self, db: Database, topics: Topics) -> None:
        self._db = db
        self._topics = topics
        self._lanes = Lanes()
        self._policies: Mapping[tuple[str, str], Policy] = {}

    def connect(self, policies: Mapping[tuple[str, str], Policy]) -> None:
        """Say what each account may send."""
        self._policies = policies

    async def take(self, post: DeskPost) -> None:
        """Returns after the commit. Raises `Unavailable` when nothing could be stored.

        What cannot be done is said in the topic.
        """
        async with self._lanes.enter(f"{post.place.key}:{post.thread}"):
            try:
                await self._db.transact(self._act, post)
            except Unavailable:
                raise
            except XiaoerError as error:
                words = error.text(self._topics.voice.default_language)
                await self._db.transact(self._refuse, post, words)
            except Exception as error:
                log.error("an agent's words failed", error=traced(error))
                await self._db.transact(self._refuse, post, self._topics.say("failed"))

    async def recover(self) -> None:
        """Show what no topic shows yet: the forum is new, or was out of reach."""
        for conversation_id in await self._db.read(_with_people):
            await self._db.transact(self._topics.follow, ConversationChanged(conversation_id))

    def _act(self, session: Session, post: DeskPost) -> None:
        topic = self._taken(session, post)
        if topic is None:
            return
        acting(session, Origin.FORUM)
        agent = agent_by_telegram(session, post.author) if post.author else None
        if agent is None or not agent.active:
            self._hint(session, topic, post)
        elif not may(agent.role, Right.SERVE):
            raise Forbidden
        elif post.is_edit:
            self._reword(session, topic, agent, post)
        elif post.has_file and (hint := self._why_no_file(session, topic, post)):
            tell(session, topic, hint)
        elif post.text.startswith("/"):
            commands.run(session, self._topics, topic, agent, post.text)
        else:
            _reply(session, topic, agent, post)

    def _reword(self, session: Session, topic: DeskTopic, agent: Agent, post: DeskPost) -> None:
        """What was changed in the topic is changed at the customer, who cannot be told of notes."""
        message = message_from(session, topic.identity_id, _origin(post))
        words = _words(post)
        if message is not None and message.text == words:  # the preview of a link came
            return
        assert agent.id is not None
        is_command = post.text.startswith("/")
        if message is None or is_command or not agents.reword(session, message, agent.id, words):
            tell(session, topic, self._topics.say("no_edits"))

    def _refuse(self, session: Session, post: DeskPost, words: str) -> None:
        topic = self._taken(session, post)
        if topic is not None:
            tell(session, topic, f"⚠️ {words}")

    def _taken(self, session: Session, post: DeskPost) -> DeskTopic | None:
        """The post's topic, its chat held; None where it is none of ours, or came before."""
        found = topic_in(session, post.place, post.thread)
        if found is None or found.id is None:
            return None
        if take(session, source_of(post.place), post.external_id) is None:
            return None
        held_identity(session, found.identity_id)
        return held_topic(session, found.id)

    def _why_no_file(self, session: Session, topic: DeskTopic, post: DeskPost) -> str:
        """Why a file cannot go to the customer; empty when it can.

        A bot can copy only to those who write to it; to others we send what we fetch.
        """
        if post.text.startswith("/"):
            return self._topics.say("no_files_with_commands")
        if not post.attachments:
            return self._topics.say("no_such_files")
        identity = session.get_one(Identity, topic.identity_id)
        if _is_own(identity, post):
            return ""
        if any(not one.kind.is_file or one.is_too_large for one in post.attachments):
            return self._topics.say("no_files_there")
        if identity.pulls:
            return ""
        policy = self._policies.get((identity.channel, identity.account), Policy())
        told = [(expected_type(one.kind, one.mime), one.size) for one in post.attachments]
        problems = (refusal(policy, *one) for one in told)
        language = self._topics.voice.default_language
        return next((f"⚠️ {one.text(language)}" for one in problems if one), "")

    def _hint(self, session: Session, topic: DeskTopic, post: DeskPost) -> None:
        """Who is no agent learns once how to become one."""
        if take(session, f"desk:{post.place.key}", f"hint:{post.author}") is not None:
            key = "stranger" if post.author else "nameless"
            tell(session, topic, self._topics.say(key, id=post.author))


def _with_people(session: Session) -> list[int]:
    """The conversations that wait for a person or have one."""
    found = conversations_in(session, [State.WAITING, State.OPEN])
    return [one.id for one, _, _ in found if one.id is not None]


def _reply(session: Session, topic: DeskTopic, agent: Agent, post: DeskPost) -> None:
    """Send the agent's words and files. Raises `WithTheBot`, and what `agents.reply` raises."""
    assert agent.id is not None
    if session.get_one(Conversation, topic.conversation_id).state == State.BOT:
        raise WithTheBot
    session.info[SPEAKING] = topic.id
    words, files = _words(post), post.attachments
    if not _is_own(session.get_one(Identity, topic.identity_id), post):
        source = f"{post.place.channel}:{post.place.account}"
        files = tuple(replace(one, source=source) for one in files)
    agents.reply(session, topic.conversation_id, agent.id, words, _origin(post), files)


def _is_own(identity: Identity, post: DeskPost) -> bool:
    """Whether the customer writes to the forum's own bot."""
    return (identity.channel, identity.account) == (post.place.channel, post.place.account)


def _origin(post: DeskPost) -> str:
    """Where the post stands, as `Outgoing.copy_of`; no message of a customer is called so."""
    return f"{post.place.chat}/{post.message}"


def _words(post: DeskPost) -> str:
    """The post's text, or what stands for its file."""
    return post.text or " ".join(one.kind.mark for one in post.attachments)
