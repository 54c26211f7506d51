"""What agents can do in a topic besides answering."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlmodel import Session

from bot.core.errors import NotAllowed, NotFound
from bot.desk.forum.telling import tell
from bot.desk.forum.topics import Topics
from bot.escalation import agents
from storage.models.agents import Agent, agent_by_login
from storage.models.conversations import Conversation
from storage.models.topics import DeskTopic

CANNED = "canned"
"""The folder of templates with the ready answers."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One command: who gives it where, and the words behind it."""

    session: Session
    topics: Topics
    topic: DeskTopic
    agent: int
    words: str

    def tell(self, text: str) -> None:
        """Answer in the topic."""
        tell(self.session, self.topic, text)


def run(session: Session, topics: Topics, topic: DeskTopic, agent: Agent, text: str) -> None:
    """Do what `text` says, such as `/note called back`. Raises what the deeds raise."""
    command, _, words = text.partition(" ")
    if "\n" in command:
        command, _, words = text.partition("\n")
    name = command.removeprefix("/").partition("@")[0].lower()
    assert agent.id is not None
    DEEDS.get(name, _help)(Wish(session, topics, topic, agent.id, words.strip()))


def _note(wish: Wish) -> None:
    agents.note(wish.session, wish.topic.conversation_id, wish.agent, wish.words)


def _take(wish: Wish) -> None:
    agents.take(wish.session, wish.topic.conversation_id, wish.agent)


def _resolve(wish: Wish) -> None:
    agents.resolve(wish.session, wish.topic.conversation_id, wish.agent)


def _assign(wish: Wish) -> None:
    to = agent_by_login(wish.session, wish.words.lower())
    if to is None or not to.active:
        raise NotFound(
            f"没有登录名为 {wish.words or '…'} 的客服。用法：/assign 登录名",
            f"There is no agent with login {wish.words or '…'}. Like this: /assign LOGIN",
        )
    agents.assign(wish.session, wish.topic.conversation_id, wish.agent, to)


def _order(wish: Wish) -> None:
    wish.tell(wish.topics.card_of(wish.session, wish.topic).orders())


def _canned(wish: Wish) -> None:
    """Send the ready answer with this name, in the customer's language; list them without."""
    voice = wish.topics.voice
    names = voice.names(CANNED)
    if not wish.words:
        listed = "\n".join(f"/c {one}" for one in names)
        wish.tell(wish.topics.say("canned", names=listed))
        return
    if wish.words not in names:
        raise NotAllowed(
            f"没有名为 {wish.words} 的快捷回复。发 /c 查看全部。",
            f"There is no ready answer {wish.words}. /c lists them all.",
        )
    conversation = wish.session.get_one(Conversation, wish.topic.conversation_id)
    language = conversation.language or voice.default_language
    words = voice.say(f"{CANNED}.{wish.words}", language)
    agents.reply(wish.session, wish.topic.conversation_id, wish.agent, words)


def _help(wish: Wish) -> None:
    wish.tell(wish.topics.say("help"))


DEEDS: Mapping[str, Callable[[Wish], None]] = {
    "note": _note,
    "take": _take,
    "resolve": _resolve,
    "assign": _assign,
    "order": _order,
    "c": _canned,
}
