"""Histories of a shop, made up at random, and the figures of a report worked out the slow way."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from math import ceil
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot.core.messages import Author, State
from storage.models.agents import Agent
from storage.models.conversations import Conversation, Message
from storage.models.customers import Customer, Identity
from storage.models.feedback import Feedback
from storage.models.sla import SlaClock

CHANNELS = ("web", "telegram", "wechat")
AGENTS = 2
ANSWERED = {"skill": "faq", "outcome": "answered"}
VERDICTS: tuple[dict[str, Any], ...] = (
    {**ANSWERED, "entry": "return_how"}, {**ANSWERED, "entry": "refund_time"},
    {"skill": "order", "outcome": "answered", "entry": "order_where", "order": "XE1"},
    {**ANSWERED, "entry": "small_hello"}, {"skill": "acknowledge", "outcome": "acknowledged"},
    {"skill": "faq", "outcome": "asked back", "offered": []}, {"skill": "miss", "outcome": "miss"},
    {"skill": "order", "outcome": "asked for proof", "entry": "order_where"},
    {"skill": "helpful", "outcome": "did not help", "entry": "return_how"},
    {"skill": "helpful", "outcome": "helped", "entry": "return_how"},
    {"skill": "opt_out", "outcome": "opted out"}, {"skill": "miss", "outcome": "old button"},
    {"skill": "safety", "outcome": "secret"}, {"skill": "blocked", "outcome": "ignored"},
)  # fmt: skip
HANDED_OVER: tuple[tuple[dict[str, Any], str], ...] = (
    ({"skill": "person", "outcome": "handed over"}, "asked"),
    ({"skill": "miss", "outcome": "handed over", "misses": 2}, "misses"),
    ({"skill": "faq", "outcome": "answered, person brought", "entry": "complaint"},
     "entry:complaint"),
    # The order was told, and a person brought for what was asked besides.
    ({"skill": "order", "outcome": "answered", "entry": "order_where", "also": "x"}, "entry:x"),
)  # fmt: skip
IN_CHARGE = {"skill": "person_in_charge", "outcome": "silent"}


@dataclass
class Word:
    """One message of a history."""

    chat: int
    conversation: "Talk"
    author: str
    at: datetime
    verdict: dict[str, Any] | None = None
    agent: int | None = None
    id: int = 0


@dataclass
class Talk:
    """One conversation of a history."""

    chat: int
    state: str = State.BOT
    agent: int | None = None
    reason: str = ""
    waiting_since: datetime | None = None
    answered_at: datetime | None = None
    resolved_at: datetime | None = None
    stars: int | None = None
    id: int = 0


@dataclass
class History:
    """All that happened, in the order in which it happened."""

    channels: list[str] = field(default_factory=list)
    talks: list[Talk] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)


def made_up(random: Random, begin: datetime, chats: int, steps: int) -> History:
    """A history in which everything comes about that reports count."""
    history = History()
    for chat in range(chats):
        history.channels.append(random.choice(CHANNELS))
        at = begin + timedelta(minutes=random.randrange(3 * 24 * 60))
        talk = _talk(history, chat)
        for _ in range(random.randrange(1, steps)):
            pause = random.choice((1, 7, 50, 600, 1439, 1441, 3000, 4300, 4400))
            at += timedelta(minutes=pause, seconds=random.randrange(60))
            talk = _step(history, random, talk, at)
    history.words.sort(key=lambda word: word.at)
    return history


def _talk(history: History, chat: int) -> Talk:
    history.talks.append(Talk(chat))
    return history.talks[-1]


def _step(history: History, random: Random, talk: Talk, at: datetime) -> Talk:
    """Something more happens in a chat. Returns the conversation in which it goes on."""

    def say(author: str, verdict: Any = None, agent: int | None = None) -> None:
        history.words.append(Word(talk.chat, talk, author, at, verdict, agent))

    chance = random.random()
    if talk.state == State.RESOLVED:
        if talk.stars is None and chance < 0.3:
            talk.stars = random.randrange(1, 6)
            say(Author.CUSTOMER, {"skill": "survey", "outcome": "rating", "rating": talk.stars})
            return talk
        talk = _talk(history, talk.chat)
    if talk.state == State.BOT and chance < 0.75:
        say(Author.CUSTOMER, random.choice(VERDICTS))
        say(Author.BOT)
    elif talk.state == State.BOT:
        verdict, talk.reason = random.choice(HANDED_OVER)
        say(Author.CUSTOMER, verdict | {"brought": talk.reason})
        talk.state, talk.waiting_since = State.WAITING, at + timedelta(milliseconds=300)
        say(Author.BOT)
    elif talk.state == State.WAITING and chance < 0.2:
        say(Author.CUSTOMER, {"skill": "person_in_charge", "outcome": "back to the bot"})
        talk.state, talk.waiting_since = State.BOT, None
    elif chance < 0.4:
        say(Author.CUSTOMER, IN_CHARGE)
    elif chance < 0.8 or talk.answered_at is None:
        talk.agent = talk.agent or random.randrange(1, AGENTS + 1)
        talk.state, talk.answered_at = State.OPEN, talk.answered_at or at
        say(Author.AGENT, agent=talk.agent)
    else:
        talk.state, talk.resolved_at = State.RESOLVED, at
        say(Author.BOT)
    return talk


def keep(session: Session, history: History, random: Random) -> None:
    """Write the history into the tables."""
    session.add_all(
        Agent(id=number, login=f"a{number}", name=f"Agent {number}", password_hash="!")
        for number in range(1, AGENTS + 1)
    )
    session.add_all(Customer(id=number + 1) for number in range(len(history.channels)))
    session.flush()
    session.add_all(
        Identity(id=chat + 1, customer_id=chat + 1, channel=channel, account="main",
                 chat=f"c{chat}")
        for chat, channel in enumerate(history.channels)
    )  # fmt: skip
    session.flush()
    for number, talk in enumerate(history.talks, 1):
        talk.id = number
        session.add(
            Conversation(
                id=number, identity_id=talk.chat + 1, state=talk.state, agent_id=talk.agent,
                handoff_reason=talk.reason, waiting_since=talk.waiting_since,
                first_response_at=talk.answered_at, resolved_at=talk.resolved_at,
            )
        )  # fmt: skip
    session.flush()
    for number, word in enumerate(history.words, 1):
        word.id = number
        session.add(
            Message(
                id=number, conversation_id=word.conversation.id, identity_id=word.chat + 1,
                author=word.author, agent_id=word.agent, text="…", verdict=word.verdict,
                created_at=word.at,
            )
        )  # fmt: skip
    for talk in history.talks:
        if talk.resolved_at:
            session.add(Feedback(conversation_id=talk.id, agent_id=talk.agent, rating=talk.stars,
                                 asked_at=talk.resolved_at))  # fmt: skip
        if talk.waiting_since:
            late = random.random() < 0.3
            session.add(
                SlaClock(
                    conversation_id=talk.id, kind="first", team="t", started_at=talk.waiting_since,
                    due_at=talk.waiting_since + timedelta(minutes=5), ended_at=talk.answered_at,
                    breached_at=talk.answered_at if late else None,
                    outcome="" if talk.answered_at is None else "late" if late else "met",
                )
            )  # fmt: skip
    session.flush()


# -- the slow way: every message is looked at anew, for every question


@dataclass
class Came:
    """One visit, as somebody would tell it who has read the whole chat."""

    channel: str
    words: list[Word]
    talk: Talk

    @property
    def began(self) -> datetime:
        return self.words[0].at


def visits(history: History) -> list[Came]:
    """All visits: a new one begins with a new conversation, or after 24 hours of silence while
    nobody is in charge and nobody is waited for."""
    found: list[Came] = []
    for chat, channel in enumerate(history.channels):
        current: Came | None = None
        is_held = False
        last = datetime(1970, 1, 1, tzinfo=UTC)
        for word in [one for one in history.words if one.chat == chat]:
            verdict = word.verdict or {}
            if verdict.get("skill") in ("survey", "helpful", "blocked"):
                continue
            if word.author == Author.CUSTOMER:
                is_new = current is None or current.talk is not word.conversation
                if is_new or (not is_held and word.at - last > timedelta(hours=24)):
                    current, is_held = Came(channel, [], word.conversation), False
                    found.append(current)
            if current is None or current.talk is not word.conversation:
                continue
            current.words.append(word)
            if word.author in (Author.CUSTOMER, Author.AGENT):
                last = word.at
            is_held = is_held or _brings_person(word)
            if verdict.get("outcome") == "back to the bot":
                is_held = False
    return found


def _brings_person(word: Word) -> bool:
    verdict = word.verdict or {}
    if word.author == Author.AGENT or verdict.get("skill") == "person_in_charge":
        return verdict.get("outcome") != "back to the bot"
    return "brought" in verdict


def outcome(history: History, visit: Came) -> str:
    """How a visit ended."""
    mine = [one.verdict or {} for one in visit.words if one.author == Author.CUSTOMER]
    if any(_brings_person(one) for one in visit.words):
        return "person"
    questions = [one for one in mine if _is_answer(one) or _is_open(one)]
    if not questions:
        return "nothing"
    said = [one for one in history.words if one.chat == visit.words[0].chat]
    starts = [one.words[0].id for one in visits(history) if one.words[0].chat == said[0].chat]
    end = min((one for one in starts if one > visit.words[0].id), default=1 << 60)
    after = [one for one in said if visit.words[0].id < one.id < end]
    if any((one.verdict or {}).get("outcome") == "did not help" for one in after):
        return "unhelpful"
    if any((one.verdict or {}).get("rating", 5) <= 2 for one in after):
        return "unhelpful"
    for one in visit.words:
        again = [
            two for two in said
            if two.id > one.id and two.at - one.at <= timedelta(hours=72) and _is_answer(two.verdict)
            and _is_answer(one.verdict) and (two.verdict or {})["entry"] == (one.verdict or {})["entry"]
        ]  # fmt: skip
        if again:
            return "returned"
    has_answer = any(_is_answer(one) for one in mine)
    return "resolved" if has_answer and _is_answer(questions[-1]) else "unknown"


def _is_answer(verdict: dict[str, Any] | None) -> bool:
    found = verdict or {}
    told = found.get("outcome") == "answered" and found.get("skill") in ("faq", "order")
    return told and not found["entry"].startswith("small_")


def _is_open(verdict: dict[str, Any]) -> bool:
    return verdict.get("outcome") in ("asked back", "miss", "asked for proof")


def in_span(at: datetime, zone: ZoneInfo, first: date, last: date) -> bool:
    return first <= at.astimezone(zone).date() <= last


def percentile(values: list[int], share: float) -> int | None:
    """By nearest rank."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)] if values else None


def counted(values: Any) -> dict[Any, int]:
    return dict(Counter(values))
