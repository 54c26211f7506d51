"""kill -9 at each named point of a message's way, in and out: nothing is lost or done twice."""

import asyncio
import contextlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed

from bot.channels.base import Policy
from bot.core.messages import Author, Purpose
from bot.delivery.sender import Sender
from storage.db import Database
from storage.models.inbound import Receipt
from tests.doubles.telegram import TelegramDouble
from tests.doubles.webhook import WebhookDouble
from tests.faults import mortal
from tests.support.chat import Chat
from tests.support.hooks import all_told, hook, listen, telling
from tests.support.killed_at import FATAL
from tests.support.receiving import Chat as Customer
from tests.support.sending import PlainChannel, queue
from tests.support.sent import rows_by_text, settled
from tests.support.service import ROOT, Service

INWARD = ("received", "committed", "taken", "acknowledged")
OUTWARD = ("claiming", "claimed", "sent", "recording")
TOLD = ("ordered", "calling", "called", "noting")


class Mortals:
    """`tests.faults.mortal`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.mortal"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip

    def die(self, *words: str) -> list[str]:
        """Let one live until it dies; what it acknowledged."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(*words, file=self._process.stdin, flush=True)
        return [line.strip() for line in iter(self._process.stdout.readline, "dead\n")]

    def close(self) -> None:
        self._process.communicate(timeout=10)


@pytest.fixture(scope="module")
def mortals() -> Iterator[Mortals]:
    made = Mortals()
    yield made
    made.close()


@pytest.mark.parametrize("point", INWARD)
async def test_a_message_that_comes_in(
    mortals: Mortals, database_url: str, db: Database, point: str
) -> None:
    acked = mortals.die(point, database_url)
    assert acked == ["m1", "m2", FATAL][: 3 if point == "acknowledged" else 2]
    customer = Customer(db, mortal.RECEPTION, "ann")
    kept = [one.external_id for one in await customer.all(Receipt)]
    assert kept == ["m1", "m2", FATAL][: 2 if point == "received" else 3]

    intake = mortal.intake(db)
    for external_id in mortal.IDS:  # whoever got no acknowledgement sends again; others may
        again = await intake.take(mortal.message(external_id))
        assert again.repeated == (external_id in kept)
    authors = [one.author for one in await customer.messages()]
    assert authors == [Author.CUSTOMER, Author.BOT] * 5
    assert [one.external_id for one in await customer.all(Receipt)] == list(mortal.IDS)


@pytest.mark.parametrize("point", OUTWARD)
async def test_a_message_that_goes_out(
    mortals: Mortals, database_url: str, db: Database, point: str
) -> None:
    with TelegramDouble(limits=False).running() as platform:
        await db.transact(queue, 3, 1, Purpose.MARKETING)
        await db.transact(queue, 3, 1, Purpose.ANSWER, "a")
        mortals.die(point, database_url, platform.url)
        before = len(platform.calls)
        assert (before == 0) == (point in ("claiming", "claimed"))
        sender = asyncio.create_task(Sender(db, PlainChannel(platform.url, policy=Policy())).run())
        states = await settled(db)
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)
        rows = await db.read(rows_by_text)
    arrived = Counter(call.text for call in platform.sent())
    if point == "claiming":
        assert states == {"sent": 6}
        assert set(arrived.values()) == {1}
    assert states.total() == len(rows) == 6
    for text, row in rows.items():
        assert row.state in ("sent", "uncertain")
        assert row.state == "uncertain" or arrived[text] >= 1, f"{text} is lost in silence"
        assert arrived[text] <= 1 + row.resends
        if row.purpose == Purpose.MARKETING:
            assert arrived[text] <= 1
        else:
            assert row.state == "sent"


@pytest.mark.parametrize("point", TOLD)
async def test_what_a_webhook_is_told(
    mortals: Mortals, database_url: str, db: Database, point: str
) -> None:
    with WebhookDouble().running() as crm:
        listen(db, hook(crm.url))
        await db.transact(queue, 3, 1)  # three conversations, each with a message
        mortals.die(point, database_url, crm.url)
        assert bool(crm.calls) == (point in ("called", "noting"))
        async with telling(db, hook(crm.url)):
            told = await asyncio.to_thread(crm.wait, 6)
            await all_told(db)
    assert sorted(one["type"] for one in told) == 3 * ["conversation.created"] + 3 * [
        "message.created"
    ]
    again = len(crm.calls) - len(told)  # what had arrived, and was not noted, comes once more
    assert (again > 0) == (point in ("called", "noting"))


@pytest.mark.soak
@pytest.mark.parametrize("point", INWARD)
def test_the_whole_service(own_service: Service, point: str) -> None:
    own_service.module = ("tests.support.killed_at", point)
    own_service.start()
    acked = []
    with Chat(own_service.socket_url) as chat:
        session = chat.session
        chat.ask("怎么退货")
        with contextlib.suppress(ConnectionClosed):
            acked.append(chat.say("怎么退货", FATAL))
    assert own_service.process is not None
    assert own_service.process.wait(10) == -9
    own_service.module = ("bot",)
    own_service.start()
    with Chat(own_service.socket_url, session) as chat:
        seq = chat.say("怎么退货", FATAL)
        assert acked in ([], [seq])
        chat.ask("运费多少")
        chat.quiet(0.5)
        messages = [frame["from"] for frame in chat.frames if frame["type"] == "message"]
    assert messages == ["customer", "bot"] * 3
