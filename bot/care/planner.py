"""Decides about care messages that are due, many at a time, and writes those that may go."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlmodel import Session

from bot.care import reading
from bot.care.coupons import Coupons, NoCoupons, Wish
from bot.care.guard import Case, Rules, Verdict, judge, judge_claim
from bot.care.journeys import HELD_OUT, Journey
from bot.care.reading import Known, Policies
from bot.care.wording import Wording
from bot.core.clock import now
from bot.core.errors import Unavailable, traced
from bot.core.messages import Purpose
from bot.delivery import outbox
from bot.delivery.claims import Stop, Stops, guard_consent
from bot.words.phrases import Voice
from storage.db import Database
from storage.models import care as rows
from storage.models import stock_watches
from storage.models.care import CareMessage, CareState
from storage.models.deliveries import Delivery
from storage.ownership import alone, in_turn

AT_ONCE = 500
"""Messages decided in one transaction: chats wait for it no longer than for any other."""
Finder = Callable[[Session, Collection[str]], Mapping[str, Journey]]
"""Finds journeys by their names; which it does not know it leaves out."""
_TURN = "care-planner"
_OF_CARE = (Purpose.TRANSACTIONAL, Purpose.MARKETING)
_LATER = timedelta(hours=1)
_CAPPED = "care-marketing"
_UNTOLD = ("sold out", "expired")
"""Why a product's return was not told, though it is still wished for."""

log = structlog.get_logger()


@dataclass(slots=True)
class Decisions:
    """What is to be noted about a batch."""

    go: list[tuple[CareMessage, outbox.Post]] = field(default_factory=list)
    given: list[tuple[Wish, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[dict[str, Any]] = field(default_factory=list)
    untold: list[CareMessage] = field(default_factory=list)


@dataclass(slots=True)
class Planner:
    """Decides, has it said by `wording`, and writes.

    `policies` says what each account may send. Journeys are asked for at each of `finders`.
    """

    wording: Wording
    rules: Rules
    finders: Sequence[Finder]
    policies: Policies = field(default_factory=dict)
    coupons: Coupons = field(default_factory=NoCoupons)

    @property
    def voice(self) -> Voice:
        """The shop's own, for what is said besides journeys."""
        return self.wording.voice

    def decide(self, session: Session, due: Sequence[CareMessage], at: datetime) -> int:
        """Decide about messages that are due and held. Returns how many were written."""
        if any(one.purpose == Purpose.MARKETING for one in due):
            in_turn(session, _CAPPED)  # what a sending writes meanwhile counts, and the reverse
        journeys = self.journeys(session, {one.journey for one in due})
        known = reading.read(session, due, journeys, self.policies, self.rules, at)
        wishes = self._wishes(due, journeys, known, at)
        offers = self.coupons.offer(session, wishes, at) if wishes else {}
        lacking = {wish.care_id for wish in wishes} - offers.keys()
        found = Decisions()
        for care in due:
            verdict = self.verdict(care, journeys, known, at, lacking)
            self._note(found, care, journeys, known, offers, verdict, at)
        self._write(session, found, at)
        return len(found.go)

    def batch(
        self, session: Session, customer_id: int, since: datetime, most: int = AT_ONCE
    ) -> int | None:
        """Decide about the next messages that were due at `since`, of customers from this id on.

        Returns from which id on there may be more; None when there are none, or another process
        is at it.
        """
        if not alone(session, _TURN):
            return None
        due = rows.due_from(session, customer_id, since, most)
        self.decide(session, due, max(since, now()))
        return due[-1].customer_id if len(due) == most else None

    def run(self, db: Database) -> None:
        """Decide about all that is due. Ended on the way, the next run does the rest.

        Where that fails, it is decided one by one, and what fails is put off by an hour.
        """
        since, customer_id, singly = now(), 0, 0
        last = 0 if db.run(rows.is_any_due, since) else None
        while last is not None:
            customer_id = last
            try:
                last = db.run(self.batch, customer_id, since, 1 if singly else AT_ONCE)
                singly = max(0, singly - 1)
            except Unavailable:
                raise
            except Exception as error:
                if singly:
                    log.error("a care message is put off", error=traced(error))
                    db.run(rows.put_off, customer_id, since, now() + _LATER)
                singly = singly or AT_ONCE

    def guard(self, session: Session, asked: Sequence[Delivery]) -> Stops:
        """What must not leave of what was written before, asked when it is claimed."""
        stops = dict(guard_consent(session, asked))
        begun = {
            one.message_id: one.id or 0
            for one in asked
            if one.id not in stops and not one.part and one.purpose in _OF_CARE
        }
        cares = rows.care_of_messages(session, begun) if begun else {}
        for message_id, verdict in self._judge_claims(session, cares).items():
            if verdict.kind != "go":
                stop = Stop(verdict.reason, verdict.kind == "no", verdict.until)
                stops[begun[message_id]] = stop
        return stops

    def _judge_claims(
        self, session: Session, cares: Mapping[int, CareMessage]
    ) -> dict[int, Verdict]:
        """What the guard says to messages, by their ids, as they would leave."""
        if not cares:
            return {}
        at, due = now(), list(cares.values())
        journeys = self.journeys(session, {one.journey for one in due})
        known = reading.read(session, due, journeys, self.policies, self.rules, at)
        verdicts, refusals = {}, []
        for message_id, care in cares.items():
            case = self._case(care, journeys, known, at)
            verdict = judge_claim(case, self.rules, at, care.identity_id or 0)
            verdicts[message_id] = verdict
            if verdict.kind != "go" and verdict.reason != care.reason:
                refusals.append(_refusal(care, verdict, at))
                care.reason = verdict.reason
                session.add(care)
            if _is_untold(care, journeys, verdict):
                stock_watches.reopen(session, care.customer_id, care.facts["sku"])
        rows.refused(session, refusals)
        return verdicts

    def journeys(self, session: Session, names: Collection[str]) -> dict[str, Journey]:
        """The journeys with these names."""
        found: dict[str, Journey] = {}
        for finder in self.finders:
            found |= finder(session, names)
        return found

    def verdict(
        self,
        care: CareMessage,
        journeys: Mapping[str, Journey],
        known: Known,
        at: datetime,
        lacking: Collection[int | None] = (),
    ) -> Verdict:
        """What the guard says to one message; those `lacking` a coupon are given by their ids."""
        case = self._case(care, journeys, known, at)
        if care.id in lacking:
            case = replace(case, lacks_coupon=True)
        return judge(case, self.rules, at)

    def _case(
        self, care: CareMessage, journeys: Mapping[str, Journey], known: Known, at: datetime
    ) -> Case:
        journey = journeys.get(care.journey)
        return reading.case_of(care, journey, known, self.policies, self.rules, at)

    def _wishes(
        self,
        due: Sequence[CareMessage],
        journeys: Mapping[str, Journey],
        known: Known,
        at: datetime,
    ) -> list[Wish]:
        """The coupons that are wanted now: none is kept for who cannot be written to."""
        wishes = [(one, wish) for one in due if (wish := _wish(one, journeys)) is not None]
        return [wish for one, wish in wishes if self.verdict(one, journeys, known, at).kind == "go"]

    def _note(
        self,
        found: Decisions,
        care: CareMessage,
        journeys: Mapping[str, Journey],
        known: Known,
        offers: Mapping[int, Any],
        verdict: Verdict,
        at: datetime,
    ) -> None:
        """Keep what follows from the verdict."""
        if verdict.kind != "go":
            found.changes.append(_stopped(care, verdict, at))
            if verdict.reason != care.reason:
                found.refusals.append(_refusal(care, verdict, at))
            if _is_untold(care, journeys, verdict):
                found.untold.append(care)
            return
        if care.variant == HELD_OUT:
            found.changes.append(_change(care, CareState.HELD_OUT, decided_at=at))
            return
        assert verdict.chat is not None
        offer = offers.get(care.id or 0)
        post = self.wording.post(care, journeys[care.journey], known, offer, verdict.chat.id, at)
        if post is None:
            wordless = Verdict("no", "no words")
            found.changes.append(_stopped(care, wordless, at))
            found.refusals.append(_refusal(care, wordless, at))
            return
        found.go.append((care, post))
        wish = _wish(care, journeys)
        if wish is not None:
            found.given.append((wish, offer))
        if care.purpose == Purpose.MARKETING:
            known.sent.setdefault(care.customer_id, []).append(at)

    def _write(self, session: Session, found: Decisions, at: datetime) -> None:
        posts = [post for _, post in found.go]
        if found.given:
            self.coupons.give(session, found.given, at)
        if posts:
            ids = outbox.post_all(session, posts)
            for (care, post), message_id in zip(found.go, ids, strict=True):
                change = _change(care, CareState.WRITTEN, decided_at=at)
                change |= {"identity_id": post.identity_id, "message_id": message_id}
                found.changes.append(change)
        rows.decided(session, found.changes)
        rows.refused(session, found.refusals)
        for care in found.untold:
            stock_watches.reopen(session, care.customer_id, care.facts["sku"])


def _is_untold(care: CareMessage, journeys: Mapping[str, Journey], verdict: Verdict) -> bool:
    """Whether somebody who wished to be told of a product is not, and would be the next time."""
    journey = journeys.get(care.journey)
    is_wish = journey is not None and journey.trigger == "back_in_stock" and "sku" in care.facts
    return is_wish and verdict.kind == "no" and verdict.reason in _UNTOLD


def _wish(care: CareMessage, journeys: Mapping[str, Journey]) -> Wish | None:
    journey = journeys.get(care.journey)
    if journey is None or not journey.pool or care.variant == HELD_OUT:
        return None
    return Wish(care.id or 0, care.customer_id, journey.pool, f"{care.journey}/{care.subject}")


def _change(care: CareMessage, state: CareState, reason: str = "", **values: Any) -> dict[str, Any]:
    return {
        "id": care.id,
        "state": state,
        "reason": reason,
        "due_at": care.due_at,
        "identity_id": None,
        "message_id": None,
        "decided_at": None,
    } | values


def _stopped(care: CareMessage, verdict: Verdict, at: datetime) -> dict[str, Any]:
    if verdict.kind == "no":
        return _change(care, CareState.REFUSED, verdict.reason, decided_at=at)
    until = verdict.until or at
    later = max(until, at + timedelta(minutes=1))  # else one run would never end
    return _change(care, CareState.DUE, verdict.reason, due_at=later)


def _refusal(care: CareMessage, verdict: Verdict, at: datetime) -> dict[str, Any]:
    for_good = verdict.kind == "no"
    return {"care_id": care.id, "reason": verdict.reason, "for_good": for_good, "at": at}
