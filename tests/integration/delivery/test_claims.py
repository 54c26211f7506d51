"""What may be sent is claimed once, in order; what became of it is never forgotten."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from sqlmodel import Session, select

from bot.channels.base import (
    Closed,
    DeliveryError,
    Outgoing,
    Piece,
    Policy,
    Refused,
    Route,
    TryLater,
    Uncertain,
    Window,
)
from bot.core.clock import now
from bot.core.messages import Address, Purpose
from bot.delivery import claims, outbox, outcomes, quota
from bot.delivery.claims import Stop
from storage.db import Database
from storage.models import progress
from storage.models.conversations import Message
from storage.models.customers import Customer, Identity
from storage.models.deliveries import Delivery, Quota
from tests.support.sending import ACCOUNT, PlainChannel, queue

CHANNEL = PlainChannel("http://unused.invalid")
WINDOW = Policy(windows={"message": Window(timedelta(hours=48), count=5, for_agents=2)})


def claim(
    db: Database,
    most: int = 20,
    busy: Sequence[str] = (),
    channel: PlainChannel = CHANNEL,
    guard: claims.Guard = claims.guard_consent,
) -> list[str]:
    """The texts of what is taken for sending, in that order."""
    return [one.text for one in db.run(claims.claim, channel, guard, busy, most).outgoing]


def row(db: Database, text: str) -> Delivery:
    """The delivery of the message `text`."""
    query = select(Delivery).join(Message).where(Message.text == text)
    return db.run(lambda session: session.exec(query).one())


def end(db: Database, text: str, error: DeliveryError | None = None) -> Delivery:
    """The attempt to send `text` has ended."""
    found = row(db, text)
    assert found.id is not None
    if error is None:
        db.run(outcomes.succeeded, found.id, "p1")
    else:
        db.run(outcomes.failed, found.id, error)
    return row(db, text)


def test_the_most_urgent_goes_first(db: Database) -> None:
    for name, purpose in reversed(list(zip("abcd", Purpose, strict=True))):
        db.run(queue, 2, 2, purpose, name)
    assert claim(db, most=3) == ["a0 #0", "a1 #0", "b0 #0"]
    assert claim(db) == ["b1 #0", "c0 #0", "c1 #0", "d0 #0", "d1 #0"]


def test_one_at_a_time_in_each_chat(db: Database) -> None:
    db.run(queue, 2, 3, Purpose.ANSWER)
    assert claim(db) == ["c0 #0", "c1 #0"]
    assert claim(db) == []
    assert end(db, "c0 #0").state == "sent"
    assert claim(db) == ["c0 #1"]
    assert end(db, "c0 #1", TryLater("429", 60)).state == "queued"
    assert claim(db) == []  # the next of this chat waits behind it
    with time_machine.travel(now() + timedelta(seconds=61)):
        assert claim(db, busy=["c1"]) == ["c0 #1"]


def test_what_has_arrived_of_a_long_message_is_not_sent_again(db: Database) -> None:
    db.run(queue, 1, 2)
    arrived: list[int] = []
    for ending in (Piece("p1"), None, Piece("p2"), TryLater("429", 0), "p3"):
        (taken,) = db.run(claims.claim, CHANNEL, claims.guard_consent, (), 9).outgoing
        assert taken.text == "c0 #0", "the rest goes before the next message"
        arrived.append(taken.part)
        if isinstance(ending, TryLater):
            db.run(outcomes.failed, int(taken.key), ending)
        elif ending is not None:
            db.run(outcomes.succeeded, int(taken.key), ending)
        else:  # kill -9
            db.run(outcomes.adopt, ACCOUNT)
    assert arrived == [0, 1, 1, 2, 2]
    assert row(db, "c0 #0").provider_id == "p1,p2,p3"
    assert claim(db) == ["c0 #1"]


def test_an_answer_overtakes_marketing_to_the_same_person(db: Database) -> None:
    db.run(queue, 1, 2, Purpose.MARKETING)
    db.run(say, "c0", "answer", Purpose.ANSWER)
    assert claim(db) == ["answer"]


def test_an_agent_who_wrote_before_is_not_overtaken_by_the_bot(db: Database) -> None:
    db.run(queue, 1, 1, Purpose.AGENT)
    db.run(say, "c0", "answer", Purpose.ANSWER)
    assert claim(db) == ["c0 #0"]
    end(db, "c0 #0")
    assert claim(db) == ["answer"]


def test_nothing_for_busy_chats(db: Database) -> None:
    db.run(queue, 3, 1)
    assert claim(db, busy=["c0", "c2"]) == ["c1 #0"]


def test_what_was_sent_lately_is_told_oldest_first(db: Database) -> None:
    db.run(queue, 3, 1, Purpose.ANSWER, "a")
    began = now()
    claim(db)
    for chat in (2, 0, 1):
        with time_machine.travel(began + timedelta(seconds=3 - chat)):
            end(db, f"a{chat} #0")
    lately = db.run(progress.tried_since, Delivery, ACCOUNT, began + timedelta(seconds=1.5))
    assert [one.chat for one in lately] == ["a1", "a0"]


@pytest.mark.parametrize("purpose", Purpose)
def test_perhaps_sent_is_sent_once_more_but_for_marketing(db: Database, purpose: Purpose) -> None:
    db.run(queue, 1, 1, purpose)
    claim(db)
    first = end(db, "c0 #0", Uncertain("reset"))
    if purpose is Purpose.MARKETING:
        assert (first.state, first.reason) == ("uncertain", "reset")
        assert claim(db) == []
        return
    assert (first.state, first.resends, first.reason) == ("queued", 1, "uncertain: reset")
    assert claim(db) == ["c0 #0"]
    last = end(db, "c0 #0", Uncertain("reset again"))
    assert (last.state, last.attempts, last.reason) == ("uncertain", 2, "reset again")
    assert claim(db) == []


def test_what_a_dead_process_left_on_its_way_is_uncertain(db: Database) -> None:
    db.run(queue, 1, 1, Purpose.ANSWER, "a")
    db.run(queue, 1, 1, Purpose.MARKETING, "m")
    claim(db)
    assert db.run(outcomes.adopt, ACCOUNT) == 2
    assert (row(db, "a0 #0").state, row(db, "a0 #0").resends) == ("queued", 1)
    assert row(db, "m0 #0").state == "uncertain"


@pytest.mark.parametrize("purpose", [Purpose.ANSWER, Purpose.MARKETING])
def test_the_news_that_it_arrived_may_come_late(db: Database, purpose: Purpose) -> None:
    db.run(queue, 1, 1, purpose)
    claim(db)
    db.run(outcomes.adopt, ACCOUNT)
    assert end(db, "c0 #0").state == "sent"
    assert claim(db) == []


def test_what_surely_failed_is_tried_later_and_later(db: Database) -> None:
    db.run(queue, 1, 1)
    at, pauses = now(), []
    for _ in range(3):
        with time_machine.travel(at, tick=False):
            assert claim(db) == ["c0 #0"]
            waiting = end(db, "c0 #0", TryLater("no connection"))
            assert waiting.not_before is not None
            pauses.append((waiting.not_before - at).total_seconds())
            at = waiting.not_before
    assert pauses == [1, 2, 5]


def test_what_is_refused_has_failed_and_says_why(db: Database) -> None:
    db.run(queue, 1, 2, Purpose.MARKETING)
    claim(db)
    assert end(db, "c0 #0", Refused("chat not found")).reason == "chat not found"
    assert row(db, "c0 #0").state == "failed"
    assert claim(db) == ["c0 #1"]


def test_who_blocked_us_gets_no_marketing_but_is_told_about_orders(db: Database) -> None:
    db.run(queue, 1, 2, Purpose.MARKETING)
    claim(db)
    end(db, "c0 #0", Refused("blocked", blocked=True))
    db.run(say, "c0", "shipped", Purpose.TRANSACTIONAL)
    assert claim(db) == ["shipped"]
    end(db, "shipped")
    assert claim(db) == []
    assert (row(db, "c0 #1").state, row(db, "c0 #1").reason) == ("failed", "blocked")


def test_who_said_stop_gets_no_marketing_that_was_planned_before(db: Database) -> None:
    db.run(queue, 1, 1, Purpose.MARKETING)
    db.run(opt_out)
    assert claim(db) == []
    assert row(db, "c0 #0").reason == "opted out"


def test_a_guard_may_hold_or_refuse(db: Database) -> None:
    db.run(queue, 2, 1)
    stops = {"c0": Stop("complaint"), "c1": Stop("delivered already", for_good=True)}
    assert claim(db, guard=lambda _session, asked: {d.id: stops[d.chat] for d in asked}) == []
    assert (row(db, "c0 #0").state, row(db, "c0 #0").reason) == ("held", "complaint")
    assert (row(db, "c1 #0").state, row(db, "c1 #0").reason) == ("failed", "delivered already")


def test_what_is_no_longer_useful_is_not_sent(db: Database) -> None:
    db.run(queue, 1, 1, Purpose.ANSWER, "a", now() + timedelta(minutes=5))
    db.run(queue, 1, 1, Purpose.ANSWER, "b")
    with time_machine.travel(now() + timedelta(minutes=6)):
        assert claim(db) == ["b0 #0"]
    assert (row(db, "a0 #0").state, row(db, "a0 #0").reason) == ("failed", "expired")


def test_a_route_carries_only_what_it_may(db: Database) -> None:
    db.run(queue, 1, 1, Purpose.MARKETING)
    policy = Policy(carries=frozenset({Purpose.ANSWER, Purpose.TRANSACTIONAL}))
    assert claim(db, channel=replace(CHANNEL, policy=policy)) == []
    assert (row(db, "c0 #0").state, row(db, "c0 #0").reason) == ("failed", "route")


def test_without_an_open_window_messages_are_held_until_the_customer_writes(db: Database) -> None:
    channel = replace(CHANNEL, policy=WINDOW)
    db.run(queue, 1, 1, Purpose.TRANSACTIONAL)
    db.run(say, "c0", "half price", Purpose.MARKETING)
    assert claim(db, channel=channel) == []
    assert claim(db, channel=channel) == []
    assert {row(db, text).reason for text in ("c0 #0", "half price")} == {"window"}
    db.run(quota.open_window, Address(*ACCOUNT, "c0"), WINDOW, "message")
    assert claim(db, channel=channel) == ["c0 #0"]
    end(db, "c0 #0")
    assert claim(db, channel=channel) == []
    assert row(db, "half price").state == "held"


def test_a_share_of_the_window_is_kept_for_agents(db: Database) -> None:
    channel = replace(CHANNEL, policy=WINDOW)
    db.run(queue, 1, 4, Purpose.ANSWER)
    db.run(quota.open_window, Address(*ACCOUNT, "c0"), WINDOW, "message")
    for number in range(3):
        assert claim(db, channel=channel) == [f"c0 #{number}"]
        end(db, f"c0 #{number}")
    assert claim(db, channel=channel) == []
    assert row(db, "c0 #3").state == "held"
    for number in range(3):
        db.run(say, "c0", f"agent {number}", Purpose.AGENT)
    for number in range(2):
        assert claim(db, channel=channel) == [f"agent {number}"]
        end(db, f"agent {number}")
    assert claim(db, channel=channel) == []
    assert row(db, "agent 2").state == "held"


def test_a_window_closes(db: Database) -> None:
    channel = replace(CHANNEL, policy=WINDOW)
    db.run(queue, 1, 1, Purpose.ANSWER)
    db.run(quota.open_window, Address(*ACCOUNT, "c0"), WINDOW, "message")
    assert claim(db, channel=channel) == ["c0 #0"]
    end(db, "c0 #0")
    with time_machine.travel(now() + timedelta(hours=48, seconds=1)):
        db.run(say, "c0", "late", Purpose.AGENT)
        assert claim(db, channel=channel) == []
    assert row(db, "late").state == "held"


def test_an_unlimited_window_saves_the_counted_one(db: Database) -> None:
    policy = Policy(
        windows={**WINDOW.windows, "payment": Window(timedelta(hours=48))},
    )
    channel = replace(CHANNEL, policy=policy)
    for kind in ("message", "payment"):
        db.run(quota.open_window, Address(*ACCOUNT, "c0"), policy, kind)
    db.run(queue, 1, 8, Purpose.ANSWER)
    for number in range(8):
        assert claim(db, channel=channel) == [f"c0 #{number}"]
        end(db, f"c0 #{number}")


def say(session: Session, chat: str, text: str, purpose: Purpose) -> None:
    identity = session.exec(select(Identity).where(Identity.chat == chat)).one()
    conversation = outbox.conversation_for(session, identity)
    outbox.post(session, conversation, text, purpose=purpose)


def opt_out(session: Session) -> None:
    for customer in session.exec(select(Customer)):
        customer.opted_out_at = now()
        session.add(customer)


JOINING = replace(WINDOW, joins=True, pieces=lambda text, _choices: 1 + len(text) // 60)
REPLYING = Policy(joins=True, replies_only=True, pieces=JOINING.pieces)
PLACE = Address(*ACCOUNT, "c0")


def test_what_waits_together_goes_as_one_message_where_windows_count(db: Database) -> None:
    channel = replace(CHANNEL, policy=JOINING)
    db.run(queue, 1, 3, Purpose.ANSWER)
    db.run(say, "c0", "from a person", Purpose.AGENT)
    db.run(say, "c0", "after them", Purpose.ANSWER)
    db.run(quota.open_window, PLACE, JOINING, "message")
    (first,) = db.run(claims.claim, channel, claims.guard_consent, (), 20).outgoing
    assert first.text == "c0 #0\n\nc0 #1\n\nc0 #2"
    assert [row(db, f"c0 #{number}").state for number in range(3)] == ["sending"] * 3
    assert claim(db, channel=channel) == []
    db.run(outcomes.failed_all, outcomes.numbers(first), TryLater("busy", 0))
    (again,) = db.run(claims.claim, channel, claims.guard_consent, (), 20).outgoing
    assert again.text == first.text
    db.run(outcomes.succeeded_all, outcomes.numbers(again), "p1")
    assert [row(db, f"c0 #{number}").state for number in range(3)] == ["sent"] * 3
    assert claim(db, channel=channel) == ["from a person"]
    end(db, "from a person")
    assert claim(db, channel=channel) == ["after them"]


def test_no_more_is_joined_than_one_message_holds(db: Database) -> None:
    channel = replace(CHANNEL, policy=JOINING)
    db.run(queue, 1, 1, Purpose.ANSWER)
    db.run(say, "c0", "x" * 59, Purpose.ANSWER)
    db.run(quota.open_window, PLACE, JOINING, "message")
    assert claim(db, channel=channel) == ["c0 #0"]


LONG = [Piece("p1"), Piece("p2"), "p3"]


@pytest.mark.parametrize(
    ("endings", "used"),
    [
        ([TryLater("busy", 0)], [0]),
        ([TryLater("busy", 0), *LONG], [0, 3, 3, 3]),
        ([Piece("p1"), TryLater("busy", 0), *LONG[1:]], [3, 3, 3, 3]),
        ([Piece("p1"), Refused("gone")], [3, 1]),
        ([Uncertain("reset"), *LONG], [3, 4, 4, 4]),
        ([Uncertain("reset"), Uncertain("reset")], [3, 2]),
        ([Piece("p1"), Uncertain("reset"), TryLater("busy", 0), *LONG[1:]], [3, 3, 4, 4, 4]),
    ],
)
def test_what_a_window_counts_is_what_was_or_may_have_been_sent(
    db: Database, endings: list[DeliveryError | Piece | str], used: list[int]
) -> None:
    channel = replace(CHANNEL, policy=JOINING)
    db.run(queue, 1, 0)
    db.run(say, "c0", "x" * 150, Purpose.AGENT)
    db.run(quota.open_window, PLACE, JOINING, "message")
    counted = []
    for ending in endings:
        (taken,) = db.run(claims.claim, channel, claims.guard_consent, (), 20).outgoing
        is_error = isinstance(ending, DeliveryError)
        record = outcomes.failed_all if is_error else outcomes.succeeded_all
        db.run(record, outcomes.numbers(taken), ending)
        counted += db.run(used_of)
    assert counted == used


def test_what_the_rest_of_a_message_took_is_taken_anew_from_a_window_that_begins_anew(
    db: Database,
) -> None:
    channel = replace(CHANNEL, policy=JOINING)
    db.run(queue, 1, 0)
    db.run(say, "c0", "x" * 150, Purpose.AGENT)
    db.run(quota.open_window, PLACE, JOINING, "message")
    (taken,) = db.run(claims.claim, channel, claims.guard_consent, (), 20).outgoing
    db.run(outcomes.succeeded_all, outcomes.numbers(taken), Piece("p1"))
    db.run(quota.open_window, PLACE, JOINING, "message")
    (rest,) = db.run(claims.claim, channel, claims.guard_consent, (), 20).outgoing
    assert (rest.part, db.run(used_of)) == (1, [2])


def test_a_permission_that_was_not_used_is_given_back(db: Database) -> None:
    routes = (Route("once", frozenset({Purpose.TRANSACTIONAL}), "leave:once"),)
    channel = replace(CHANNEL, policy=replace(WINDOW, routes=routes))
    db.run(queue, 1, 1, Purpose.TRANSACTIONAL)
    db.run(quota.give_leave, PLACE, "leave:once")
    (news,) = db.run(claims.claim, channel, claims.guard_consent, (), 20).outgoing
    assert (news.route, db.run(used_of)) == ("once", [1])
    db.run(outcomes.failed_all, outcomes.numbers(news), TryLater("busy", 0))
    assert db.run(used_of) == [0]


def used_of(session: Session) -> list[int]:
    return [one.used for one in session.exec(select(Quota))]


def test_a_message_in_pieces_takes_as_many_of_the_window(db: Database) -> None:
    channel = replace(CHANNEL, policy=JOINING)
    db.run(queue, 1, 1, Purpose.ANSWER)
    end(db, claim(db)[0])
    db.run(quota.open_window, PLACE, JOINING, "message")
    db.run(say, "c0", "y" * 150, Purpose.ANSWER)  # three of the three that are not for agents
    assert claim(db, channel=channel) == ["y" * 150]
    end(db, "y" * 150)
    db.run(say, "c0", "z", Purpose.ANSWER)
    assert claim(db, channel=channel) == []
    assert row(db, "z").state == "held"


def test_what_arrived_after_the_customer_wrote_counts_in_the_new_window(db: Database) -> None:
    channel = replace(CHANNEL, policy=WINDOW)
    db.run(queue, 1, 5, Purpose.ANSWER)
    wrote = now() - timedelta(seconds=1)
    db.run(quota.open_window, PLACE, WINDOW, "message")
    end(db, claim(db, channel=channel)[0])
    db.run(quota.open_window, PLACE, WINDOW, "message", wrote)
    for number in (1, 2):
        assert claim(db, channel=channel) == [f"c0 #{number}"]
        end(db, f"c0 #{number}")
    assert claim(db, channel=channel) == []
    db.run(quota.open_window, PLACE, WINDOW, "message", wrote)
    assert len(claim(db, channel=channel)) == 1, "one is always left for the answer"


def test_where_the_platform_says_no_it_waits_for_the_customer(db: Database) -> None:
    channel = replace(CHANNEL, policy=WINDOW)
    db.run(queue, 1, 2, Purpose.ANSWER)
    db.run(quota.open_window, PLACE, WINDOW, "message")
    claim(db, channel=channel)
    assert end(db, "c0 #0", Closed("45015")).state == "held"
    assert claim(db, channel=channel) == []
    assert (row(db, "c0 #1").state, row(db, "c0 #1").reason) == ("held", "window")
    db.run(quota.open_window, PLACE, WINDOW, "message")
    assert claim(db, channel=channel) == ["c0 #0"]


def test_other_routes_carry_what_they_may_and_no_more_than_was_allowed(db: Database) -> None:
    order_news = frozenset({Purpose.TRANSACTIONAL})
    routes = (Route("once", order_news, "leave:once"),)
    channel = replace(CHANNEL, policy=replace(WINDOW, routes=routes))
    db.run(queue, 1, 1, Purpose.TRANSACTIONAL)
    db.run(say, "c0", "half price", Purpose.MARKETING)
    db.run(say, "c0", "an answer", Purpose.ANSWER)
    assert claim(db, channel=channel) == []
    db.run(quota.give_leave, PLACE, "leave:once")
    db.run(say, "c0", "more news", Purpose.TRANSACTIONAL)
    claimed: list[Outgoing] = []
    while found := db.run(claims.claim, channel, claims.guard_consent, (), 20):
        claimed += found.outgoing
        if not (found.outgoing or found.stopped):
            break
        for one in found.outgoing:
            db.run(outcomes.succeeded_all, outcomes.numbers(one), "7")
    assert [(one.text, one.route) for one in claimed] == [("c0 #0", "once")]
    held = ("more news", "an answer", "half price")
    assert {row(db, text).state for text in held} == {"held"}
    db.run(outcomes.reported, ACCOUNT, "7", blocked=False)
    assert row(db, "c0 #0").state == "held"


def test_what_can_only_be_replied_waits_for_the_request(db: Database) -> None:
    channel = replace(CHANNEL, policy=REPLYING)
    db.run(queue, 1, 2, Purpose.ANSWER)
    db.run(say, "c0", "half price", Purpose.MARKETING)
    assert claim(db, channel=channel) == []
    assert row(db, "c0 #0").state == "queued", "the request may still be open"
    reply = db.run(claims.claim_reply, channel, claims.guard_consent, "c0")
    assert reply is not None
    assert reply.text == "c0 #0\n\nc0 #1"
    db.run(outcomes.reply_kept, reply)
    assert row(db, "c0 #1").state == "held"
    reply = db.run(claims.claim_reply, channel, claims.guard_consent, "c0")
    assert reply is not None
    db.run(partial(outcomes.reply_given, outgoing=reply, has_more=False))
    assert [row(db, text).state for text in ("c0 #0", "c0 #1")] == ["sent", "sent"]
    assert db.run(claims.claim_reply, channel, claims.guard_consent, "c0") is None
    with time_machine.travel(now() + claims.REQUEST_LASTS):
        db.run(say, "c0", "from a person", Purpose.AGENT)
        with time_machine.travel(now() + claims.REQUEST_LASTS):
            assert claim(db, channel=channel) == []
    assert row(db, "from a person").state == "held"


def test_a_long_reply_is_given_in_parts(db: Database) -> None:
    channel = replace(CHANNEL, policy=REPLYING)
    db.run(queue, 1, 1, Purpose.ANSWER)
    parts = []
    for has_more in (True, True, False):
        reply = db.run(claims.claim_reply, channel, claims.guard_consent, "c0")
        assert reply is not None
        parts.append(reply.part)
        db.run(partial(outcomes.reply_given, outgoing=reply, has_more=has_more))
    assert parts == [0, 1, 2]
    assert row(db, "c0 #0").state == "sent"
