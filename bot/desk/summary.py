"""The day before in figures, sent once every morning to where the owner looks anyway.

It goes to the owners in WeCom and to the general topic of the agents' forum. It is ordered in the
transaction that notes that this day's was: neither a crash nor a second process sends it twice, and
what a crash prevented is made up for within hours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlmodel import Session

from bot.answering.answerer import Answerer
from bot.core.clock import now
from bot.core.messages import Address
from bot.delivery import errands
from bot.desk.figures import Say, waited
from bot.desk.gap_groups import COMPARED, grouped
from bot.desk.texts import Texts
from bot.engine import Job
from bot.insights.counting import LOW_RATING, Outcome
from bot.insights.report import Headline, headline
from bot.insights.spans import Wish, midnight
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.gaps import Gap
from storage.models.inbound import take
from storage.models.progress import Account
from storage.models.reports import (
    Now,
    gaps_in,
    just_now,
    longest_waits,
    owners_in_wecom,
)
from storage.models.visits import counted_until

LATEST = timedelta(hours=6)
"""After so long it is no morning's news any more."""
USEFUL = timedelta(hours=12)
SOURCE = "summary"
"""Of the receipts that say which days were told."""
_LONG_WAIT = 600
"""Seconds from which a wait is worth a word."""
_NAMED = 3
_LONGEST_NAME, _LONGEST_QUESTION = 40, 60


@dataclass(frozen=True, slots=True)
class Facts:
    """What a summary is made of."""

    day: date
    figures: Headline
    before: Headline
    waits: list[tuple[int, str, str, int | None]]
    gaps: list[Gap]
    now: Now


@dataclass(frozen=True, slots=True)
class Summary:
    """Composes and sends the summary at `due`, the shop's time of day.

    `forums` are the agents' groups on Telegram, `wecom` the app that writes to colleagues.
    """

    db: Database
    voice: Voice
    answerer: Answerer
    due: time
    forums: Sequence[Address] = ()
    wecom: Account | None = None
    public_url: str = ""

    def jobs(self) -> list[Job]:
        """Looks every five minutes whether it is time; a run that was lost is made up for."""
        return [Job("daily-summary", self.run, "*/5 * * * *")]

    def run(self, _details: dict[str, Any]) -> None:
        """Send today's, if it is due and nobody has."""
        self.send(now())

    def send(self, at: datetime) -> bool:
        """Send what is due at a moment. Returns whether anything was."""
        zone = self.voice.words.shop.zone
        local = at.astimezone(zone)
        due = datetime.combine(local.date(), self.due, zone)
        if not due <= local < due + LATEST or not self.db.run(self._has_reader):
            return False
        today = local.date()
        facts = self.db.run(self._facts, today, at)
        if facts is None:
            return False
        return self.db.run(self._order, today, self._text(facts, at))

    def _has_reader(self, session: Session) -> bool:
        return bool(self.forums) or bool(self.wecom and owners_in_wecom(session))

    def _facts(self, session: Session, today: date, at: datetime) -> Facts | None:
        """Yesterday's, once all of it is counted."""
        zone = self.voice.words.shop.zone
        until = counted_until(session)
        if until is None or until < midnight(today, zone):
            return None
        wish = Wish(today - timedelta(days=1), today - timedelta(days=1), 1)
        scope = wish.scope(zone)
        return Facts(
            wish.first,
            headline(session, scope, at),
            headline(session, wish.before.scope(zone), at),
            longest_waits(session, scope, _NAMED),
            gaps_in(session, scope, COMPARED),
            just_now(session, at),
        )

    def _order(self, session: Session, today: date, text: str) -> bool:
        if take(session, SOURCE, today.isoformat()) is None:
            return False
        for forum in self.forums:
            errands.order(session, forum, "say", {"text": text}, useful=USEFUL)
        for person in owners_in_wecom(session) if self.wecom else ():
            assert self.wecom is not None
            place = Address(*self.wecom, person)
            errands.order(session, place, "notify", {"text": text}, useful=USEFUL)
        return True

    def _text(self, facts: Facts, at: datetime) -> str:
        say = Say(Texts(self.voice, self.voice.default_language))
        question = self._question(facts.gaps)
        link = f"{self.public_url}/desk/numbers?days=7" if self.public_url else ""
        return compose(facts, at, say, question, link)

    def _question(self, gaps: Sequence[Gap]) -> str:
        """One of the questions that were asked most often in vain, with what is private masked."""
        groups = grouped(gaps, self.answerer) if gaps and self.answerer.ready else []
        return groups[0].sample if groups else ""


def compose(facts: Facts, at: datetime, say: Say, question: str, link: str) -> str:
    """The summary in words; `question` is a gap, `link` leads to the numbers page."""
    day, lines = say.day(facts.day), _attention(facts, at, say, question)
    if facts.figures.visits:
        head = [say("summary_title", day=day), *_figures(facts, say)]
    else:
        head = [say("summary_quiet", day=day)]
    if lines:
        body = ["", say("summary_attention"), *lines]
    else:
        body = ["", say("summary_fine")] if facts.figures.visits else []
    return "\n".join([*head, *body, *(["", link] if link else [])])


def _figures(facts: Facts, say: Say) -> list[str]:
    found, before = facts.figures, facts.before
    lines = [
        say("summary_visits", visits=found.visits, before=before.visits, messages=found.messages)
    ]
    if found.asked:
        lines.append(
            say(
                "summary_resolved",
                share=say.percent(found.resolution_rate),
                people=found.outcomes.get(Outcome.PERSON, 0),
                unknown=found.outcomes.get(Outcome.UNKNOWN, 0),
            )
        )
    if found.wait.number:
        median, p90 = say.span(found.wait.median), say.span(found.wait.p90)
        lines.append(say("summary_wait", median=median, p90=p90))
    if found.rated:
        lines.append(say("summary_csat", stars=say.average(found.csat), rated=found.rated))
    return lines


def _attention(facts: Facts, at: datetime, say: Say, question: str) -> list[str]:
    found, waiting = facts.figures, facts.now.waiting
    late = sum(number - kept for number, kept in found.targets.values())
    low = sum(number for stars, number in found.stars.items() if stars <= LOW_RATING)
    waits = [(name, seconds) for _, name, _, seconds in facts.waits]
    lines = [
        say("summary_late", count=late) if late else "",
        *(_wait(say, name, seconds) for name, seconds in waits),
        say("summary_low", count=low) if low else "",
        say("summary_gaps", count=found.gaps, question=question[:_LONGEST_QUESTION])
        if found.gaps and question
        else "",
        say("summary_waiting", count=waiting, wait=waited(facts.now.waiting_since, at, say))
        if waiting
        else "",
    ]
    return [line for line in lines if line]


def _wait(say: Say, name: str, seconds: int | None) -> str:
    """A wait that is worth a word."""
    if seconds is None or seconds < _LONG_WAIT:
        return ""
    who = name[:_LONGEST_NAME] or say("summary_customer")
    return say("summary_longest", name=who, wait=say.span(seconds))
