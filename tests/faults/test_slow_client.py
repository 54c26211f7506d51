"""A web client that never reads costs bounded memory and nobody else's time."""

import gc
import time
from collections.abc import Iterator
from statistics import median

import psutil
import pytest
from sqlmodel import Session, select

from bot.dialogue.intake import Intake
from storage import live
from storage.db import Database
from storage.models.conversations import Message
from storage.models.customers import Identity
from tests.faults.mortal import RECEPTION, understand
from tests.support.alone import chat_socket
from tests.support.chat import Chat

WAITING, LENGTH = 16_000, 3_000
"""48 MB for a client that reads nothing; several times more than the kernel buffers."""
BOUND = 24 * 2**20


@pytest.fixture
def url(sqlite_url: str) -> Iterator[tuple[str, Database]]:
    """The chat socket alone, in this process."""
    db = Database(sqlite_url)
    with chat_socket(db, Intake(db, understand, RECEPTION)) as address:
        yield address, db
    db.close()


def flood(session: Session) -> None:
    """A page of messages, so many times, for the only chat there is."""
    first = session.exec(select(Message)).first()
    assert first is not None
    row = first.model_dump(exclude={"id"}) | {"text": "x" * LENGTH}
    session.connection().execute(Message.__table__.insert(), [row] * WAITING)  # type: ignore[attr-defined]


def usual_wait(chat: Chat, questions: int = 40) -> float:
    """Seconds until the answer, the median: other tests want this machine now and then."""
    taken = []
    for _ in range(questions):
        started = time.perf_counter()
        chat.ask("怎么退货")
        taken.append(time.perf_counter() - started)
        chat.frames.clear()
    return median(taken)


def test_a_client_that_never_reads(url: tuple[str, Database]) -> None:
    address, db = url
    me = psutil.Process()
    with Chat(address, close_timeout=0.1) as stuck:
        stuck.ask("怎么退货")
        db.run(flood)
        with Chat(address) as other:
            other.ask("怎么退货")
            before_it = usual_wait(other)
            gc.collect()
            before = me.memory_info().rss
            db.run(lambda session: live.touch(session, *topics(session)))
            during = usual_wait(other)
            assert me.memory_info().rss - before < BOUND
            assert during < before_it + 0.25
        stuck.socket.socket.close()  # and now it vanishes
    with Chat(address) as another:
        assert another.ask("怎么退货")


def topics(session: Session) -> list[str]:
    return [live.chat(identity.address) for identity in session.exec(select(Identity))]
