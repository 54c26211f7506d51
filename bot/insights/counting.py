"""Counts messages by and by: into visits with their outcomes, and by the hour.

Reports then read some thousand rows where there are a million messages. Each message is counted
once, in the order of ids, a minute after it was written: by then no older one is still uncommitted,
and its verdict is final.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from bot.core.clock import now
from bot.core.messages import Author
from bot.engine import Job
from storage.db import Database
from storage.models.visits import (
    Counted,
    Facts,
    Said,
    Visit,
    add_up,
    facts_of,
    forget_counts,
    held_counted,
    newest_message,
    said,
    visit_at,
    visits_of,
)

RULES = 1
"""Version of what is counted how: when it grows, everything is counted anew."""
SETTLES = timedelta(minutes=1)
"""After this time no message with a lower id can appear, and no verdict change."""
SILENCE = timedelta(hours=24)
"""A visit without a person ends when neither side has written for so long."""
SAME_QUESTION = timedelta(hours=72)
"""Who asks the same again within this time was not helped."""
LOW_RATING = 2
"""Ratings up to this one say that it was not good."""
AT_ONCE = 200
"""Messages counted in one transaction, so that no customer waits for it."""
_SKEW = timedelta(minutes=5)
"""How far a platform's clock may be from ours."""


class Outcome(StrEnum):
    """How a visit ended."""

    RESOLVED = "resolved"
    """The bot answered everything, nobody was asked for, and nothing spoke against it."""
    PERSON = "person"
    """A person was asked for, or needed, or stepped in."""
    UNHELPFUL = "unhelpful"
    """The customer said that the answer did not help, or rated it low."""
    RETURNED = "returned"
    """The same question was asked again within 72 hours."""
    UNKNOWN = "unknown"
    """The customer left after a question back, or one that the bot could not answer."""
    NOTHING = "nothing"
    """Nothing was asked: greetings, thanks, pressed menus."""


class Sort(StrEnum):
    """What became of one message of a customer."""

    ANSWERED = "answered"
    OPEN = "open"
    PERSON = "person"
    BACK = "back"
    SAID = "said"
    LATER = "later"
    IGNORED = "ignored"


_OPEN_SKILLS = frozenset({"order", "contact", "media", "fragment", "opening", "upset", "miss"})
_ANSWERS = frozenset(
    {("faq", "answered"), ("order", "answered"), ("order", "nothing new"), ("contact", "linked")}
)
_PEOPLE = frozenset({"person", "person_in_charge", "quarantine"})


def sort_of(verdict: Mapping[str, Any], is_small: Callable[[str], bool]) -> Sort:
    """What a message's verdict says became of it; `is_small` knows entries that are small talk."""
    skill, outcome = str(verdict.get("skill", "")), str(verdict.get("outcome", ""))
    if skill == "blocked":
        return Sort.IGNORED
    if skill in ("survey", "helpful"):
        return Sort.LATER
    if outcome == "back to the bot":
        return Sort.BACK
    if "brought" in verdict or skill in _PEOPLE or _brought_once(skill, outcome):
        return Sort.PERSON
    entry = str(verdict.get("entry", ""))
    if (skill, outcome) in _ANSWERS and entry:
        return Sort.SAID if is_small(entry) else Sort.ANSWERED
    is_open = skill in _OPEN_SKILLS and outcome not in ("old button", "noise")
    return Sort.OPEN if is_open or outcome == "asked back" else Sort.SAID


def _brought_once(skill: str, outcome: str) -> bool:
    """Whether a verdict from before there was `brought` tells that a person was."""
    is_alarm = skill == "safety" and outcome != "secret"
    return is_alarm or "handed over" in outcome or "person brought" in outcome


def outcome_of(visit: Visit) -> Outcome:
    """How the visit ended, as far as is known."""
    if visit.handoff:
        return Outcome.PERSON
    if not visit.questions:
        return Outcome.NOTHING
    if visit.is_unhelpful or (visit.rating or LOW_RATING + 1) <= LOW_RATING:
        return Outcome.UNHELPFUL
    if visit.came_back:
        return Outcome.RETURNED
    return Outcome.UNKNOWN if visit.is_open or not visit.answered else Outcome.RESOLVED


@dataclass(frozen=True, slots=True)
class Rules:
    """What counting depends on besides the messages.

    `zone` is the shop's; `working` gives the working time between two moments, where a team has
    hours; `is_small` knows the FAQ entries that are small talk.
    """

    zone: ZoneInfo
    is_small: Callable[[str], bool]
    working: Callable[[datetime, datetime], timedelta] | None = None


def jobs(db: Database, rules: Rules, is_ready: Callable[[], bool] = lambda: True) -> list[Job]:
    """Counts every minute, once the FAQ is there."""

    def run(_details: dict[str, Any]) -> None:
        if is_ready():
            catch_up(db, rules)

    return [Job("count-messages", run, "* * * * *")]


def catch_up(db: Database, rules: Rules) -> int:
    """Count all that has settled, bit by bit. Returns how many messages that were."""
    total = 0
    while found := db.run(count_some, rules, now()):
        total += found
    return total


def count_some(session: Session, rules: Rules, at: datetime, most: int = AT_ONCE) -> int:
    """Count the oldest messages that are not; returns how many, or how much had to be forgotten."""
    row = held_counted(session)
    session.add(row)
    if (row.zone, row.rules) != (rules.zone.key, RULES):
        forgotten = forget_counts(session, most)
        if not forgotten:
            row.zone, row.rules, row.message_id = rules.zone.key, RULES, 0
            session.flush()
        return forgotten or count_some(session, rules, at, most)
    _settle(session, row, at)
    messages = said(session, row.message_id, row.settled_id, most)
    if messages:
        _Count(session, rules, messages).run()
    row.message_id = messages[-1].id if messages else row.settled_id
    return len(messages)


def _settle(session: Session, row: Counted, at: datetime) -> None:
    """What was there a minute ago has settled."""
    if row.seen_at is None or not timedelta(0) <= at - row.seen_at < SETTLES:
        row.settled_id, row.settled_at = row.seen_id, row.seen_at
        row.seen_id, row.seen_at = newest_message(session), at


@dataclass(slots=True)
class _Count:
    """Counts some messages."""

    session: Session
    rules: Rules
    messages: list[Said]
    facts: dict[int, Facts] = field(default_factory=dict)
    visits: dict[int, list[Visit]] = field(default_factory=dict)
    tally: Counter[tuple[Any, ...]] = field(default_factory=Counter)

    def run(self) -> None:
        session, messages = self.session, self.messages
        self.facts = facts_of(session, {one.conversation_id for one in messages})
        since = min(one.at for one in messages) - SAME_QUESTION
        self.visits = visits_of(session, {one.identity_id for one in messages}, since)
        for message in messages:
            self._count(message)
        names = ("kind", "day", "hour", "channel", "agent_id", "name")
        counts = [
            dict(zip(names, key, strict=True)) | {"number": number}
            for key, number in sorted(self.tally.items())  # in one order, so that none deadlock
        ]
        add_up(session, counts)

    def _count(self, message: Said) -> None:
        self._add(message, "message", message.author, message.agent_id or 0)
        if message.author == Author.CUSTOMER:
            self._customer(message)
        elif message.author == Author.AGENT:
            visit = self._latest(message)
            if visit is not None and visit.conversation_id == message.conversation_id:
                visit.is_held, visit.last_at = True, message.at
                visit.agent_id = message.agent_id or visit.agent_id
                visit.handoff = visit.handoff or _kind(self._facts(message).reason) or "taken"
        visit = self._latest(message)
        if visit is not None and visit.conversation_id == message.conversation_id:
            self._follow(visit, self._facts(message), message.at)

    def _customer(self, message: Said) -> None:
        sort = sort_of(message.verdict, self.rules.is_small)
        if sort == Sort.IGNORED:
            return
        if sort == Sort.LATER:
            self._later(message)
            return
        if message.verdict.get("outcome") == "opted out":
            self._add(message, "opt_out")
        visit = self._latest(message)
        if visit is None or not _goes_on(visit, message):
            visit = self._begin(message)
        visit.messages += 1
        visit.last_at = max(visit.last_at, message.at)
        self._take(visit, message, sort)

    def _take(self, visit: Visit, message: Said, sort: Sort) -> None:
        match sort:
            case Sort.PERSON:
                reason = str(message.verdict.get("brought", "")) or self._facts(message).reason
                visit.is_held, visit.handoff = True, visit.handoff or _kind(reason) or "taken"
            case Sort.BACK:
                visit.is_held, visit.handoff = False, visit.handoff or "asked"
            case Sort.OPEN:
                visit.questions += 1
                visit.is_open = True
            case Sort.ANSWERED:
                visit.questions += 1
                visit.answered += 1
                visit.is_open = False
        entry = str(message.verdict.get("entry", ""))
        if entry and sort in (Sort.ANSWERED, Sort.PERSON):
            self._add(message, "topic", entry)
        if sort == Sort.ANSWERED:
            self._asked(visit, message, entry)

    def _asked(self, visit: Visit, message: Said, entry: str) -> None:
        """Earlier visits in which the same was answered were of no use."""
        for earlier in self.visits[message.identity_id]:
            before = earlier.entries.get(entry)
            if before and message.at - datetime.fromisoformat(before) <= SAME_QUESTION:
                earlier.came_back = True
                earlier.outcome = outcome_of(earlier)
        visit.entries = visit.entries | {entry: message.at.isoformat()}

    def _later(self, message: Said) -> None:
        """What a customer says of an answer, or of a conversation, that may be long over."""
        verdict = message.verdict
        visit = self._at(message, message.reply_to) if message.reply_to else self._latest(message)
        if visit is None:
            return
        if verdict.get("outcome") == "did not help":
            visit.is_unhelpful = True
        rating = verdict.get("rating")
        visit.rating = rating if isinstance(rating, int) else visit.rating
        visit.outcome = outcome_of(visit)

    def _follow(self, visit: Visit, facts: Facts, at: datetime) -> None:
        """Take from the conversation's row how long the customer waited, and for whom.

        The row may be ahead of the message written at `at`, by years when all is counted anew.
        """
        since, answered, ended = facts.waiting_since, facts.first_response_at, facts.resolved_at
        if since and visit.started_at - _SKEW <= since <= visit.last_at + _SKEW:
            visit.is_held, visit.handoff = True, visit.handoff or _kind(facts.reason)
            visit.agent_id = facts.agent_id or visit.agent_id
            if answered and answered >= since:
                visit.wait = _seconds(answered - since)
                working = self.rules.working
                visit.work = _seconds(working(since, answered)) if working else visit.wait
        if visit.is_held and ended and at >= ended - _SKEW:
            visit.agent_id = facts.agent_id or visit.agent_id
            visit.whole = max(0, _seconds(ended - (since or visit.started_at)))
        visit.outcome = outcome_of(visit)

    def _begin(self, message: Said) -> Visit:
        local = message.at.astimezone(self.rules.zone)
        visit = Visit(
            identity_id=message.identity_id,
            conversation_id=message.conversation_id,
            channel=message.channel,
            day=local.date(),
            hour=local.hour,
            started_at=message.at,
            last_at=message.at,
            first_message_id=message.id,
        )
        self.session.add(visit)
        self.visits[message.identity_id].append(visit)
        return visit

    def _latest(self, message: Said) -> Visit | None:
        return next(reversed(self.visits[message.identity_id]), None)

    def _at(self, message: Said, message_id: int) -> Visit | None:
        known = self.visits[message.identity_id]
        within = [one for one in known if one.first_message_id <= message_id]
        return within[-1] if within else visit_at(self.session, message.identity_id, message_id)

    def _facts(self, message: Said) -> Facts:
        return self.facts[message.conversation_id]

    def _add(self, message: Said, kind: str, name: str = "", agent_id: int = 0) -> None:
        local = message.at.astimezone(self.rules.zone)
        hour = local.hour if kind == "message" else 0
        self.tally[kind, local.date(), hour, message.channel, agent_id, name] += 1


def _goes_on(visit: Visit, message: Said) -> bool:
    """Whether a customer's message belongs to the visit, rather than beginning the next one."""
    if visit.conversation_id != message.conversation_id:
        return False
    return visit.is_held or message.at - visit.last_at <= SILENCE


def _kind(reason: str) -> str:
    return reason.partition(":")[0]


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
