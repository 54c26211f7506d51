"""What got stuck is seen, tried again or given up, by people."""

from datetime import timedelta

import time_machine

from bot.channels.base import Refused, Uncertain
from bot.core.clock import now
from bot.core.messages import Purpose
from bot.delivery import claims, dead_letters, outcomes
from storage.db import Database
from tests.support.sending import PlainChannel, queue

CHANNEL = PlainChannel("http://unused.invalid")


def sent_off(db: Database) -> list[str]:
    found = db.run(claims.claim, CHANNEL, claims.guard_consent, [], 20)
    return [one.text for one in found.outgoing]


def stuck(db: Database) -> list[int]:
    """Four deliveries: failed, uncertain, queued, sent. Returns their ids."""
    db.run(queue, 4, 1, Purpose.MARKETING)
    first = db.run(claims.claim, CHANNEL, claims.guard_consent, ["c2"], 20).outgoing
    ids = [int(one.key) for one in first]
    db.run(outcomes.failed, ids[0], Refused("chat not found"))
    db.run(outcomes.failed, ids[1], Uncertain("reset"))
    db.run(outcomes.succeeded, ids[2], "p1")
    return [ids[0], ids[1], ids[1] + 1, ids[2]]


def test_the_stuck_are_listed_with_their_reasons(db: Database) -> None:
    failed, uncertain, *_ = stuck(db)
    found = db.run(dead_letters.listing)
    assert [(one.id, one.state, one.reason, one.text) for one in found] == [
        (failed, "failed", "chat not found", "c0 #0"),
        (uncertain, "uncertain", "reset", "c1 #0"),
    ]
    assert [one.id for one in db.run(dead_letters.listing, limit=1, after=failed)] == [uncertain]
    assert "[reset]  'c1 #0'" in found[1].line()
    assert db.run(dead_letters.counts) == {"failed": 1, "uncertain": 1, "queued": 1, "sent": 1}


def test_only_the_stuck_are_tried_again(db: Database) -> None:
    ids = stuck(db)
    assert db.run(dead_letters.retry, [*ids, 999]) == ids[:2]
    assert sent_off(db) == ["c0 #0", "c1 #0", "c2 #0"]


def test_what_expired_gets_its_time_again(db: Database) -> None:
    db.run(queue, 1, 1)
    with time_machine.travel(now() + timedelta(days=3)):
        assert sent_off(db) == []
        (letter,) = db.run(dead_letters.listing)
        assert letter.reason == "expired"
        db.run(dead_letters.retry, [letter.id])
        assert sent_off(db) == ["c0 #0"]


def test_what_is_dropped_is_not_sent(db: Database) -> None:
    failed, uncertain, queued, sent = stuck(db)
    assert db.run(dead_letters.drop, [failed, uncertain, queued, sent]) == [uncertain, queued]
    assert sent_off(db) == []
    assert [one.reason for one in db.run(dead_letters.listing)] == [
        "chat not found",
        "dropped by hand",
        "dropped by hand",
    ]
