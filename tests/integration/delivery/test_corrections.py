"""What an agent rewords: before it leaves, on its way, and at the customer; on both databases."""

import pytest
from sqlmodel import Session, col, select

from bot.channels.base import Outgoing, Refused, Uncertain
from bot.core.messages import Attachment, Author, Kind, Purpose
from bot.delivery import claims, corrections, outbox, outcomes
from storage.db import Database
from storage.models.conversations import Conversation, Message
from storage.models.errands import Errand
from tests.support import world
from tests.support.sending import PlainChannel

CHANNEL = PlainChannel("http://unused.invalid")
ORIGIN = "-100/7"


@pytest.fixture
def message(db: Database) -> int:
    """What an agent wrote in a topic."""

    def write(session: Session, *files: Attachment) -> int:
        identity = world.chat(session, "ann", "telegram", pulls=False)
        conversation = outbox.conversation_for(session, identity)
        return say(session, conversation)

    return db.run(write)


def say(session: Session, conversation: Conversation, *files: Attachment) -> int:
    return outbox.post(
        session, conversation, "tomorrow", author=Author.AGENT, purpose=Purpose.AGENT,
        origin=ORIGIN, attachments=files,
    ).id  # fmt: skip


def reword(db: Database, message: int, text: str) -> bool:
    return db.run(
        lambda session: corrections.correct(session, session.get_one(Message, message), text)
    )


def claimed(db: Database) -> list[Outgoing]:
    return db.run(claims.claim, CHANNEL, claims.guard_consent, (), 9).outgoing


def ordered(db: Database) -> list[tuple[int, str, bool]]:
    """The changes at the customer: of which message, to what, and whether it is a caption."""
    query = select(Errand).order_by(col(Errand.id))
    found = db.run(lambda session: [one.details for one in session.exec(query)])
    return [(one["message"], one["text"], one["caption"]) for one in found]


def text_of(db: Database, message: int) -> str:
    return db.run(lambda session: session.get_one(Message, message).text)


def test_before_it_leaves(db: Database, message: int) -> None:
    assert reword(db, message, "today")
    assert [(one.text, one.copy_of) for one in claimed(db)] == [("today", "")]
    db.run(outcomes.succeeded, 1, "55")
    assert ordered(db) == []


def test_while_it_is_on_its_way(db: Database, message: int) -> None:
    assert [one.text for one in claimed(db)] == ["tomorrow"]
    assert reword(db, message, "today")
    assert ordered(db) == []
    db.run(outcomes.succeeded, 1, "55")
    assert ordered(db) == [(55, "today", False)]


def test_an_attempt_that_failed_takes_the_new_words_along(db: Database, message: int) -> None:
    claimed(db)
    assert reword(db, message, "today")
    db.run(outcomes.failed, 1, Uncertain("no answer"))
    assert [one.text for one in claimed(db)] == ["today"]
    db.run(outcomes.succeeded, 1, "55")
    assert ordered(db) == []


def test_at_the_customer_the_last_words_count(db: Database, message: int) -> None:
    claimed(db)
    db.run(outcomes.succeeded, 1, "55")
    assert reword(db, message, "today")
    assert reword(db, message, "now")
    assert ordered(db) == [(55, "now", False)]
    assert text_of(db, message) == "now"


def test_what_never_arrived_stays_as_it_was(db: Database, message: int) -> None:
    claimed(db)
    db.run(outcomes.failed, 1, Refused("blocked"))
    assert not reword(db, message, "today")
    assert text_of(db, message) == "tomorrow"


def test_the_words_beside_a_file(db: Database, message: int) -> None:
    photo = Attachment(Kind.PHOTO, "file")
    claimed(db)
    db.run(outcomes.succeeded, 1, "55")
    second = db.run(lambda session: say(session, session.get_one(Conversation, 1), photo))
    assert [one.copy_of for one in claimed(db)] == [ORIGIN]
    db.run(outcomes.succeeded, 2, "56")
    assert reword(db, second, "today")
    assert ordered(db) == [(56, "today", True)]
