"""What agents can do in a topic besides answering."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlmodel import Session

from bot.core.errors import NotAllowed, NotFound
from bot.core.messages import State
from bot.desk.forum.lines import shortened
from bot.desk.forum.telling import tell
from bot.desk.forum.topics import Topics
from bot.escalation import agents, canned
from storage.models.agents import Agent, agent_by_login, all_agents
from storage.models.conversations import Conversation
from storage.models.topics import DeskTopic


class WithTheBot(NotAllowed):
    """The customer is talking with the bot: whoever acts now takes them away from it."""

    def __init__(self) -> None:
        super().__init__(
            "客人正在和店小二聊。要接手请先发 /take。",
            "The customer is with Xiaoer just now. To step in, send /take first.",
        )


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
    if not wish.topic.is_open:  # else the topic shows it with what else is new
        name = wish.session.get_one(Agent, wish.agent).name
        wish.tell(wish.topics.say("note", name=name, text=wish.words))


def _take(wish: Wish) -> None:
    agents.take(wish.session, wish.topic.conversation_id, wish.agent)


def _resolve(wish: Wish) -> None:
    """Close what a person has or is awaited for; who is with the bot is not asked for a rating."""
    if _conversation(wish).state == State.BOT:
        raise WithTheBot
    agents.resolve(wish.session, wish.topic.conversation_id, wish.agent)


def _assign(wish: Wish) -> None:
    to = agent_by_login(wish.session, wish.words.lower())
    if to is None or not to.active:
        logins = [one.login for one in all_agents(wish.session) if one.active]
        raise NotFound(
            _no_login(wish.words, "没有登录名为 {} 的客服。") + f"可以转给：{'、'.join(logins)}",
            _no_login(wish.words, "There is no agent with login {}. ")
            + f"There are: {', '.join(logins)}",
        )
    agents.assign(wish.session, wish.topic.conversation_id, wish.agent, to)


def _transfer(wish: Wish) -> None:
    """To a team, else to a colleague; the words behind it are the reason."""
    to, _, reason = wish.words.partition(" ")
    transfers, where = wish.topics.transfers, (wish.topic.conversation_id, wish.agent)
    deed = transfers.to_team if transfers.teams.knows(to) else transfers.to_agent
    deed(wish.session, *where, to, reason)


def _order(wish: Wish) -> None:
    wish.tell(wish.topics.card_of(wish.session, wish.topic).orders())


def _canned(wish: Wish) -> None:
    """Send the ready answer with this name, in the customer's language; list them without."""
    conversation, agent = _conversation(wish), wish.session.get_one(Agent, wish.agent)
    found = canned.ready(wish.session, wish.topics.voice, conversation, agent)
    if not wish.words:
        listed = "\n".join(f"/c {one.name} — {shortened(one.text)}" for one in found)
        wish.tell(wish.topics.say("canned", names=listed))
        return
    chosen = next((one for one in found if one.name == wish.words.lower()), None)
    if chosen is None:
        raise NotAllowed(
            f"没有名为 {wish.words} 的快捷回复。发 /c 查看全部。",
            f"There is no ready answer {wish.words}. /c lists them all.",
        )
    agents.reply(wish.session, wish.topic.conversation_id, wish.agent, chosen.text)
    canned.sent(wish.session, wish.topic.conversation_id, wish.agent, chosen.id)


def _conversation(wish: Wish) -> Conversation:
    return wish.session.get_one(Conversation, wish.topic.conversation_id)


def _no_login(login: str, words: str) -> str:
    """`words` about a login that is not known; nothing where none was given."""
    return words.format(login) if login else ""


def _help(wish: Wish) -> None:
    wish.tell(wish.topics.say("help"))


DEEDS: Mapping[str, Callable[[Wish], None]] = {
    "note": _note,
    "take": _take,
    "resolve": _resolve,
    "assign": _assign,
    "transfer": _transfer,
    "order": _order,
    "c": _canned,
}
