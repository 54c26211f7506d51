"""kill -9 while many are written to: it goes on, nobody gets two, and nobody is forgotten."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlmodel import Session, select

from bot.care import counting, overview, sendings
from bot.care.house import House
from bot.care.overview import SendingLine
from bot.words.phrases import Voice
from storage.db import Database
from storage.models.care import CareMessage, Sending
from storage.models.customers import Identity
from storage.models.deliveries import Delivery
from tests.doubles.telegram import TelegramDouble
from tests.integration.care.test_sendings import draft
from tests.support.audience import gather
from tests.support.care import ACCOUNTS, config
from tests.support.sent import worst_second
from tests.support.waiting import until


@contextmanager
def process(db: Database, platform: TelegramDouble) -> Iterator[None]:
    """One that sends, killed when the context ends."""
    command = [sys.executable, "-m", "tests.support.many_process",
               db.url.render_as_string(hide_password=False), platform.url,
               str(platform.second)]  # fmt: skip
    running = subprocess.Popen(command)
    try:
        yield
        assert running.poll() is None
    finally:
        running.kill()
        running.wait()


def begin(db: Database, voice: Voice, count: int) -> int:
    care = House.of(config(), voice)
    care.connect(ACCOUNTS)
    db.run(gather, count)
    number = db.run(sendings.create, None, voice, draft()).id or 0
    found: Counter[str] = Counter()
    after: int | None = 0
    while after is not None:
        part, after = db.run(counting.count_some, care.planner, number, after)
        found += part
    db.run(sendings.counted, number, found)
    db.run(sendings.confirm, None, voice, number, count)
    return number


def kill(
    db: Database, voice: Voice, platform: TelegramDouble, count: int, *shares: float
) -> SendingLine:
    """Send to `count` customers, and kill the sender whenever such a share has been sent."""
    number = begin(db, voice, count)
    for share in shares:
        with process(db, platform):
            until(lambda share=share: len(platform.calls) >= share * count, 600)

    def state() -> SendingLine | None:
        found = db.run(lambda s: overview.sending_line(s, s.get_one(Sending, number)))
        return found if found.state == "done" else None

    with process(db, platform):
        done: SendingLine = until(state, 900)
    return done


def check(db: Database, platform: TelegramDouble, done: SendingLine, count: int) -> None:
    def unknown(session: Session) -> set[str]:
        query = (
            select(Identity.chat)
            .join(Delivery, Delivery.chat == Identity.chat)
            .where(  # type: ignore[arg-type]
                Delivery.id.in_(done.unknown)  # type: ignore[union-attr]
            )
        )
        return set(session.exec(query))

    got = Counter(call.chat for call in platform.sent())
    assert set(got.values()) == {1}  # nobody twice
    uncertain = db.run(unknown)
    everybody = {f"p{place}" for place in range(1, count + 1)}
    assert everybody - set(got) <= uncertain  # nobody missed: at most unknown, and listed
    assert done.planned == done.written == count
    assert (done.sent + done.uncertain, len(uncertain)) == (count, done.uncertain)
    rows = db.run(lambda s: len(s.exec(select(CareMessage.id)).all()))
    assert rows == count


def test_killed_while_sending_to_many(sqlite_db: Database, voice: Voice) -> None:
    with TelegramDouble(second=0.1).running() as platform:
        done = kill(sqlite_db, voice, platform, 250, 0.5)
        check(sqlite_db, platform, done, 250)


@pytest.mark.soak
def test_killed_again_and_again(db: Database, voice: Voice) -> None:
    with TelegramDouble(second=0.1).running() as platform:
        done = kill(db, voice, platform, 3000, *(place / 12 for place in range(1, 12)))
        check(db, platform, done, 3000)


@pytest.mark.soak
def test_killed_while_sending_to_ten_thousand(sqlite_db: Database, voice: Voice) -> None:
    with TelegramDouble().running() as platform:
        done = kill(sqlite_db, voice, platform, 10_000, 0.25, 0.5, 0.75)
        check(sqlite_db, platform, done, 10_000)
        assert {call.outcome for call in platform.calls} <= {"sent"}  # by whole seconds, never 429


@pytest.mark.soak
def test_the_platforms_limit_is_used(sqlite_db: Database, voice: Voice) -> None:
    """None too many, and few less than the platform takes."""
    with TelegramDouble().running() as platform:
        begin(sqlite_db, voice, 1500)
        with process(sqlite_db, platform):
            until(lambda: len(platform.sent()) == 1500, 300)
        sent = platform.sent()
        assert [call.outcome for call in platform.calls] == ["sent"] * 1500
        assert worst_second(sent) <= 30
        rate = (len(sent) - 1) / (sent[-1].at - sent[0].at)
        print(f"{rate:.2f} messages a second of 30")
        assert rate >= 0.9 * 30
