"""Decides about care messages that are due, many at a time, and writes those that may go."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlmodel import Session

from bot.care import reading
from bot.care.coupons import Coupons, NoCoupons, Wish
from bot.care.facts import coupon_facts, facts_for
from bot.care.guard import Case, Rules, Verdict, judge, judge_claim
from bot.care.journeys import HELD_OUT, Journey
from bot.care.reading import Known, Policies
from bot.core.clock import now
from bot.core.errors import traced
from bot.core.messages import Choice, Purpose
from bot.delivery import outbox
from bot.delivery.claims import Stop, guard_consent
from bot.feedback import survey
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
_CAPPED = "care-marketing"
_UNTOLD = ("sold out", "expired")
"""Why a product's return was not told, though it is still wished for."""
_ADVERTS_LAST = timedelta(hours=24)

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
    """Decides, renders and writes; `tone` is the voice that the shop has chosen.

    `policies` says what each account may send. Journeys are asked for at each of `finders`.
    """

    voice: Voice
    rules: Rules
    finders: Sequence[Finder]
    policies: Policies = field(default_factory=dict)
    tone: str = "warm"
    coupons: Coupons = field(default_factory=NoCoupons)

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

    def batch(self, session: Session, customer_id: int, since: datetime) -> int | None:
        """Decide about the next messages that were due at `since`, of customers from this id on.

        Returns from which id on there may be more; None when there are none, or another process
        is at it.
        """
        if not alone(session, _TURN):
            return None
        due = rows.due_from(session, customer_id, since, AT_ONCE)
        self.decide(session, due, max(since, now()))
        return due[-1].customer_id if len(due) == AT_ONCE else None

    def run(self, db: Database) -> None:
        """Decide about all that is due. Ended on the way, the next run does the rest."""
        since, customer_id = now(), 0
        if not db.run(rows.is_any_due, since):
            return
        while (last := db.run(self.batch, customer_id, since)) is not None:
            customer_id = last

    def guard(self, session: Session, delivery: Delivery) -> Stop | None:
        """Whether a message may leave that was written before, asked when it is claimed."""
        stop = guard_consent(session, delivery)
        is_care = delivery.purpose in (Purpose.TRANSACTIONAL, Purpose.MARKETING)
        if stop is not None or delivery.part or not is_care:
            return stop
        care = rows.care_of_message(session, delivery.message_id)
        return self._judge_claim(session, care) if care is not None else None

    def _judge_claim(self, session: Session, care: CareMessage) -> Stop | None:
        at, due = now(), [care]
        journeys = self.journeys(session, {care.journey})
        known = reading.read(session, due, journeys, self.policies, self.rules, at)
        case = self._case(care, journeys, known, at)
        verdict = judge_claim(case, self.rules, at, care.identity_id or 0)
        if verdict.kind == "go":
            return None
        if verdict.reason != care.reason:
            rows.refused(session, [_refusal(care, verdict, at)])
            care.reason = verdict.reason
            session.add(care)
        if _is_untold(care, journeys, verdict):
            stock_watches.reopen(session, care.customer_id, care.facts["sku"])
        return Stop(verdict.reason, verdict.kind == "no", verdict.until)

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
        post = self._post(care, journeys[care.journey], known, offer, verdict.chat.id, at)
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

    def _post(
        self,
        care: CareMessage,
        journey: Journey,
        known: Known,
        offer: Any,
        chat_id: int,
        at: datetime,
    ) -> outbox.Post | None:
        """The message in the customer's words and language; None where it cannot be said."""
        chat = next(row for row in known.chats[care.customer_id] if row.id == chat_id)
        try:
            language, text = self.wording(care, journey, known, offer, chat)
        except Exception as error:
            log.error("a care message cannot be said", journey=care.journey, error=traced(error))
            return None
        if not text:
            return None
        purpose = Purpose(care.purpose)
        lasts = at + _ADVERTS_LAST if purpose == Purpose.MARKETING else care.valid_until
        return outbox.Post(
            chat_id,
            text,
            purpose,
            min(care.valid_until, lasts),
            self._choices(journey, language),
        )

    def _choices(self, journey: Journey, language: str) -> tuple[Choice, ...]:
        """What can be chosen under the journey's message."""
        if journey.button == "stars":
            return survey.stars()
        person = Choice(self.voice.say("replies.person_button", language), "person")
        return (person,) if journey.button else ()

    def wording(
        self, care: CareMessage, journey: Journey, known: Known, offer: Any, chat: Any = None
    ) -> tuple[str, str]:
        """The language and the text for one customer, in a chat of theirs if they have one."""
        customer = known.customers[care.customer_id]
        there = (known.spoken.get(chat.id, ""), chat.language) if chat is not None else ()
        spoken = (*there, customer.language, self.voice.default_language)
        languages = self.voice.words.shop.languages
        channel = chat.channel if chat is not None else ""
        said = [one for one in spoken if one in languages]
        has_words = (one for one in said if journey.text(one, self.tone, channel, care.variant))
        language = next(has_words, said[0])
        return language, self._say(care, journey, known, offer, language, channel)

    def _say(
        self,
        care: CareMessage,
        journey: Journey,
        known: Known,
        offer: Any,
        language: str,
        channel: str,
    ) -> str:
        parcel = known.parcel_of(care)
        extra = dict(care.facts)
        if offer is not None:
            extra["coupon"] = coupon_facts(offer, language, self.voice)
        values = facts_for(
            language,
            self.voice,
            name=known.customers[care.customer_id].name,
            order=known.orders.get(care.order_id or 0),
            parcel=parcel,
            latest=known.steps.get(parcel.id) if parcel is not None else None,
            product=known.product_of(care),
            extra=extra,
        )
        template = journey.text(language, self.tone, channel, care.variant)
        return self.voice.words.render(template, language, **values)


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
